"""Across genes: levels only where expression has them, deviations otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr, zscore

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.evaluation.across_genes import (
    choose_scale,
    correlate_deviations,
    correlate_levels,
    has_levels,
    log_levels,
    mean_levels,
    score_levels,
    score_people,
)
from tests.builders.scored import build_scored


@pytest.fixture
def tpm() -> np.ndarray:
    """log2(TPM + 1) of 60 genes in 25 people."""
    rng = np.random.default_rng(1)
    return rng.gamma(2, 2, size=(60, 1)) + 0.3 * rng.normal(size=(60, 25))


def test_correlate_levels__of_tpm_and_a_refusal_of_normalised_expression(tpm) -> None:
    predicted = tpm + np.random.default_rng(2).normal(size=(60, 1))
    r = correlate_levels(predicted, tpm)
    np.testing.assert_allclose(r[3], pearsonr(predicted[:, 3], tpm[:, 3]).statistic)
    normalised = zscore(tpm, axis=1)
    assert has_levels(tpm)
    assert not has_levels(normalised)
    with pytest.raises(InputError) as error:
        correlate_levels(predicted, normalised, where="expression.bed.gz")
    assert "expression.bed.gz: is normalised per gene" in str(error.value)
    assert "give TPM; in its place person_scores has r of the deviations" in str(error.value)
    with pytest.raises(InputError, match="2 genes vary; the r of a person over genes needs 4"):
        correlate_levels(predicted[:2], tpm[:2])


def test_has_levels__residuals_and_rank_normal_expression_have_none() -> None:
    rng = np.random.default_rng(3)
    assert not has_levels(rng.normal(size=(300, 12)) * rng.uniform(0.1, 3, size=(300, 1)))


def test_correlate_deviations__knows_nothing_of_levels(tpm) -> None:
    rng = np.random.default_rng(4)
    predicted = 100 * rng.normal(size=(60, 1)) + 0.3 * rng.normal(size=tpm.shape) + tpm
    r = correlate_deviations(predicted, tpm)
    expected = [pearsonr(a, b).statistic for a, b in zip(zscore(predicted, 1).T, zscore(tpm, 1).T, strict=True)]
    np.testing.assert_allclose(r, expected)
    np.testing.assert_allclose(correlate_deviations(5 * predicted + 3, zscore(tpm, 1)), r)
    constant = predicted.copy()
    constant[7] = 0.1 + 0.2
    np.testing.assert_allclose(
        correlate_deviations(constant, tpm), correlate_deviations(np.delete(predicted, 7, 0), np.delete(tpm, 7, 0))
    )


def test_score_people__of_the_first_fold_seed() -> None:
    scored = build_scored(np.random.default_rng(5), {"enformer": 0.1, "stack": 0.7}, n_genes=30)
    measured = scored.query("model == 'stack' and fold_seed == 1").rename(columns={"measured": "expression"})
    coverage = measured.assign(predicted_expression=np.abs(measured["predicted"]))
    table = schemas.person_scores.validate(score_people(scored, measured, coverage))
    assert table.groupby("model").size().to_dict() == {"enformer": 80, "stack": 80}
    assert table.groupby("model")["pearson_r"].mean()["stack"] > 0.6
    few = scored[scored["gene_id"].isin(["G001", "G002", "G003"])]
    assert schemas.person_scores.validate(score_people(few, measured, coverage)).empty


def test_score_people__a_net_without_weights_is_no_gene_of_a_person() -> None:
    """It predicts the training mean of residuals: 0 but for rounding, which differs from fold to fold."""
    rng = np.random.default_rng(9)
    scored = build_scored(rng, {"elastic_net": 0.5}, n_genes=12, seeds=(1,))
    empty = scored["gene_id"].isin(["G002", "G005"])
    of_fold = np.array([1.1e-17, -3.0e-18, 0.0, 2.0e-17, -1.0e-17])
    scored.loc[empty, "predicted"] = of_fold[scored.loc[empty, "fold"]]
    measured = scored.rename(columns={"measured": "expression"})
    coverage = measured.assign(predicted_expression=1.0)
    table = score_people(scored, measured, coverage)
    assert (table["n_genes"] == 10).all()
    without = score_people(scored[~empty], measured, coverage)
    np.testing.assert_array_equal(table["pearson_r"], without["pearson_r"])


def test_score_people__of_levels_where_expression_has_them(tpm) -> None:
    scored = build_scored(np.random.default_rng(6), {"enformer": 0.1}, n=25, n_genes=60, seeds=(1,))
    tpm = 2 ** np.abs(tpm) - 1
    measured = scored.assign(expression=tpm.ravel())
    coverage = scored.assign(predicted_expression=np.abs(tpm.ravel() + np.random.default_rng(7).normal(size=tpm.size)))
    table = score_people(scored, measured, coverage)
    levels = table[table["quantity"] == "level"].set_index("individual_id")["pearson_r"]
    predicted = np.log2(coverage["predicted_expression"].to_numpy().reshape(tpm.shape) + 1)
    assert levels["P004"] == pytest.approx(pearsonr(predicted[:, 4], np.log2(tpm[:, 4] + 1)).statistic)


def test_score_people__of_logarithms_as_they_are_where_that_is_stated(tpm) -> None:
    scored = build_scored(np.random.default_rng(6), {"enformer": 0.1}, n=25, n_genes=60, seeds=(1,))
    logs = np.abs(tpm)
    measured = scored.assign(expression=logs.ravel())
    coverage = scored.assign(predicted_expression=np.exp2(scored["predicted"] + logs.ravel()))
    predicted = np.log2(coverage["predicted_expression"].to_numpy().reshape(logs.shape) + 1)
    for scale, taken_for, expected in (("log2", "log2", logs), ("auto", "tpm", np.log2(logs + 1))):
        table = schemas.person_scores.validate(score_people(scored, measured, coverage, scale=scale))
        levels = table[table["quantity"] == "level"].set_index("individual_id")
        assert set(levels["scale"]) == {taken_for}
        assert levels.loc["P004", "pearson_r"] == pytest.approx(pearsonr(predicted[:, 4], expected[:, 4]).statistic)
        assert table.loc[table["quantity"] == "deviation", "scale"].isna().all()


def test_levels__are_logarithms_once(tpm) -> None:
    tpm = np.abs(tpm)
    raw = 2**tpm - 1
    np.testing.assert_allclose(mean_levels(raw, "tpm"), np.log2(raw.mean(axis=1) + 1))
    np.testing.assert_allclose(log_levels(raw, choose_scale(raw, "auto", where="x")), tpm)
    logs = tpm - 3
    np.testing.assert_array_equal(log_levels(logs, choose_scale(logs, "auto", where="x")), logs)
    np.testing.assert_allclose(mean_levels(logs, "log2"), logs.mean(axis=1))


def test_score_levels__is_within_folds_with_an_interval_over_loci() -> None:
    rng = np.random.default_rng(8)
    levels, folds = rng.normal(size=400), np.arange(400) % 2
    predicted = levels + rng.normal(size=400) + 50 * folds
    loci = np.array([f"1:{i // 4}" for i in range(400)], dtype=object)
    table = score_levels(predicted, levels, folds, loci, rng).set_index("quantity")
    for quantity, correlate in (("pearson", pearsonr), ("spearman", spearmanr)):
        of_fold = [correlate(predicted[folds == k], levels[folds == k]).statistic for k in (0, 1)]
        row = table.loc[quantity]
        assert row["r"] == pytest.approx(np.tanh(np.mean(np.arctanh(of_fold))))
        # Genes are independent here: Fisher's interval.
        expected = np.tanh(np.arctanh(row["r"]) + np.array([-1.96, 1.96]) / np.sqrt(394))
        np.testing.assert_allclose([row["low"], row["high"]], expected, atol=0.02)
        assert row[["n_genes", "n_loci", "n_constant_folds"]].tolist() == [400, 100, 0]
    few = score_levels(predicted[:16], levels[:16], folds[:16], loci[:16], rng)
    assert few[["low", "high"]].isna().all(axis=None)
    constant = score_levels(np.ones(400), levels, folds, loci, rng)
    assert (constant[["r", "low", "high"]] == 0).all(axis=None)
    assert (constant["n_constant_folds"] == 2).all()
