"""Effects of variants from what the demo's run has stored, node by node, against the plain forward."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.framework.cli.utils import _split_params

from haploformer import schemas
from haploformer.datasets.prediction_store import PredictionStoreDataset
from haploformer.enformer.library import LibraryEngine
from haploformer.errors import InputError
from haploformer.formats.haplotype_store import read_haplotypes
from haploformer.formats.stored_predictions import read_predictions
from haploformer.genome.reference import fetch_padded
from haploformer.hooks import check_parameters
from haploformer.parameters import (
    BaselinesParameters,
    DataPrepParameters,
    EnformerParameters,
    ExecutionParameters,
    SequenceBuildParameters,
    VariantEffectsParameters,
)
from haploformer.pipelines.variant_effects import nodes
from haploformer.preflight import check_inputs
from haploformer.window_predictions import plan_window_predictions
from tests.builders.demo_genes import CENTRE, ENFORMER, TINY, TISSUE, DemoGenes, plain_coverage, plain_engine
from tests.conftest import ROOT

FORWARD, BOTH = VariantEffectsParameters(), VariantEffectsParameters(strands="both")


@pytest.fixture(scope="module")
def demo(demo_run) -> DemoGenes:
    made, _ = demo_run
    return DemoGenes(made.root)


@pytest.fixture(scope="module")
def plain() -> LibraryEngine:
    """The plain forward of the demo's network."""
    return plain_engine()


@pytest.fixture(scope="module")
def finished(demo, tmp_path_factory) -> tuple[Any, Any, pd.DataFrame, pd.DataFrame]:
    """Windows of both strands, their predictions at every bin, frequencies, and the table of effects."""
    windows, audit = demo.collect(BOTH)
    schemas.audit(audit)
    frequencies = schemas.variant_frequencies(nodes.count_frequencies(windows, demo.variants, demo.individuals))
    predictions = demo.predict(windows, tmp_path_factory.mktemp("effects") / "x.zarr")
    effects = nodes.tabulate_variant_effects(predictions, demo.windows, frequencies, demo.tracks, ENFORMER)
    return windows, predictions, frequencies, schemas.variant_effects(effects)


def test_variant_effects__equal_the_plain_forward_by_definition(plain, demo, finished):
    _, _, _, effects = finished
    of_indels = effects[effects["ref"].str.len() != effects["alt"].str.len()]
    rows = pd.concat([of_indels, effects[effects["ref"].str.len() == 1]])
    chosen = rows.drop_duplicates("variant_id").groupby("gene_id").head(2)
    assert (chosen["ref"].str.len() != chosen["alt"].str.len()).any()
    for place in demo.windows.itertuples():
        reference = plain_coverage(plain, demo, place, None)
        for row in chosen[chosen["gene_id"] == place.gene_id].itertuples():
            alternate = plain_coverage(plain, demo, place, row)
            ours = effects[(effects["gene_id"] == place.gene_id) & (effects["variant_id"] == row.variant_id)]
            found = ours.set_index(["bins", "summary", "effect_kind"])["effect"]
            for bins, which in (("centre", CENTRE), ("all", list(range(TINY.n_bins)))):
                alt, ref = (x[which][:, TISSUE].mean(1) for x in (alternate, reference))
                expected = {"sad": alt.sum() - ref.sum(), "sadr": np.log2(alt.sum() + 1) - np.log2(ref.sum() + 1)}
                if bins == "centre":
                    expected["log_fold_change"] = np.log2(alt.mean() + 1) - np.log2(ref.mean() + 1)
                for kind, value in expected.items():
                    assert found[bins, "tissue_mean", kind] == pytest.approx(value, rel=2e-3, abs=2e-5 * len(which))


