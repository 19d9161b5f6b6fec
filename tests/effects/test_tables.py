"""Tables of effects, by numbers computed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.effects.tables import (
    compare_additivity,
    single_effects,
    tabulate_gene_effects,
    tabulate_haplotype_effects,
)

VARIANTS = pd.DataFrame(
    {
        "gene_id": "g",
        "variant_id": ["a", "b"],
        "contig": "1",
        "pos": [11, 21],
        "ref": "C",
        "alt": "T",
        "tss_distance": [-5, 5],
        "alt_frequency": [0.25, np.nan],
    }
)
#: Mean coverage over four bins of three tracks; the tissue is the first two.
REFERENCE = np.array([1.0, 3.0, 5.0])
ALTERNATE = np.array([[2.0, 4.0, 3.0], [1.0, 3.0, 8.0]])


def effects(bins: str = "centre", n_bins: int = 4) -> pd.DataFrame:
    table = tabulate_gene_effects(
        VARIANTS,
        ALTERNATE,
        REFERENCE,
        bins=bins,
        n_bins=n_bins,
        summaries={"tissue_mean": [0, 1], "all_tracks_mean": range(3)},
        tracks=[0, 1],
    )
    return schemas.variant_effects(table)


def test_tabulate_gene_effects__tracks_averaged_bins_summed_logarithm_last():
    found = effects().set_index(["variant_id", "summary", "track", "effect_kind"])["effect"].sort_index()
    # The tissue's means are 2 and 3; the sums over four bins 8 and 12.
    assert found["a", "tissue_mean"].droplevel(0).to_dict() == pytest.approx(
        {"sad": 4.0, "sadr": np.log2(13 / 9), "log_fold_change": np.log2(4 / 3)}
    )
    assert found["b", "tissue_mean"].to_numpy() == pytest.approx(0.0)
    # All tracks: 3 and 3, then 3 and 4.
    assert found["b", "all_tracks_mean"].droplevel(0).to_dict() == pytest.approx(
        {"sad": 4.0, "sadr": np.log2(17 / 13), "log_fold_change": np.log2(5 / 4)}
    )
    assert found["a", "track", 1, "sad"] == pytest.approx(4.0)
    assert found["a", "track", 0, "sadr"] == pytest.approx(np.log2(9 / 5))
    assert len(found) == 2 * 4 * 3


def test_tabulate_gene_effects__no_log_fold_change_beyond_the_tss_bins():
    table = effects("all", 10)
    assert set(table["effect_kind"]) == {"sad", "sadr"}
    chosen = (table["variant_id"] == "a") & (table["summary"] == "tissue_mean") & (table["effect_kind"] == "sad")
    assert table.loc[chosen, "effect"].tolist() == [10.0]


def test_tabulate_gene_effects__keeps_both_alleles_coverage():
    row = effects().query("variant_id == 'a' and summary == 'tissue_mean' and effect_kind == 'sad'").iloc[0]
    assert (row["coverage_ref"], row["coverage_alt"], row["tss_distance"], row["alt_frequency"]) == (2.0, 3.0, -5, 0.25)


def carried_rows() -> pd.DataFrame:
    """Person p: copy 0 carries both variants, copy 1 none; q: one each; r: copy 0 variant a, copy 1 none."""
    a, b, none = ("a", "1", 11, "C", "T"), ("b", "1", 21, "C", "T"), (None, None, pd.NA, None, None)
    rows = [
        ("p", 0, 5.0, *a, 2.5),
        ("p", 0, 5.0, *b, 3.0),
        ("p", 1, 2.0, *none, np.nan),
        ("q", 0, 3.0, *a, 2.0),
        ("q", 1, 2.5, *b, 2.0),
        ("r", 0, 3.0, *a, 2.0),
        ("r", 1, 2.0, *none, np.nan),
    ]
    columns = ["individual_id", "haplotype", "personal", "variant_id", "contig", "pos", "ref", "alt", "without"]
    table = pd.DataFrame(rows, columns=columns).astype({"pos": "Int64"})
    return table.assign(gene_id="g", summary="tissue_mean", reference=2.0)


SINGLES = pd.DataFrame(
    {"gene_id": "g", "contig": "1", "pos": [11, 21], "ref": "C", "alt": "T", "summary": "tissue_mean"}
).assign(single_effect=[1.0, 0.5])


def test_tabulate_haplotype_effects__exact_additive_and_left_out():
    table = schemas.haplotype_effects(tabulate_haplotype_effects(carried_rows(), SINGLES))
    of_p = table[(table["individual_id"] == "p") & (table["haplotype"] == 0)]
    # Alone they change 1 and 0.5; together 3: each does more with the other there.
    assert of_p["exact_difference"].tolist() == [3.0, 3.0]
    assert of_p["additive_sum"].tolist() == [1.5, 1.5]
    assert of_p["left_out_effect"].tolist() == [2.5, 2.0]
    assert of_p["n_variants"].tolist() == [2, 2]
    bare = table[(table["individual_id"] == "p") & (table["haplotype"] == 1)].iloc[0]
    assert (bare["n_variants"], bare["exact_difference"], bare["additive_sum"]) == (0, 0.0, 0.0)
    assert pd.isna(bare["variant_id"])
    assert pd.isna(bare["left_out_effect"])


def test_tabulate_haplotype_effects__a_variant_without_a_single_effect():
    with pytest.raises(ValueError, match="no single effect of b on gene g"):
        tabulate_haplotype_effects(carried_rows(), SINGLES.head(1))


def test_compare_additivity__over_people():
    found = schemas.additivity(compare_additivity(tabulate_haplotype_effects(carried_rows(), SINGLES)))
    # People: exact 1.5, 0.75, 0.5; added 0.75, 0.75, 0.5.
    r = np.corrcoef([1.5, 0.75, 0.5], [0.75, 0.75, 0.5])[0, 1]
    assert found.iloc[0].to_dict() == pytest.approx(
        {"gene_id": "g", "summary": "tissue_mean", "n": 3, "r": r, "largest_difference": 0.75 / 1.5}
    )


def test_compare_additivity__two_people_have_no_r():
    rows = carried_rows()
    found = compare_additivity(tabulate_haplotype_effects(rows[rows["individual_id"] != "r"], SINGLES))
    assert np.isnan(found["r"].iloc[0])


def test_single_effects__are_differences_of_mean_coverage_at_the_centre():
    table = pd.concat([effects(), effects("all", 10)])
    found = single_effects(table).set_index(["summary", "pos"])["single_effect"]
    expected = {("tissue_mean", 11): 1.0, ("tissue_mean", 21): 0.0, ("all_tracks_mean", 11): 0.0}
    assert found.to_dict() == pytest.approx(expected | {("all_tracks_mean", 21): 1.0})
