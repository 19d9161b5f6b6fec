"""Differences between populations of the demo, taken apart, against loops over its people and their alleles."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.parameters import (
    BaselinesParameters,
    DataPrepParameters,
    ExecutionParameters,
    PopulationEffectsParameters,
    VariantEffectsParameters,
)
from haploformer.pipelines.population_effects import nodes
from haploformer.pipelines.variant_effects import nodes as variant_effects
from haploformer.preflight import check_inputs
from haploformer.summary_text import describe_differences
from tests.builders.demo_genes import ENFORMER, DemoGenes

CENTRE_ONLY = ENFORMER.model_copy(update={"bins": "centre"})
BOTH = PopulationEffectsParameters(first="AFR", second="EUR")


@pytest.fixture(scope="module")
def demo(demo_run) -> DemoGenes:
    made, _ = demo_run
    return DemoGenes(made.root)


@pytest.fixture(scope="module")
def inputs(demo, tmp_path_factory) -> tuple[object, pd.DataFrame, pd.DataFrame]:
    """Predictions of single variants, their effects, and the cohort's summaries of the same genes."""
    windows, _ = demo.collect(VariantEffectsParameters())
    predictions = demo.predict(windows, tmp_path_factory.mktemp("populations") / "v.zarr", CENTRE_ONLY)
    frequencies = variant_effects.count_frequencies(windows, demo.variants, demo.individuals)
    effects = variant_effects.tabulate_variant_effects(predictions, demo.windows, frequencies, demo.tracks, CENTRE_ONLY)
    summaries = pd.read_parquet(demo.root / "data/07_model_output/demo/enformer_summaries.parquet")
    of_genes = summaries[summaries["gene_id"].isin(demo.genes["gene_id"])].reset_index(drop=True)
    return predictions, schemas.variant_effects(effects), of_genes


@pytest.fixture(scope="module")
def compared(demo, inputs) -> tuple[pd.DataFrame, pd.DataFrame]:
    _, effects, summaries = inputs
    tables = nodes.compare_populations(effects, summaries, demo.variants, demo.individuals, demo.genes, BOTH)
    return schemas.population_effects(tables[0]), schemas.population_differences(tables[1])


def carried_share(demo: DemoGenes, row: object, population: str) -> tuple[float, set[bool]]:
    """Share of chromosome copies of a population with an allele, copy by copy, and which alleles are seen."""
    genotypes = demo.variants.genotypes
    people = dict(zip(demo.individuals["individual_id"], demo.individuals["population"], strict=True))
    places = (genotypes.records["contig"] == row.contig) & (genotypes.records["pos"] == row.pos)
    for i in np.flatnonzero(places & (genotypes.records["ref"] == row.ref)):
        alts = genotypes.records["alt"].iloc[i].split(",")
        if row.alt in alts:
            calls = np.asarray(genotypes.alleles[slice(i, i + 1)])[0]
            break
    seen = [
        int(allele) == alts.index(row.alt) + 1
        for person, copies in zip(genotypes.individual_ids, calls, strict=True)
        if people[person] == population and (copies >= 0).all()
        for allele in copies
    ]
    return sum(seen) / len(seen), set(seen)


def test_population_effects__equal_a_loop_over_copies(demo, inputs, compared):
    _, effects, _ = inputs
    table, differences = compared
    chosen = (effects["effect_kind"] == "sad") & (effects["summary"] == "tissue_mean")
    tissue = table[table["summary"] == "tissue_mean"].set_index(["gene_id", "pos", "ref", "alt"])
    assert len(tissue) == chosen.sum()
    found, sums = set(), {}
    for row in effects[chosen].itertuples():
        ours = tissue.loc[(row.gene_id, row.pos, row.ref, row.alt)]
        (first, in_first), (second, in_second) = (carried_share(demo, row, name) for name in ("AFR", "EUR"))
        assert (ours["first_frequency"], ours["second_frequency"]) == pytest.approx((first, second))
        added = (row.coverage_alt - row.coverage_ref) * (first - second)
        assert ours["contribution"] == pytest.approx(added, abs=1e-12)
        if in_first == in_second:
            expected = "shared" if len(in_first) == 2 else "same"
        elif in_first > in_second:
            expected = "private_first"
        else:
            expected = "private_second" if in_second > in_first else "fixed"
        assert ours["carried"] == expected
        found.add(expected)
        sums[row.gene_id, expected] = sums.get((row.gene_id, expected), 0.0) + added
    assert {"shared", "private_first", "private_second"} <= found
    for row in differences[differences["summary"] == "tissue_mean"].itertuples():
        for part in ("shared", "private_first", "private_second", "fixed"):
            assert getattr(row, part) == pytest.approx(sums.get((row.gene_id, part), 0.0), abs=1e-12)


