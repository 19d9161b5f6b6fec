"""One variant after the other, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from haploformer.baselines.association import associate
from tests.builders.dosages import simulate_dosages, simulate_expression


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
