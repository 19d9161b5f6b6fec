"""Covariate adjustment: equal to least squares, and blind to held-out people."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.expression.covariates import adjustment, fit_residualiser
from tests.oracles.regression import residuals

N = 60


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.fixture
def train(rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(N) < 45


def test_fit_residualiser__equals_least_squares_of_the_training_people(rng, train) -> None:
    covariates = rng.normal(size=(N, 4)) * [1, 1e-3, 1e4, 1] + [0, 0, 5e4, 3]
    values = rng.normal(size=(N, 3)) + covariates[:, :1]
    adjusted = fit_residualiser(covariates, train)(values)
    for k in range(3):
        np.testing.assert_allclose(adjusted[:, k], residuals(covariates, values[:, k], train), atol=1e-10)
    assert np.abs(adjusted[train].T @ covariates[train]).max() < 1e-8 * np.abs(covariates).max()


def test_fit_residualiser__removes_a_known_effect_from_held_out_people(rng, train) -> None:
    covariates = rng.normal(size=(N, 2))
    adjusted = fit_residualiser(covariates, train)(5 + covariates @ [2.0, -1.0])
    np.testing.assert_allclose(adjusted, 0, atol=1e-12)


def test_fit_residualiser__takes_collinear_and_constant_covariates(rng, train) -> None:
    sex = rng.integers(0, 2, N)
    covariates = np.column_stack([sex, 1 - sex, rng.normal(size=N), np.full(N, 7.0)])
    values = rng.normal(size=N)
    expected = residuals(covariates[:, [0, 2]], values, train)
    np.testing.assert_allclose(fit_residualiser(covariates, train)(values), expected, atol=1e-10)


def test_fit_residualiser__ignores_a_covariate_that_only_held_out_people_vary_in(rng, train) -> None:
    covariates = np.where(train, 0.0, rng.normal(size=N))[:, None]
    values = rng.normal(size=N)
    np.testing.assert_array_equal(fit_residualiser(covariates, train)(values), values - values[train].mean())


def test_fit_residualiser__without_covariates_subtracts_the_training_mean(rng, train) -> None:
    values = rng.normal(size=N)
    np.testing.assert_array_equal(fit_residualiser(np.empty((N, 0)), train)(values), values - values[train].mean())


def test_fit_residualiser__held_out_people_change_nothing_to_the_bit(rng, train) -> None:
    covariates, values = rng.normal(size=(N, 3)), rng.normal(size=(N, 2))
    changed_covariates, changed_values = covariates.copy(), values.copy()
    changed_covariates[~train] *= 100
    changed_values[~train] += 1e6
    first, second = fit_residualiser(covariates, train), fit_residualiser(changed_covariates, train)
    np.testing.assert_array_equal(first.coefficients(values), second.coefficients(changed_values))
    np.testing.assert_array_equal(first(values)[train], second(changed_values)[train])


def test_fit_residualiser__a_fit_to_everybody_would_fail_the_test_above(rng, train) -> None:
    covariates, values = rng.normal(size=(N, 3)), rng.normal(size=(N, 2))
    changed = values.copy()
    changed[~train] += 1e6
    everybody = fit_residualiser(covariates, np.ones(N, dtype=bool))
    assert not np.array_equal(everybody(values)[train], everybody(changed)[train])


def test_fit_residualiser__refuses_covariates_that_explain_everything(rng) -> None:
    with pytest.raises(ValueError, match="explain 5 training people entirely"):
        fit_residualiser(rng.normal(size=(N, 10)), np.arange(N) < 5)


def test_fit_residualiser__refuses_missing_covariates(rng, train) -> None:
    covariates = rng.normal(size=(N, 2))
    covariates[3, 1] = np.nan
    with pytest.raises(ValueError, match="covariate 1 of individual 3"):
        fit_residualiser(covariates, train)


def test_adjustment__fits_each_training_set_once(rng, train) -> None:
    adjust = adjustment(rng.normal(size=(N, 2)))
    assert adjust(train) is adjust(train.copy())
    assert adjust(train) is not adjust(~train)
