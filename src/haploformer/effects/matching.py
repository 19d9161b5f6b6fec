"""Fine-mapped variants against variants alike in distance to the TSS and allele frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from haploformer.effects.concordance import Tested, distance_bins, row_of, summarise_null

#: Bases added to a distance before its logarithm: nearer than this, all places are about alike.
_NEAR = 100.0


@dataclass(frozen=True, eq=False)
class MatchedSets:
    """Each case with its controls.

    Attributes
    ----------
    case : int64 (n_sets,)
        Row numbers of the cases that have a control.
    control, set_of_control : int64 (n_controls,)
        Row numbers of the controls, each used once, and the number of their set.
    n_unmatched : int
        Cases without a control.
    """

    case: NDArray[np.int64]
    control: NDArray[np.int64]
    set_of_control: NDArray[np.int64]
    n_unmatched: int


def match_controls(
    cases: pd.DataFrame,
    pool: pd.DataFrame,
    *,
    per_case: int = 5,
    max_log10_distance: float = 0.15,
    max_maf: float = 0.05,
) -> MatchedSets:
    """For each case the nearest free variants of the pool, in turns of one control each.

    Nearest in the logarithm of the absolute distance to the TSS and in minor allele frequency, both in units of what is
    allowed. Nothing is drawn: the same tables give the same sets.

    Parameters
    ----------
    cases, pool : DataFrame
        ``tss_distance, maf``. The caller sees to it that the pool holds no case and, if wanted, nothing linked to one.
    per_case : int
        Controls of a case, at most.
    max_log10_distance, max_maf : float
        How far a control may be.

    Returns
    -------
    MatchedSets

    Raises
    ------
    ValueError
        If a distance or frequency is not finite.
    """
    here, there = _places(cases), _places(pool)
    scale = np.array([max_log10_distance, max_maf])
    order = np.argsort(there[:, 0], kind="stable")
    candidates = []
    for place in here:
        low, high = np.searchsorted(there[order, 0], [place[0] - scale[0], place[0] + scale[0]], side="left")
        rows = order[low : high + 1]
        apart = np.abs(there[rows] - place) / scale
        rows, apart = rows[(apart <= 1).all(axis=1)], apart[(apart <= 1).all(axis=1)]
        candidates.append(rows[np.lexsort([rows, (apart**2).sum(axis=1)])])
    return _deal(candidates, per_case, len(pool))


def _places(table: pd.DataFrame) -> NDArray[np.float64]:
    distance = np.log10(np.abs(table["tss_distance"].to_numpy(np.float64)) + _NEAR)
    places = np.column_stack([distance, table["maf"].to_numpy(np.float64)])
    if not np.isfinite(places).all():
        raise ValueError("tss_distance and maf must be finite")
    return places


def _deal(candidates: list[NDArray[np.int64]], per_case: int, n_pool: int) -> MatchedSets:
    free = np.ones(n_pool, bool)
    taken: list[list[int]] = [[] for _ in candidates]
    cursor = [0] * len(candidates)
    for _ in range(per_case):
        for i, rows in enumerate(candidates):
            while cursor[i] < len(rows) and not free[rows[cursor[i]]]:
                cursor[i] += 1
            if cursor[i] < len(rows):
                chosen = int(rows[cursor[i]])
                free[chosen] = False
                taken[i].append(chosen)
    matched = [i for i, rows in enumerate(taken) if rows]
    control = [row for i in matched for row in taken[i]]
    sets = np.repeat(np.arange(len(matched)), [len(taken[i]) for i in matched])
    return MatchedSets(
        np.array(matched, np.int64), np.array(control, np.int64), sets.astype(np.int64), len(candidates) - len(matched)
    )


def matched_auroc(
    case_scores: NDArray[np.floating],
    control_scores: NDArray[np.floating],
    sets: MatchedSets,
    *,
    rng: np.random.Generator,
    n_draws: int = 1000,
) -> Tested:
    """How often a case scores higher than a control, ties counting half; null: the case of each set dealt anew.

    Parameters
    ----------
    case_scores : floating (n_cases,)
        Of all cases, matched or not: sizes of predicted effects.
    control_scores : floating (n_pool,)
        Of the whole pool.
    sets : MatchedSets
    rng : Generator
    n_draws : int

    Returns
    -------
    Tested
        ``n`` counts cases and controls; ``n_left_out`` the unmatched cases. NaN where no case has a control.
    """
    n_sets, n_controls = len(sets.case), len(sets.control)
    if n_sets == 0:
        return Tested("auroc", 0, sets.n_unmatched, np.nan, np.nan, np.nan, np.nan)
    scores = np.concatenate([case_scores[sets.case], control_scores[sets.control]]).astype(np.float64)
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    ranks = rankdata(scores)
    set_of = np.concatenate([np.arange(n_sets), sets.set_of_control])
    home = np.argsort(set_of, kind="stable")
    first = np.searchsorted(set_of[home], np.arange(n_sets))
    size = np.bincount(set_of, minlength=n_sets)

    def auroc(rank_sum: NDArray[np.float64]) -> NDArray[np.float64]:
        return (rank_sum - n_sets * (n_sets + 1) / 2) / (n_sets * n_controls)

    dealt = first + (rng.random((n_draws, n_sets)) * size).astype(np.int64)
    value = float(auroc(ranks[:n_sets].sum(keepdims=True))[0])
    tested = summarise_null("auroc", n_sets + n_controls, value, auroc(ranks[home][dealt].sum(axis=1)))
    return Tested("auroc", tested.n, sets.n_unmatched, value, tested.null_mean, tested.null_sd, tested.p_value)


def auroc_by_distance(
    cases: pd.DataFrame,
    pool: pd.DataFrame,
    *,
    edges: Sequence[float],
    rng: np.random.Generator,
    per_case: int = 5,
    n_draws: int = 1000,
) -> pd.DataFrame:
    """`matched_auroc` of the effects' sizes: all cases, and those in each bin of distance, with their own controls.

    Parameters
    ----------
    cases, pool : DataFrame
        ``tss_distance, maf, effect``.
    edges : sequence of float
        As of `concordance.concordance_by_distance`.

    Returns
    -------
    DataFrame, schema ``effect_concordance``
    """
    rows = []
    for low, high, chosen in distance_bins(cases["tss_distance"].to_numpy(np.float64), edges):
        part = cases[chosen]
        sets = match_controls(part, pool, per_case=per_case)
        here, there = (np.abs(table["effect"].to_numpy(np.float64)) for table in (part, pool))
        rows.append(row_of(matched_auroc(here, there, sets, rng=rng, n_draws=n_draws), low, high))
    return pd.DataFrame(rows)
