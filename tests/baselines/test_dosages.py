"""Dosages are filtered, filled and scaled by the training people alone."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.baselines.dosages import check_dosages, standardise_dosages
from haploformer.expression.covariates import fit_residualiser
from tests.builders.dosages import simulate_dosages

N = 50
TRAIN = np.arange(N) < 40
NONE = np.empty((N, 0))


def standardise(dosages: np.ndarray, covariates: np.ndarray = NONE, min_maf: float = 0.01):
    return standardise_dosages(dosages, TRAIN, residualise=fit_residualiser(covariates, TRAIN), min_maf=min_maf)


def test_standardise_dosages__has_training_mean_0_and_sd_1() -> None:
    dosages = simulate_dosages(np.random.default_rng(1), N, 12)
    result = standardise(dosages)
    assert result.values.dtype == np.float64
    np.testing.assert_allclose(result.values[TRAIN].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(result.values[TRAIN].std(axis=0), 1)
    raw = dosages[:, result.variants].astype(float)
    np.testing.assert_allclose(result.values, (raw - raw[TRAIN].mean(axis=0)) / raw[TRAIN].std(axis=0), atol=1e-12)


def test_standardise_dosages__leaves_out_what_training_does_not_support() -> None:
    dosages = np.zeros((N, 6), dtype=np.float32)
    dosages[45:, 1] = 2  # held-out carriers only
    dosages[0, 2] = 1  # one of 80 training alleles: 0.0125
    dosages[:, 3] = 1  # everybody heterozygous: frequent, and the same
    dosages[:40, 4] = np.nan  # nobody called in training
    dosages[:, 5] = 2  # ALT in everybody
    dosages[:20, 0] = 1
    assert standardise(dosages).variants.tolist() == [0, 2]
    assert standardise(dosages, min_maf=0.02).variants.tolist() == [0]


def test_standardise_dosages__counts_the_minor_allele_among_called_people() -> None:
    dosages = np.full((N, 1), 2, dtype=np.float32)
    dosages[:10] = np.nan
    dosages[10] = 1  # 1 REF of 60 called training alleles: 0.0167, of 80 it would be 0.0125
    assert len(standardise(dosages, min_maf=0.015).variants) == 1
    assert len(standardise(dosages, min_maf=0.017).variants) == 0


def test_standardise_dosages__fills_missing_with_twice_the_training_frequency() -> None:
    dosages = simulate_dosages(np.random.default_rng(2), N, 1)
    dosages[3] = dosages[47] = np.nan
    result = standardise(dosages)
    called = dosages[TRAIN & ~np.isnan(dosages[:, 0]), 0].astype(float)
    assert result.frequency[0] == called.mean() / 2
    np.testing.assert_allclose(result.values[[3, 47], 0] * result.sd + result.mean, 0, atol=1e-12)


def test_standardise_dosages__drops_a_variant_that_the_covariates_explain() -> None:
    dosages = simulate_dosages(np.random.default_rng(3), N, 3, linkage=0.2)
    result = standardise(dosages, covariates=dosages[:, [1]].astype(float))
    assert result.variants.tolist() == [0, 2]


def test_standardise_dosages__held_out_people_change_no_other_value_to_the_bit() -> None:
    dosages = simulate_dosages(np.random.default_rng(4), N, 20, missing=0.05)
    changed = dosages.copy()
    changed[49] = 2 - np.nan_to_num(dosages[49], nan=0.0)
    covariates = np.random.default_rng(5).normal(size=(N, 2))
    first, second = standardise(dosages, covariates), standardise(changed, covariates)
    np.testing.assert_array_equal(first.values[:49], second.values[:49])
    for name in ("variants", "frequency", "mean", "sd"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("wrong", [-1.0, 2.5, np.inf])
def test_check_dosages__names_an_impossible_dosage(wrong: float) -> None:
    dosages = np.ones((4, 3), dtype=np.float32)
    dosages[2, 1] = wrong
    with pytest.raises(ValueError, match="variant 1 in individual 2"):
        check_dosages(dosages)
