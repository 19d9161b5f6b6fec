"""Scales of expression that the training people give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from haploformer.expression.normalisation import normalise, rank_normalise


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


TRAIN = np.arange(30) % 3 != 0


def test_rank_normalise__training_people_get_the_quantile_of_their_mean_rank(rng) -> None:
    values = np.round(rng.gamma(2, 2, size=30))  # ties
    expected = norm.ppf(rankdata(values[TRAIN]) / 21)
    np.testing.assert_allclose(rank_normalise(values, TRAIN)[TRAIN], expected, atol=1e-15)


def test_rank_normalise__others_lie_between_training_people_and_never_beyond() -> None:
    values, train = np.array([0.0, 10.0, 30.0, 20.0, -5.0, 99.0, 10.0]), np.arange(7) < 3
    low, middle, high = norm.ppf([0.25, 0.5, 0.75])
    expected = [low, middle, high, (middle + high) / 2, low, high, middle]
    np.testing.assert_allclose(rank_normalise(values, train), expected, atol=1e-15)


@pytest.mark.parametrize("method", ["rank", "scale"])
def test_normalise__held_out_people_change_no_training_value_to_the_bit(rng, method) -> None:
    values = rng.gamma(2, 100, size=(30, 3))
    changed = np.where(TRAIN[:, None], values, 1e6)
    first, second = (normalise(v, TRAIN, method=method)[TRAIN] for v in (values, changed))
    np.testing.assert_array_equal(first, second)
    everybody = [normalise(v, np.ones(30, bool), method=method)[TRAIN] for v in (values, changed)]
    assert not np.array_equal(*everybody)


@pytest.mark.parametrize("method", ["none", "rank", "scale"])
def test_normalise__columns_are_as_one_by_one(rng, method) -> None:
    values = rng.gamma(2, 100, size=(30, 3))
    table = normalise(values, TRAIN, method=method)
    for column, one in zip(values.T, table.T, strict=True):
        np.testing.assert_array_equal(normalise(column, TRAIN, method=method), one)


def test_normalise__scale_is_sds_from_the_mean_and_none_is_nothing(rng) -> None:
    values = rng.gamma(2, 100, size=30)
    scaled = normalise(values, TRAIN, method="scale")
    np.testing.assert_allclose([scaled[TRAIN].mean(), scaled[TRAIN].std()], [0, 1], atol=1e-12)
    np.testing.assert_allclose(scaled * values[TRAIN].std() + values[TRAIN].mean(), values, rtol=1e-12)
    assert normalise(values, TRAIN, method="none") is values


@pytest.mark.parametrize("method", ["rank", "scale"])
def test_normalise__a_gene_that_is_constant_in_training_is_0_for_everybody(method) -> None:
    values = np.where(TRAIN, 7.3, 9.0)
    np.testing.assert_array_equal(normalise(values, TRAIN, method=method), np.zeros(30))