def test_population_differences__are_those_of_the_cohorts_predictions(demo, inputs, compared):
    _, _, summaries = inputs
    _, differences = compared
    people = dict(zip(demo.individuals["individual_id"], demo.individuals["population"], strict=True))
    assert set(differences["summary"]) == {"tissue_mean", "all_tracks_mean"}
    for row in differences.itertuples():
        values = {"AFR": [], "EUR": []}
        for person in summaries.itertuples():
            if (person.gene_id, person.summary) == (row.gene_id, row.summary):
                values[people[person.individual_id]].append(person.personal)
        means = [sum(of) / len(of) for of in values.values()]
        assert (row.n_first, row.n_second) == tuple(len(of) for of in values.values())
        assert (row.first_mean, row.second_mean) == pytest.approx(means)
        assert row.exact_difference == pytest.approx(means[0] - means[1], abs=1e-9)
        parts = row.shared + row.private_first + row.private_second + row.fixed
        assert row.additive_difference == pytest.approx(parts, abs=1e-12)
        assert row.background == pytest.approx(row.exact_difference - parts, abs=1e-12)
    tissue = differences[differences["summary"] == "tissue_mean"]
    # Effects of this network nearly add up: what is left is smaller than what is there.
    assert (tissue["background"].abs() < tissue["exact_difference"].abs()).any()
    assert tissue["driver"].notna().all()


def test_compare_populations__one_against_the_rest_is_the_opposite(demo, inputs, compared):
    _, effects, summaries = inputs
    _, differences = compared
    options = PopulationEffectsParameters(first="EUR")
    _, rest = nodes.compare_populations(effects, summaries, demo.variants, demo.individuals, demo.genes, options)
    assert set(rest["second"]) == {"the others"}
    for name in ("exact_difference", "additive_difference", "shared", "background"):
        np.testing.assert_allclose(rest[name], -differences[name], atol=1e-12)
    np.testing.assert_allclose(rest["private_first"], -differences["private_second"], atol=1e-12)


def test_compare_populations__effects_of_both_strands_are_refused(demo, inputs):
    _, effects, summaries = inputs
    other = effects.assign(coverage_ref=1.01 * effects["coverage_ref"])
    with pytest.raises(InputError, match="both were not predicted by one model from one strand"):
        nodes.compare_populations(other, summaries, demo.variants, demo.individuals, demo.genes, BOTH)


def test_report_population_effects__figure_and_page(demo, inputs, compared):
    predictions, _, summaries = inputs
    table, differences = compared
    figure, page = nodes.report_population_effects(
        table, differences, summaries, demo.individuals, predictions, demo.tracks, CENTRE_ONLY
    )
    tissue = table[(table["summary"] == "tissue_mean") & ~table["carried"].isin(["same", "uncalled"])]
    drawn = {trace["name"]: len(trace["x"]) for trace in json.loads(figure.to_json())["data"]}
    counts = tissue["carried"].value_counts()
    assert drawn["both alleles in both groups"] == counts["shared"]
    assert drawn["an allele only in AFR"] == counts["private_first"]
    assert sum(drawn.values()) == len(tissue)
    sizes = demo.individuals["population"].value_counts()
    assert f"populations: AFR {sizes['AFR']}, EUR {sizes['EUR']}." in page
    assert f"{sizes['AFR']} people of AFR against {sizes['EUR']} of EUR." in page
    assert "DEMOGENE3" in page
    assert not any(person in page for person in demo.individuals["individual_id"]), "no person stands alone"
    shown = describe_differences(differences)
    assert f"Predicted coverage of AFR ({sizes['AFR']}) less that of EUR ({sizes['EUR']}):" in shown
    assert "DEMOGENE2" in shown


def test_preflight__groups_and_what_adds_up(demo):
    groups = {
        "select": type("Select", (), {"genes": None, "individuals": None}),
        "execution": ExecutionParameters(),
        "baselines": BaselinesParameters(),
        "data_prep": DataPrepParameters(),
        "variant_effects": VariantEffectsParameters(),
        "population_effects": BOTH,
    }
    stored = {"individuals": demo.individuals}.get
    made = {"population_effects", "population_differences"}
    assert check_inputs({"individuals"}, made, stored, groups) is None
    for changed, message in (
        ({"population_effects": PopulationEffectsParameters(first="FIN")}, "nobody is of FIN"),
        ({"population_effects": PopulationEffectsParameters()}, "no population is given"),
        ({"variant_effects": VariantEffectsParameters(variants="rs1")}, "made of the cohort's variants"),
        ({"variant_effects": VariantEffectsParameters(strands="both")}, "effects of both strands cannot be compared"),
        ({"data_prep": DataPrepParameters(phase="mean")}, "a mean of both copies is no haplotype"),
    ):
        with pytest.raises(InputError, match=message):
            check_inputs({"individuals"}, made, stored, groups | changed)


def test_parameters__nobody_is_in_both_groups():
    with pytest.raises(ValueError, match="GBR is in both groups"):
        PopulationEffectsParameters(first="FIN+GBR", second="TSI+GBR")
