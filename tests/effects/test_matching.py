"""Matched variants and the AUROC against them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from haploformer import schemas
from haploformer.effects.matching import MatchedSets, auroc_by_distance, match_controls, matched_auroc


def places(rng: np.random.Generator, n: int, *, scale: float = 3e4) -> pd.DataFrame:
    return pd.DataFrame({"tss_distance": rng.normal(0, scale, n).round(), "maf": rng.uniform(0.01, 0.5, n)})


def test_match_controls__alike_in_distance_and_frequency_each_used_once():
    rng = np.random.default_rng(1)
    cases, pool = places(rng, 60, scale=5e3), places(rng, 4000)
    sets = match_controls(cases, pool, per_case=4)
    assert len(set(sets.control)) == len(sets.control) > 3.5 * len(sets.case)
    case = cases.iloc[sets.case[sets.set_of_control]].reset_index(drop=True)
    control = pool.iloc[sets.control].reset_index(drop=True)
    apart = np.log10(control["tss_distance"].abs() + 100) - np.log10(case["tss_distance"].abs() + 100)
    assert apart.abs().max() <= 0.15
    assert (control["maf"] - case["maf"]).abs().max() <= 0.05
    # Unmatched, the pool lies six times as far.
    assert control["tss_distance"].abs().mean() == pytest.approx(case["tss_distance"].abs().mean(), rel=0.1)


def test_match_controls__the_nearest_and_the_unmatched():
    cases = pd.DataFrame({"tss_distance": [1000, -1000, 10], "maf": [0.2, 0.2, 0.4]})
    pool = pd.DataFrame({"tss_distance": [1100, -1001, 1000, 1e5], "maf": [0.2, 0.2, 0.21, 0.2]})
    sets = match_controls(cases, pool, per_case=2)
    assert sets.case.tolist() == [0, 1]
    assert sets.n_unmatched == 1
    # In turns: both cases get their nearest before the first gets another.
    assert sets.control.tolist() == [1, 0, 2]
    assert sets.set_of_control.tolist() == [0, 0, 1]


def test_match_controls__the_same_tables_give_the_same_sets():
    rng = np.random.default_rng(2)
    cases, pool = places(rng, 30), places(rng, 500)
    first, second = match_controls(cases, pool), match_controls(cases, pool)
    assert np.array_equal(first.control, second.control)


def test_match_controls__values_that_cannot_be():
    with pytest.raises(ValueError, match="must be finite"):
        match_controls(pd.DataFrame({"tss_distance": [1.0], "maf": [np.nan]}), places(np.random.default_rng(0), 3))


def simulated_sets(
    rng: np.random.Generator, n: int, per_case: int, d: float
) -> tuple[np.ndarray, np.ndarray, MatchedSets]:
    sets = MatchedSets(np.arange(n), np.arange(n * per_case), np.repeat(np.arange(n), per_case), 0)
    return rng.normal(d, 1, n), rng.normal(0, 1, n * per_case), sets


@pytest.mark.parametrize("d", [0.0, 0.5, 1.5])
def test_matched_auroc__is_what_the_simulation_implies(d):
    rng = np.random.default_rng(3)
    case, control, sets = simulated_sets(rng, 3000, 3, d)
    found = matched_auroc(case, control, sets, rng=rng, n_draws=200)
    assert found.value == pytest.approx(norm.cdf(d / np.sqrt(2)), abs=0.015)
    labels = np.repeat([1, 0], [len(case), len(control)])
    assert found.value == pytest.approx(roc_auc_score(labels, np.concatenate([case, control])), abs=1e-12)
    assert found.null_mean == pytest.approx(0.5, abs=0.002)
    assert (found.p_value < 0.01) == (d > 0)


def test_matched_auroc__causal_labels_permuted_give_a_half():
    rng = np.random.default_rng(4)
    values, p_values = [], []
    for _ in range(100):
        case, control, sets = simulated_sets(rng, 200, 2, 1.5)
        dealt = rng.permuted(np.column_stack([case, control.reshape(200, 2)]), axis=1)
        found = matched_auroc(dealt[:, 0], dealt[:, 1:].ravel(), sets, rng=rng, n_draws=99)
        values.append(found.value)
        p_values.append(found.p_value)
    assert np.mean(values) == pytest.approx(0.5, abs=0.01)
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.08)


def test_matched_auroc__ties_count_half_and_no_set_is_not_defined():
    sets = MatchedSets(np.array([0]), np.array([0, 1]), np.array([0, 0]), 3)
    found = matched_auroc(np.array([1.0, 9, 9, 9]), np.array([1.0, 0.0]), sets, rng=np.random.default_rng(0))
    assert (found.value, found.n, found.n_left_out) == (0.75, 3, 3)
    none = MatchedSets(np.empty(0, int), np.empty(0, int), np.empty(0, int), 2)
    empty = matched_auroc(np.ones(2), np.ones(2), none, rng=np.random.default_rng(0))
    assert np.isnan(empty.value)
    assert empty.n_left_out == 2


def test_auroc_by_distance__near_cases_stand_out_and_far_ones_do_not():
    rng = np.random.default_rng(5)
    pool = places(rng, 3000).assign(effect=rng.normal(0, 1, 3000))
    cases = places(rng, 200).assign(effect=rng.normal(0, 1, 200))
    near = cases["tss_distance"].abs() < 10_000
    cases.loc[near, "effect"] *= 6
    found = auroc_by_distance(cases, pool, edges=[0, 10_000, 200_000], rng=rng, n_draws=200)
    schemas.effect_concordance(found)
    assert found["value"].iloc[1] > 0.75
    assert found["p_value"].iloc[1] < 0.01
    assert found["value"].iloc[2] == pytest.approx(0.5, abs=0.08)
    # The same cases with labels that are dealt anew tell nothing.
    dealt = pd.concat([cases, pool], ignore_index=True).sample(frac=1, random_state=1)
    nothing = auroc_by_distance(dealt[:200], dealt[200:], edges=[0, 1e9], rng=rng, n_draws=200)
    assert nothing["value"].iloc[0] == pytest.approx(0.5, abs=0.08)
