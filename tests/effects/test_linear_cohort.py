"""Linear forms of several genes beside their exact predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.baselines.elastic_net import ElasticNet
from haploformer.effects.linear import compare_forms
from haploformer.effects.linear_cohort import (
    additive_forms,
    exact_predictions,
    gene_coverage,
    surrogate_forms,
)
from haploformer.errors import InputError
from tests.builders.dosages import deal_folds, simulate_dosages

ALLELES = pd.DataFrame({"contig": "22", "pos": [1, 2, 3], "ref": "A", "alt": "G"})


def effect_table(gene_id: str, reference: float, alternate: list[float]) -> pd.DataFrame:
    rows = ALLELES.assign(gene_id=gene_id, coverage_ref=reference, coverage_alt=alternate)
    centre = rows.assign(bins="centre", effect_kind="sad", summary="tissue_mean")
    others = [centre.assign(**other) for other in ({"bins": "all"}, {"effect_kind": "sadr"}, {"summary": "track"})]
    return pd.concat([centre, *others], ignore_index=True)


def test_additive_forms__half_an_effect_per_copy():
    dosages = simulate_dosages(np.random.default_rng(1), 40, 3)
    table = pd.concat([effect_table("g", 2.0, [2.5, 1.0, 2.0]), effect_table("h", 1.0, [1.0, 1.0, 3.0])])
    coverage = gene_coverage(table, summary="tissue_mean")
    assert len(coverage) == 6
    found = additive_forms(coverage, ["g", "h"], lambda _: (ALLELES, dosages))
    assert found.predicted["g"] == pytest.approx(2.0 + dosages @ np.array([0.25, -0.5, 0.0]))
    assert found.forms["h"].weights.tolist() == [0.0, 0.0, 1.0]


def test_additive_forms__a_gene_without_variants_predicts_nothing():
    found = additive_forms(
        gene_coverage(effect_table("g", 1.0, [1, 1, 1]), summary="tissue_mean"),
        ["none"],
        lambda _: (ALLELES[:0], np.zeros((5, 0), np.float32)),
    )
    exact = {"none": np.arange(5.0)}
    table = compare_forms(found.predicted, exact, n_variants={"none": 0})
    assert table[["r", "faithful"]].isna().values.tolist() == [[True, False]]
    assert table["faithful"].tolist() == [False]


def test_surrogate_forms__r_is_that_of_people_left_out():
    rng = np.random.default_rng(2)
    dosages = simulate_dosages(rng, 150, 6)
    folds = deal_folds(rng, 150)
    exact = {"linear": 3 + dosages @ np.array([0.5, 0, 0, -0.25, 0, 0]), "noise": rng.normal(size=150)}
    found = surrogate_forms(ElasticNet(), exact, lambda _: (None, dosages), folds)
    table = compare_forms(found.predicted, exact, n_variants={"linear": 2, "noise": 2}, folds=folds).set_index(
        "gene_id"
    )
    assert table.loc["linear", "r"] > 0.99
    assert table["faithful"].to_dict() == {"linear": True, "noise": False}
    # In the sample noise would look explained.
    fitted = found.forms["linear"].predict(dosages)
    assert np.corrcoef(fitted, exact["linear"])[0, 1] > 0.99


def test_compare_forms__within_folds_where_their_means_differ():
    rng = np.random.default_rng(3)
    folds = deal_folds(rng, 100)
    exact = rng.normal(size=100)
    # The mean of the others, as an empty model predicts: against the fold left out.
    means = np.array([exact[folds != k].mean() for k in range(5)])[folds] + 1e-6 * exact
    pooled = compare_forms({"g": means}, {"g": exact}, n_variants={"g": 1})
    within = compare_forms({"g": means}, {"g": exact}, n_variants={"g": 1}, folds=folds)
    assert pooled["r"].iloc[0] < 0
    assert within["r"].iloc[0] == pytest.approx(1)


def test_exact_predictions__in_the_order_of_the_people():
    people = pd.DataFrame({"gene_id": ["g", "g", "h", "h"], "individual_id": ["i", "j", "i", "j"]})
    tissue = people.assign(summary="tissue_mean", personal=np.arange(4.0), log2_fold_change=7.0)
    table = pd.concat([people.assign(summary="all_tracks_mean", personal=9.0, log2_fold_change=9.0), tissue])
    found = exact_predictions(table, ["j", "i"], summary="tissue_mean")
    assert {gene: values.tolist() for gene, values in found.items()} == {"g": [1.0, 0.0], "h": [3.0, 2.0]}
    with pytest.raises(
        InputError, match=r"enformer_summaries: 1 of 2 people with genotypes have no prediction \(first: k"
    ):
        exact_predictions(table, ["i", "k"], summary="tissue_mean")
