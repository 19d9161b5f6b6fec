"""Ranked effects of disease variants."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.effects.disease import rank_disease_effects

_PLACE = {"contig": "1", "ref": "A", "alt": "C"}


def variants() -> pd.DataFrame:
    rows = [
        ("gwas", "a", 10, "Height", None, 9.0, "C"),
        ("gwas", "b", 20, "Gout", None, 8.0, "A"),
        ("clinvar", "a", 10, None, "benign", np.nan, "C"),
        ("clinvar", "c", 30, None, "pathogenic", np.nan, None),
    ]
    names = ["source", "variant_id", "pos", "trait", "significance", "neg_log10_pvalue", "allele"]
    table = pd.DataFrame(rows, columns=names).assign(
        **_PLACE, rsid=None, gene_id="g", gene_name="G", tss_distance=5, alt_frequency=0.1
    )
    return table[list(schemas.disease_variants.columns)]


def effects(changes: dict[int, float]) -> pd.DataFrame:
    rows = [
        {"gene_id": "g", "pos": pos, **_PLACE, "bins": bins, "summary": summary, "track": track}
        | {"coverage_ref": 1.0, "coverage_alt": 1.0 + change, "effect_kind": kind, "effect": factor * change}
        for pos, change in changes.items()
        for bins, kinds in (("centre", ["sad", "sadr", "log_fold_change"]), ("all", ["sad", "sadr"]))
        for summary, track in (("track", 4), ("all_tracks_mean", None), ("tissue_mean", None))
        for kind, factor in zip(kinds, (10, 3, 1), strict=False)
    ]
    return pd.DataFrame(rows).astype({"track": "Int64"})


def test_rank_disease_effects__the_largest_change_of_the_tissue_first():
    table = schemas.disease_variant_effects(rank_disease_effects(variants(), effects({10: 0.2, 20: -0.5, 30: 0.3})))
    tissue = table[table["summary"] == "tissue_mean"]
    assert tissue["variant_id"].tolist() == ["b", "c", "a", "a"]
    assert tissue["source"].tolist()[2:] == ["gwas", "clinvar"], "the stronger evidence of one effect first"
    assert tissue["rank"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(tissue["log_fold_change"], [-0.5, 0.3, 0.2, 0.2])
    np.testing.assert_allclose(tissue["sad"], [-5.0, 3.0, 2.0, 2.0])
    np.testing.assert_allclose(tissue["sadr"], [-1.5, 0.9, 0.6, 0.6])
    # The risk allele of b is REF; that of c is not known.
    np.testing.assert_allclose(tissue["risk_log_fold_change"], [0.5, np.nan, 0.2, 0.2])
    assert table["summary"].tolist()[:3] == ["tissue_mean", "all_tracks_mean", "track"]
    assert table["track"].tolist()[2] == 4


def test_rank_disease_effects__a_pair_without_an_effect_is_an_error():
    with pytest.raises(ValueError, match="no effect of c on gene g"):
        rank_disease_effects(variants(), effects({10: 0.2, 20: -0.5}))
