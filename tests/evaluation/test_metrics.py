"""Correlations within folds, against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from haploformer.evaluation.metrics import fisher_mean, pearson, spearman, within_fold_r
from tests.builders.dosages import deal_folds
from tests.oracles.regression import within_fold_r as obvious_within_fold_r


@pytest.fixture
def sides() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 83))
    return x, 0.5 * x + rng.normal(size=x.shape)


def test_pearson__equals_scipy(sides) -> None:
    x, y = sides
    np.testing.assert_allclose(pearson(x, y), [stats.pearsonr(a, b).statistic for a, b in zip(x, y, strict=True)])
    np.testing.assert_allclose(pearson(1e-200 * x, 7 + 1e5 * y), pearson(x, y))


def test_spearman__equals_scipy_with_ties(sides) -> None:
    x, y = np.round(sides[0]), sides[1]
    np.testing.assert_allclose(spearman(x, y), [stats.spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)])


def test_spearman__takes_rounding_for_ties() -> None:
    x = np.array([0.3, 0.1 + 0.2, 0.5, 0.7])
    assert x[0] != x[1]
    expected = stats.spearmanr([1, 1, 2, 3], [1, 2, 3, 4]).statistic
    np.testing.assert_allclose(spearman(x, np.array([1.0, 2, 3, 4])), expected)


@pytest.mark.parametrize(
    "constant", [np.zeros(9), np.full(9, 0.1), 0.1 + 1e-17 * np.arange(9), 1 + np.eye(9)[0] * 2e-16]
)
def test_pearson__of_a_constant_is_nan(constant: np.ndarray) -> None:
    other = np.arange(9.0)
    assert np.isnan(pearson(constant, other))
    assert np.isnan(pearson(other, constant))


def test_fisher_mean__weighs_by_n_minus_3() -> None:
    expected = np.tanh((17 * np.arctanh(0.5) + 7 * np.arctanh(-0.2)) / 24)
    np.testing.assert_allclose(fisher_mean(np.array([0.5, -0.2]), np.array([20, 10])), expected)


def test_fisher_mean__of_perfect_r_is_finite() -> None:
    np.testing.assert_allclose(fisher_mean(np.array([1.0, 1.0]), np.array([20, 10])), 1.0)


def test_fisher_mean__needs_four_people() -> None:
    with pytest.raises(ValueError, match="3 people in a fold"):
        fisher_mean(np.array([0.1, 0.2]), np.array([3, 10]))


def test_within_fold_r__equals_the_obvious_loop(sides) -> None:
    x, y = sides
    folds = deal_folds(np.random.default_rng(2), 83)
    x[0, folds == 2] = 4.0
    x[1] = 0.0
    result = within_fold_r(x, y, folds)
    expected = [obvious_within_fold_r(a, b, folds) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(result.pearson, expected, atol=1e-14)
    assert result.n_constant_folds.tolist() == [1, 5, 0, 0, 0, 0]
    assert result.pearson[1] == result.spearman[1] == 0


def test_within_fold_r__does_not_count_differences_between_folds() -> None:
    folds = np.repeat(np.arange(5), 20)
    rng = np.random.default_rng(3)
    measured = rng.normal(size=(200, 100))
    training_mean = np.stack([measured[:, folds != k].mean(axis=1) for k in range(5)], axis=1)[:, folds]
    predicted = training_mean + 0.01 * rng.normal(size=measured.shape)
    assert abs(within_fold_r(predicted, measured, folds).pearson.mean()) < 3 * 0.1 / np.sqrt(200)
    assert pearson(predicted, measured).mean() < -0.1  # one r over all people, for comparison