def test_variant_effects__tell_distance_frequency_and_populations(demo, finished):
    _, _, frequencies, effects = finished
    assert set(frequencies["population"]) == {"all", "AFR", "EUR"}
    both = effects.merge(
        frequencies[frequencies["population"] == "all"], on=["contig", "pos", "ref", "alt"], suffixes=("", "_told")
    )
    assert len(both) == len(effects)
    assert (both["alt_frequency"] == both["alt_frequency_told"]).all()
    strands = demo.windows.set_index("gene_id")
    assert set(strands["strand"]) == {"+", "-"}
    for gene_id, of_gene in effects.groupby("gene_id"):
        place = strands.loc[gene_id]
        sign = -1 if place["strand"] == "-" else 1
        assert (of_gene["tss_distance"] == sign * (of_gene["pos"] - 1 - place["tss"])).all()


def test_variant_effects__store_opens_with_strands_and_is_resumed_without_work(demo, finished, monkeypatch):
    windows, predictions, _, _ = finished
    assert predictions.values.shape[1:] == (TINY.n_bins, TINY.n_tracks)
    assert predictions.attributes["variants"]["source"] == "genotypes.vcf.gz"
    assert predictions.windows["strand"].value_counts().to_dict() == dict.fromkeys(
        ["forward", "reverse"], len(demo.windows) + len(windows.table)
    )
    plan = plan_window_predictions(windows, demo.tracks, ENFORMER, ExecutionParameters())
    monkeypatch.setattr(type(plan.predict_rows), "__call__", lambda *_: pytest.fail("predicted again"))
    PredictionStoreDataset(filepath=str(predictions.path)).save(plan)


def test_report_variant_effects__figure_and_page(demo, finished):
    _, predictions, _, effects = finished
    figure, page = nodes.report_variant_effects(effects, demo.genes, predictions, demo.tracks, ENFORMER)
    n_pairs = len(effects.drop_duplicates(["gene_id", "variant_id"]))
    assert sum(len(trace["x"]) for trace in json.loads(figure.to_json())["data"]) == n_pairs
    assert "DEMOGENE3" in page
    assert f"<dd>{n_pairs}</dd>" in page.replace("\n", "")


def inside_of(demo: DemoGenes) -> str:
    """A place of the cohort that lies in a window."""
    records, window = demo.variants.genotypes.records, demo.windows.iloc[0]
    pos = records.loc[records["contig"] == window["contig"], "pos"]
    return f"{window['contig']}:{pos[pos.between(window['start'] + 1, window['end'])].iloc[0]}"


def test_collect_variant_windows__what_lies_in_no_window_is_told(demo, caplog):
    contig = demo.windows["contig"].iloc[0]
    pos = int(demo.windows.loc[demo.windows["contig"] == contig, "end"].max()) + 100
    ref = "ACGT"[int(fetch_padded(demo.reference, contig, pos - 1, pos)[0])]
    far = f"{contig}:{pos}:{ref}:{'C' if ref != 'C' else 'G'}"
    demo.collect(VariantEffectsParameters(variants=f"{inside_of(demo)}+{far}"))
    assert f"1 of 2 variants lie in no gene's window ({far.replace(':', '_')})" in caplog.text
    with pytest.raises(
        InputError, match=r"parameters:variant_effects\.variants: none of the 1 variants lies in a gene's"
    ):
        demo.collect(VariantEffectsParameters(variants=far))


