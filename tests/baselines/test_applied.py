"""Weights applied to other people: sums by hand, what is missing, and the floor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.baselines.applied import apply_models, matched_shares, require_matched_shares
from haploformer.errors import InputError
from haploformer.genome.genotypes import MISSING, Genotypes

RECORDS = pd.DataFrame({"contig": "22", "pos": [10, 20, 30], "variant_id": ".", "ref": "A", "alt": "C"})
ALLELES = np.array([[[0, 1], [1, 1]], [[0, 0], [0, MISSING]], [[1, 1], [0, 1]]], np.int8)
GENOTYPES = Genotypes(RECORDS, ["a", "b"], ALLELES)


def matched(*rows: tuple) -> pd.DataFrame:
    """(gene, model, pos, weight, mean dosage, record, allele, outcome)."""
    columns = ["gene_id", "model", "pos", "weight", "mean_dosage", "record", "allele", "outcome"]
    table = pd.DataFrame(rows, columns=columns).assign(variant_id=".", contig="22", ref="A", alt="C")
    return schemas.matched_weights.validate(table[list(schemas.matched_weights.columns)])


def models(*rows: tuple[str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["gene_id", "model", "intercept"])
    return table.assign(n_usable=3, n_weights=1, setting=np.nan, fell_back=False, n_unfinished=0)


WEIGHTS = matched(
    ("G", "m", 10, 0.5, 0.75, 0, 1, "as written"),
    ("G", "m", 20, -2.0, 0.25, 1, 0, "turned"),
    ("G", "m", 99, 8.0, 1.5, -1, -1, "missing"),
    ("G", "k", 30, 1.0, 1.0, 2, 1, "as written"),
    ("H", "m", 50, 1.0, 1.0, -1, -1, "ambiguous"),
)
MODELS = models(("G", "m", 0.125), ("G", "k", 0.0), ("H", "m", 0.5), ("H", "k", 0.25))


def test_apply_models__sums_and_counts():
    applied = apply_models(WEIGHTS, MODELS, GENOTYPES)
    assert set(applied.predicted) == {("G", "m"), ("G", "k")}
    # Person b has no call at 20: the training mean, which adds nothing; nor does what was not found.
    expected = [0.125 + 0.5 * (1 - 0.75) - 2 * (2 - 0.25), 0.125 + 0.5 * (2 - 0.75)]
    np.testing.assert_allclose(applied.predicted["G", "m"], expected, rtol=1e-15)
    np.testing.assert_allclose(applied.predicted["G", "k"], [1.0, 0.0], rtol=1e-15)
    audit = schemas.apply_audit.validate(applied.audit).set_index(["gene_id", "model"])
    counts = ["n_wanted", "n_matched", "n_turned", "n_ambiguous", "n_missing", "n_calls_filled"]
    assert audit.loc[("G", "m"), counts].tolist() == [3, 2, 1, 0, 1, 1]
    assert audit.loc[("H", "m"), counts].tolist() == [1, 0, 0, 1, 0, 0]
    assert audit.loc[("G", "m"), "matched_share"] == pytest.approx(2 / 3)
    assert audit.loc[("G", "m"), "weighted_share"] == pytest.approx(2.5 / 10.5)
    assert audit["outcome"].tolist() == [
        "predicted",
        "predicted",
        "no variant matched",
        "no weights: the mean for everybody",
    ]


def test_apply_models__one_person_and_nobody():
    for n in (0, 1):
        few = Genotypes(RECORDS, ["a"][:n], ALLELES[:, :n])
        applied = apply_models(WEIGHTS, MODELS, few)
        everybody = apply_models(WEIGHTS, MODELS, GENOTYPES)
        for key, values in applied.predicted.items():
            np.testing.assert_array_equal(values, everybody.predicted[key][:n])


def test_matched_shares__by_count_and_by_weight_within_genes():
    shares = matched_shares(WEIGHTS).set_index("model")
    assert shares.loc["m", ["n_wanted", "n_matched", "n_turned", "n_ambiguous"]].tolist() == [4, 2, 1, 1]
    assert shares.loc["m", "matched_share"] == 0.5
    assert shares.loc["m", "weighted_share"] == pytest.approx((2.5 / 10.5 + 0) / 2)


@pytest.mark.parametrize(("floor", "is_refused"), [(0.1, False), (0.12, True), (0.6, True)])
def test_require_matched_shares__either_share_may_be_too_low(floor, is_refused):
    shares = matched_shares(WEIGHTS)
    if not is_refused:
        require_matched_shares(shares, floor=floor, source="new.vcf.gz")
        return
    with pytest.raises(
        InputError, match=r"^new.vcf.gz: 50.0 % of the variants of m are there \(2 of 4; 11.9 % by weig"
    ):
        require_matched_shares(shares, floor=floor, source="new.vcf.gz")
