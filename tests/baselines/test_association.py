"""One variant after the other, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from haploformer.baselines.association import associate
from haploformer.baselines.crossfit import with_degrees
from haploformer.expression.covariates import adjustment
from tests.builders.dosages import simulate_dosages, simulate_expression
from tests.oracles.regression import first_coefficient


def test_associate__equals_scipy():
    rng = np.random.default_rng(1)
    dosages = simulate_dosages(rng, 200, 30)
    expression = simulate_expression(rng, dosages, causal=4, heritability=0.4)
    found = associate(dosages, expression)
    for v in range(30):
        fit = linregress(dosages[:, v].astype(float), expression)
        assert found.slope[v] == pytest.approx(fit.slope, rel=1e-9)
        assert found.slope_se[v] == pytest.approx(fit.stderr, rel=1e-9)
        assert found.r[v] == pytest.approx(fit.rvalue, rel=1e-9)
        assert found.p_value[v] == pytest.approx(fit.pvalue, rel=1e-6)
    assert found.top == np.abs(found.r).argmax()


def test_associate__missing_and_constant_dosages():
    rng = np.random.default_rng(2)
    dosages = simulate_dosages(rng, 100, 3, missing=0.1)
    dosages[:, 1] = 1
    dosages[:, 2] = np.nan
    expression = rng.normal(size=100)
    found = associate(dosages, expression)
    filled = np.where(np.isnan(dosages[:, 0]), np.nanmean(dosages[:, 0]), dosages[:, 0])
    assert found.slope[0] == pytest.approx(linregress(filled, expression).slope, rel=1e-6)
    for values in (found.slope, found.r, found.p_value):
        assert np.isnan(values[1:]).all()
    assert found.top == 0


def test_associate__people_that_cannot_be():
    with pytest.raises(ValueError, match="3 people with dosages, 4 with expression"):
        associate(np.zeros((3, 1)), np.zeros(4))


def test_associate__with_covariates_equals_the_regression_on_all_of_them():
    rng = np.random.default_rng(3)
    n = 120
    dosages = simulate_dosages(rng, n, 6, missing=0.05)
    covariates = rng.normal(size=(n, 3))
    expression = simulate_expression(rng, dosages, causal=2, heritability=0.3) + covariates @ np.array([1.0, -2.0, 0.5])
    everybody = np.ones(n, bool)
    residualise, n_degrees = with_degrees(adjustment(covariates))(everybody)
    assert n_degrees == n - 4
    found = associate(dosages, expression, residualise=residualise, n_degrees=n_degrees)
    for v in range(6):
        filled = np.where(np.isnan(dosages[:, v]), np.nanmean(dosages[:, v]), dosages[:, v])
        slope, slope_se, p_value = first_coefficient(np.column_stack([filled, covariates]), expression)
        assert found.slope[v] == pytest.approx(slope, rel=1e-6)
        assert found.slope_se[v] == pytest.approx(slope_se, rel=1e-6)
        assert found.p_value[v] == pytest.approx(p_value, rel=1e-5)


def test_associate__what_covariates_explain_is_not_tested():
    rng = np.random.default_rng(4)
    dosages = simulate_dosages(rng, 60, 2)
    residualise, n_degrees = with_degrees(adjustment(dosages[:, :1].astype(float)))(np.ones(60, bool))
    found = associate(dosages, rng.normal(size=60), residualise=residualise, n_degrees=n_degrees)
    assert found.tested.tolist() == [False, True]
    # Expression that is a covariate leaves rounding.
    explained = associate(dosages, 3 + 2 * dosages[:, 0].astype(float), residualise=residualise, n_degrees=n_degrees)
    assert not explained.tested.any()
    with pytest.raises(ValueError, match="2 more than the covariates take"):
        associate(dosages, rng.normal(size=60), residualise=residualise, n_degrees=1)