def test_haplotype_effects__exact_differences_are_the_cohorts(demo, tmp_path):
    root = demo.root / "data"
    whole = read_haplotypes(root / "04_feature/demo/haplotype_windows")
    haplotypes = type(whole)(
        **{name: getattr(whole, name) for name in ("genes", "windows", "edits", "carried", "reference", "provenance")},
        haplotypes=whole.haplotypes[
            (whole.haplotypes["gene_id"] == demo.genes["gene_id"].iloc[1])
            & whole.haplotypes["individual_id"].isin(["DEMO105", "DEMO047", "DEMO003"])
        ],
    )
    options = ENFORMER.model_copy(update={"bins": "centre"})
    windows, _ = demo.collect(FORWARD)
    predictions = demo.predict(windows, tmp_path / "v.zarr", options)
    nobody = pd.DataFrame(columns=["population", "contig", "pos", "ref", "alt", "alt_frequency"]).astype(
        {"pos": "int64"}
    )
    effects = nodes.tabulate_variant_effects(predictions, demo.windows, nobody, demo.tracks, options)
    left_out = nodes.collect_left_out_windows(haplotypes, demo.variants)
    parts = demo.predict(left_out, tmp_path / "l.zarr", options)
    of_cohort = read_predictions(root / "07_model_output/demo/track_predictions.zarr")
    table, additivity = nodes.tabulate_haplotype_effects(
        haplotypes, of_cohort, left_out, parts, effects, demo.tracks, options
    )
    schemas.haplotype_effects(table)
    schemas.additivity(additivity)
    tissue = table[table["summary"] == "tissue_mean"]
    copies = tissue.drop_duplicates(["individual_id", "haplotype"])
    assert len(copies) == 6
    summaries = pd.read_parquet(root / "07_model_output/demo/enformer_summaries.parquet")
    told = summaries[(summaries["gene_id"] == table["gene_id"].iloc[0]) & (summaries["summary"] == "tissue_mean")]
    people = copies.groupby("individual_id")["exact_difference"].mean()
    np.testing.assert_allclose(people, told.set_index("individual_id").loc[people.index, "difference"], atol=1e-6)
    # A haplotype with one variant has all of its effect from it.
    ones = tissue[tissue["n_variants"] == 1]
    np.testing.assert_allclose(ones["left_out_effect"], ones["exact_difference"], atol=1e-6)
    np.testing.assert_allclose(ones["single_effect"], ones["exact_difference"], atol=1e-5)
    assert tissue["n_variants"].max() > 5
    figure, page = nodes.report_haplotype_effects(table, additivity, demo.genes, of_cohort, demo.tracks, options)
    assert len(figure.data) == 4
    assert "Do effects add up?" in page
    elsewhere = effects.assign(coverage_ref=1.1 * effects["coverage_ref"])
    with pytest.raises(InputError, match="both were not predicted by one model from one strand"):
        nodes.tabulate_haplotype_effects(haplotypes, of_cohort, left_out, parts, elsewhere, demo.tracks, options)


def test_mutagenesis__every_substitution_of_the_stretch(demo, tmp_path):
    tss = int(demo.windows["tss"].iloc[1])
    wanted = {"gene": "DEMOGENE3", "start": tss - 4, "end": tss + 2}
    options = VariantEffectsParameters(mutagenesis=wanted)
    windows = nodes.collect_mutation_windows(
        demo.genes, demo.windows, demo.reference, SequenceBuildParameters(), options
    )
    assert len(windows) == 1 + 3 * 6
    predictions = demo.predict(windows, tmp_path / "m.zarr")
    table = schemas.variant_effects(nodes.tabulate_mutations(predictions, demo.windows, demo.tracks, ENFORMER))
    places = table.drop_duplicates(["pos", "alt"])
    assert places.groupby("pos").size().to_dict() == dict.fromkeys(range(tss - 3, tss + 3), 3)
    codes = fetch_padded(demo.reference, "21", tss - 4, tss + 2)
    assert "".join(places.drop_duplicates("pos")["ref"]) == "".join("ACGT"[code] for code in codes)
    figure, page = nodes.report_mutations(table, demo.genes, predictions, demo.tracks, ENFORMER)
    assert sum(trace.type == "heatmap" for trace in figure.data) == 1
    assert "Mutagenesis of a stretch near DEMOGENE3" in page
    with pytest.raises(InputError, match="no stretch is given"):
        nodes.collect_mutation_windows(demo.genes, demo.windows, demo.reference, SequenceBuildParameters(), FORWARD)


