"""Weights fitted to everybody, to stand for a prediction elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.baselines.crossfit import fit_surrogate
from haploformer.baselines.elastic_net import ElasticNet
from haploformer.baselines.top_snp import TopSnp
from tests.builders.dosages import deal_folds, simulate_dosages


def test_fit_surrogate__weights_and_intercept_say_what_the_model_says():
    rng = np.random.default_rng(1)
    dosages = simulate_dosages(rng, 200, 20, missing=0.05)
    dosages[:, 7] = 1
    filled = np.where(np.isnan(dosages), np.nanmean(dosages, axis=0), dosages).astype(float)
    truth = 3.0 + filled[:, 4] * 0.5 - filled[:, 15] * 0.25
    found = fit_surrogate(ElasticNet(min_maf=0.01), dosages, truth, deal_folds(rng, 200))
    assert found.weights[7] == 0
    said = found.intercept + filled @ found.weights
    assert said.mean() == pytest.approx(truth.mean(), abs=1e-6)
    assert np.corrcoef(said, truth)[0, 1] > 0.99
    assert np.corrcoef(found.out_of_fold, truth)[0, 1] > 0.99


def test_fit_surrogate__out_of_fold_tells_what_does_not_carry_over():
    rng = np.random.default_rng(2)
    dosages = simulate_dosages(rng, 100, 60, linkage=0.0)
    noise = rng.normal(size=100)
    found = fit_surrogate(TopSnp(), dosages, noise, deal_folds(rng, 100))
    inside = np.corrcoef(dosages @ found.weights, noise)[0, 1]
    assert inside > 0.2
    assert np.corrcoef(found.out_of_fold, noise)[0, 1] < inside - 0.15
    assert np.count_nonzero(found.weights) == 1


def test_fit_surrogate__a_constant_needs_no_weight():
    rng = np.random.default_rng(3)
    found = fit_surrogate(ElasticNet(), simulate_dosages(rng, 60, 5), np.full(60, 2.5), deal_folds(rng, 60))
    assert not found.weights.any()
    assert found.intercept == 2.5
    assert (found.out_of_fold == 2.5).all()


def test_fit_surrogate__values_that_cannot_be():
    rng = np.random.default_rng(4)
    with pytest.raises(ValueError, match="is not a finite number"):
        fit_surrogate(TopSnp(), simulate_dosages(rng, 10, 2), np.full(10, np.nan), deal_folds(rng, 10))
