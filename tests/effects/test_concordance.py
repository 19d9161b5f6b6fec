"""Signs and ranks of effects beside slopes: known truth, and nulls that know nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from haploformer import schemas
from haploformer.effects.concordance import (
    concordance_by_distance,
    distance_bins,
    rank_concordance,
    sign_concordance,
)


def pair(rng: np.random.Generator, n: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Effects and slopes, normal, with correlation rho."""
    effects = rng.normal(size=n)
    return effects, rho * effects + np.sqrt(1 - rho**2) * rng.normal(size=n)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8, -0.5])
def test_concordance__is_what_the_simulation_implies(rho):
    rng = np.random.default_rng(1)
    effects, slopes = pair(rng, 20_000, rho)
    sign = sign_concordance(effects, slopes, rng=rng, n_draws=100)
    assert sign.value == pytest.approx(0.5 + np.arcsin(rho) / np.pi, abs=0.012)
    rank = rank_concordance(effects, slopes, rng=rng, n_draws=50)
    assert rank.value == pytest.approx(6 / np.pi * np.arcsin(rho / 2), abs=0.02)
    assert rank.value == pytest.approx(spearmanr(effects, slopes).statistic, abs=1e-10)
    assert sign.null_mean == pytest.approx(0.5, abs=0.003)
    assert sign.null_sd == pytest.approx(0.5 / np.sqrt(20_000), rel=0.25)


def test_concordance__alleles_swapped_at_random_give_a_half():
    rng = np.random.default_rng(2)
    effects, slopes = pair(rng, 5_000, 0.8)
    swapped = effects * rng.choice([-1, 1], len(effects))
    found = sign_concordance(swapped, slopes, rng=rng, n_draws=400)
    assert found.value == pytest.approx(0.5, abs=0.02)
    assert found.p_value > 0.05
    assert sign_concordance(effects, slopes, rng=rng, n_draws=400).p_value == pytest.approx(1 / 401)


def test_sign_concordance__what_has_no_sign_is_left_out_and_counted():
    effects, slopes = np.array([1.0, -1.0, 0.0, 2.0, 3.0]), np.array([2.0, 1.0, 1.0, 0.0, 0.5])
    found = sign_concordance(effects, slopes, rng=np.random.default_rng(0), n_draws=10)
    assert (found.n, found.n_left_out, found.value) == (3, 2, pytest.approx(2 / 3))


def test_sign_concordance__p_values_are_uniform_where_nothing_is_known():
    rng = np.random.default_rng(3)
    p = [sign_concordance(*pair(rng, 101, 0.0), rng=rng, n_draws=99).p_value for _ in range(300)]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.05)


def test_sign_concordance__linked_variants_are_swapped_together():
    # One gene, a hundred copies of one variant: they tell no more than one does.
    effects, slopes = np.ones(100), np.ones(100)
    rng = np.random.default_rng(4)
    assert sign_concordance(effects, slopes, rng=rng, groups=["g"] * 100, n_draws=500).p_value == 1
    assert sign_concordance(effects, slopes, rng=rng, n_draws=500).p_value < 0.01


def test_rank_concordance__permuted_effects_stay_in_their_group():
    rng = np.random.default_rng(5)
    groups = ["a"] * 50 + ["b"] * 50
    # All agreement is between the groups: within them nothing is known, which the null of the groups shows.
    level = np.repeat([0.0, 10.0], 50)
    effects, slopes = level + rng.normal(size=100), level + rng.normal(size=100)
    within = rank_concordance(effects, slopes, rng=rng, groups=groups, n_draws=300, null="permuted")
    assert within.null_mean == pytest.approx(within.value, abs=0.1)
    assert within.p_value > 0.05
    everybody = rank_concordance(effects, slopes, rng=rng, groups=["a"] * 100, n_draws=300, null="permuted")
    assert everybody.null_mean == pytest.approx(0, abs=0.05)
    assert everybody.p_value < 0.01


@pytest.mark.parametrize(("effects", "slopes"), [([], []), ([1.0, 2.0], [1.0, 3.0]), ([1.0] * 5, [1.0, 2, 3, 4, 5])])
def test_rank_concordance__is_not_defined_for_too_few_or_all_alike(effects, slopes):
    found = rank_concordance(np.array(effects), np.array(slopes), rng=np.random.default_rng(0), n_draws=5)
    assert np.isnan(found.value)
    assert np.isnan(found.p_value)


def test_concordance__values_that_cannot_be():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must be finite"):
        sign_concordance(np.array([np.nan]), np.array([1.0]), rng=rng)
    with pytest.raises(ValueError, match="expected"):
        sign_concordance(np.ones(2), np.ones(3), rng=rng)
    with pytest.raises(ValueError, match="1 groups of 2 variants"):
        rank_concordance(np.ones(2), np.ones(2), rng=rng, groups=["a"])


def test_concordance_by_distance__near_variants_agree_and_far_ones_do_not():
    rng = np.random.default_rng(6)
    near, far = pair(rng, 400, 0.9), pair(rng, 400, 0.0)
    table = pd.DataFrame(
        {
            "gene_id": [f"g{i}" for i in range(800)],
            "effect": np.concatenate([near[0], far[0]]),
            "slope": np.concatenate([near[1], far[1]]),
            "tss_distance": np.concatenate([rng.integers(-999, 1000, 400), rng.integers(1000, 9000, 400)]),
        }
    )
    found = concordance_by_distance(table, edges=[0, 1000, 10_000, 50_000], rng=rng, n_draws=200)
    schemas.effect_concordance(found)
    sign = found[found["statistic"] == "sign_concordance"]
    assert sign["n"].tolist() == [800, 400, 400, 0]
    assert sign["low"].isna().tolist() == [True, False, False, False]
    assert sign["value"].iloc[1] > 0.8
    assert sign["value"].iloc[2] == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("edges", [[0], [0, 0], [5, 1]])
def test_distance_bins__edges_must_rise(edges):
    with pytest.raises(ValueError, match="do not rise"):
        distance_bins(np.zeros(3), edges)