def test_mutagenesis__the_example_of_the_readme_is_of_the_demo(demo):
    given = re.search(r"--pipelines mutagenesis --params (\S+)", (ROOT / "README.md").read_text())[1]
    options = check_parameters(_split_params(None, None, given))["variant_effects"]
    windows = nodes.collect_mutation_windows(
        demo.genes, demo.windows, demo.reference, SequenceBuildParameters(), options
    )
    assert len(windows) == 1 + 3 * 20
    tss = demo.windows.set_index("gene_id")["tss"][windows.table["gene_id"].iloc[0]]
    assert (options.mutagenesis.start, options.mutagenesis.end) == (tss - 10, tss + 10)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cohort", ("cohort",)),
        ("rs1+22:5:A:G+21:7", ("rs1", "22:5:A:G", "21:7")),
        ("a+b/sites.vcf.gz", ("a+b/sites.vcf.gz",)),
        (["rs1", "22:5"], ("rs1", "22:5")),
    ],
)
def test_parameters__variants_are_a_word_a_file_or_entries(value, expected):
    options = VariantEffectsParameters(variants=value)
    assert options.variants == expected
    assert options.file == (expected[0] if expected[0].endswith(".vcf.gz") else None)


def test_preflight__parts_of_the_shards_and_windows_of_another_length(demo):
    groups = {
        "select": type("Select", (), {"genes": None, "individuals": None}),
        "execution": ExecutionParameters(shard_index=0, shard_count=2),
        "enformer": EnformerParameters(preset="small"),
        "variant_effects": FORWARD,
        "data_prep": DataPrepParameters(),
        "baselines": BaselinesParameters(),
    }
    without = {"baselines": BaselinesParameters(reference="none"), "execution": ExecutionParameters()}
    for windows in ("variant_windows", "mutagenesis_windows"):
        with pytest.raises(InputError, match=r"baselines\.reference: it is none .* this run builds sequences"):
            check_inputs(set(), {windows}, {}.get, groups | without)
    with pytest.raises(InputError, match="can do nothing else"):
        check_inputs(set(), {"variant_track_predictions", "variant_effects"}, {}.get, groups)
    assert check_inputs(set(), {"variant_track_predictions"}, {}.get, groups) is None
    stored = {"tss_windows": demo.windows}
    with pytest.raises(InputError, match=r"tss_windows: the stored windows have 16,384 bases, preset small takes"):
        check_inputs({"tss_windows"}, {"variant_windows"}, stored.get, groups | {"execution": ExecutionParameters()})
    elsewhere = {
        "execution": ExecutionParameters(),
        "variant_effects": VariantEffectsParameters(variants="no/such.vcf"),
    }
    with pytest.raises(InputError, match=r"no/such\.vcf"):
        check_inputs(set(), {"variant_windows"}, {}.get, groups | elsewhere)
    places = {"tss_windows": demo.windows, "variants": demo.variants}
    tiny = {"execution": ExecutionParameters(), "enformer": ENFORMER}
    for chosen, message in (
        ("no-such-id", "no-such-id is not among the"),
        ("21:5:A:G+99:7:C:T", r"variants: none of the 2 variants lies in a gene's window \(21_5_A_G, 99_7_C_T\)"),
    ):
        other = {"variant_effects": VariantEffectsParameters(variants=chosen)}
        with pytest.raises(InputError, match=message):
            check_inputs(set(places), {"variant_windows"}, places.get, groups | tiny | other)
    known = {"variant_effects": VariantEffectsParameters(variants=f"99:7:C:T+{inside_of(demo)}")}
    assert check_inputs(set(places), {"variant_windows"}, places.get, groups | tiny | known) is None
    named = type("Select", (), {"genes": ("g",), "individuals": None})
    with pytest.raises(InputError, match="haplotypes are taken apart into the cohort's variants"):
        check_inputs(set(), {"haplotype_effects"}, {}.get, groups | elsewhere | {"select": named})
    means = {"variant_effects": FORWARD, "data_prep": DataPrepParameters(phase="mean")}
    with pytest.raises(InputError, match=r"data_prep\.phase: a mean of both copies"):
        check_inputs(set(), {"haplotype_effects"}, {}.get, groups | elsewhere | {"select": named} | means)
    with pytest.raises(InputError, match=r"variant_effects\.strands: effects of both strands cannot be compared"):
        check_inputs(
            set(), {"haplotype_effects"}, {}.get, groups | elsewhere | {"select": named, "variant_effects": BOTH}
        )
    with pytest.raises(InputError, match="haplotype_effects is about chosen genes"):
        check_inputs(set(), {"haplotype_effects"}, {}.get, groups)
