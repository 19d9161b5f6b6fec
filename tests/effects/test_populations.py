"""Differences between two groups: parts by who carries the alleles, their sum, and what is left."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.effects.populations import (
    attribute_differences,
    classify_alleles,
    compare_groups,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0.2, 0.9, "shared"),
        (0.2, 0.0, "private_first"),
        (0.2, 1.0, "private_first"),
        (0.0, 0.1, "private_second"),
        (1.0, 0.1, "private_second"),
        (1.0, 0.0, "fixed"),
        (0.0, 1.0, "fixed"),
        (0.0, 0.0, "same"),
        (1.0, 1.0, "same"),
        (NAN, 0.5, "uncalled"),
        (0.0, NAN, "uncalled"),
    ],
)
def test_classify_alleles__by_who_carries_them(first, second, expected):
    assert classify_alleles(pd.Series([first]), pd.Series([second])).tolist() == [expected]


def effects_of(rows: list[tuple[str, int, float]]) -> pd.DataFrame:
    """Genes, places, and differences of coverage; of two kinds, and one track that is not looked at."""
    table = pd.DataFrame(rows, columns=["gene_id", "pos", "change"])
    table = table.assign(
        variant_id=[f"v{pos}" for pos in table["pos"]],
        contig="1",
        ref="A",
        alt="C",
        tss_distance=table["pos"] - 50,
        alt_frequency=0.5,
        bins="centre",
        summary="tissue_mean",
        track=pd.NA,
        coverage_ref=2.0,
        coverage_alt=2.0 + table["change"],
        effect_kind="sad",
        effect=99.0,
    ).drop(columns="change")
    others = [table.assign(effect_kind="sadr"), table.assign(summary="track", track=3), table.assign(bins="all")]
    return pd.concat([table, *others], ignore_index=True).astype({"track": "Int64"})


def frequencies_of(rows: list[tuple[int, str, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["pos", "population", "alt_frequency"])
    return table.assign(variant_id="v", contig="1", ref="A", alt="C")


EFFECTS = effects_of([("g", 10, 0.5), ("g", 20, -0.2), ("g", 30, 1.0), ("g", 40, 0.1), ("h", 10, -0.3)])
FREQUENCIES = frequencies_of(
    [
        *((10, "x", 0.6), (10, "y", 0.2), (10, "all", 0.4)),
        *((20, "x", 0.5), (20, "y", 0.0)),
        *((30, "x", 0.0), (30, "y", 0.0)),
        (40, "x", 0.3),
    ]
)
#: Of gene g, the exact difference is 0.1 + 0.02: effects add up to 0.5 * 0.4 - 0.2 * 0.5 = 0.1.
PEOPLE = [("p", "x", 2.0), ("q", "x", 2.4), ("r", "y", 2.0), ("s", "y", 2.16), ("t", None, 77.0)]
SUMMARIES = pd.DataFrame(
    [("g", person, summary, value, 2.0) for person, _, value in PEOPLE for summary in ("tissue_mean", "all_bins_mean")]
    + [("h", person, "tissue_mean", 5.0, 2.0) for person, _, _ in PEOPLE],
    columns=["gene_id", "individual_id", "summary", "personal", "reference"],
)
GROUP_OF = {person: group for person, group, _ in PEOPLE if group}


def test_attribute_differences__effect_times_difference_of_frequency():
    table = attribute_differences(EFFECTS, FREQUENCIES, first="x", second="y")
    of_gene = table[table["gene_id"] == "g"]
    assert of_gene["variant_id"].tolist() == ["v10", "v20", "v30", "v40"], "what adds most first, the unknown last"
    assert of_gene["rank"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(of_gene["contribution"], [0.5 * 0.4, -0.2 * 0.5, 0.0, NAN])
    assert of_gene["carried"].tolist() == ["shared", "private_first", "same", "uncalled"]
    assert table[table["gene_id"] == "h"]["contribution"].tolist() == [pytest.approx(-0.3 * 0.4)]
    schemas.population_effects(table.assign(gene_name="n")[list(schemas.population_effects.columns)])


def test_compare_groups__parts_and_background_add_up_to_the_exact_difference():
    attributed = attribute_differences(EFFECTS, FREQUENCIES, first="x", second="y")
    table = compare_groups(SUMMARIES, attributed, GROUP_OF, first="x", second="y").set_index("gene_id")
    assert set(table["summary"]) == {"tissue_mean"}, "bins that no effect is told of are left out"
    g, h = table.loc["g"], table.loc["h"]
    assert (g["n_first"], g["n_second"]) == (2, 2)
    numbers = ["first_mean", "second_mean", "exact_difference", "additive_difference", "shared", "private_first"]
    np.testing.assert_allclose(g[numbers].astype(float), [2.2, 2.08, 0.12, 0.1, 0.2, -0.1])
    assert g["background"] == pytest.approx(0.02)
    assert g["log2_fold_change"] == pytest.approx(np.log2(3.2 / 3.08))
    # Variances of two people each are 0.08 and 0.0128.
    assert g["standardised_difference"] == pytest.approx(0.12 / np.sqrt((0.08 + 0.0128) / 2))
    counts = [
        f"n_{part}_variants" for part in ("shared", "private_first", "private_second", "fixed", "same", "uncalled")
    ]
    assert g[counts].tolist() == [1, 1, 0, 0, 1, 1]
    assert (g["driver"], g["driver_contribution"]) == ("v10", pytest.approx(0.2))
    assert h["exact_difference"] == 0
    assert np.isnan(h["standardised_difference"])
    assert h["background"] == pytest.approx(0.12)
    schemas.population_differences(
        table.reset_index().assign(gene_name="n")[list(schemas.population_differences.columns)]
    )


def test_compare_groups__a_gene_to_which_nothing_is_added_has_no_driver():
    attributed = attribute_differences(
        effects_of([("g", 30, 1.0)]), frequencies_of([(30, "x", 0.0), (30, "y", 0.0)]), first="x", second="y"
    )
    table = compare_groups(SUMMARIES, attributed, GROUP_OF, first="x", second="y").set_index("gene_id")
    assert pd.isna(table.loc["g", "driver"])
    assert table.loc["g", "background"] == table.loc["g", "exact_difference"]
    assert table.loc["h", "n_shared_variants"] == 0


def test_compare_groups__of_no_effects_is_a_table_without_rows():
    nothing = attribute_differences(EFFECTS[:0], FREQUENCIES, first="x", second="y")
    found = compare_groups(SUMMARIES, nothing, GROUP_OF, first="x", second="y")
    attributed = attribute_differences(EFFECTS, FREQUENCIES, first="x", second="y")
    full = compare_groups(SUMMARIES, attributed, GROUP_OF, first="x", second="y")
    assert len(nothing) == len(found) == 0
    assert found.columns.tolist() == full.columns.tolist()
