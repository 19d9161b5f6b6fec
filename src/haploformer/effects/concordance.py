"""Predicted effects beside measured slopes: signs and ranks, with the null of effects that know nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.evaluation.metrics import spearman

#: Draws held at once, in values: a null of 1,000 draws of a million variants does not fit into memory.
_BLOCK_VALUES = 2**22

#: How the null is made: alleles swapped at random, all of a group together, or effects dealt anew within a group.
Null = Literal["swapped", "permuted"]

_Statistic = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Tested:
    """A statistic beside its null.

    Attributes
    ----------
    statistic : str
    n : int
        Variants it rests on.
    n_left_out : int
        Variants that say nothing of it.
    value : float
        NaN where it is not defined.
    null_mean, null_sd : float
        Over draws.
    p_value : float
        Two-sided: draws at least as far from the null's mean, one added to both counts.
    """

    statistic: str
    n: int
    n_left_out: int
    value: float
    null_mean: float
    null_sd: float
    p_value: float


def sign_concordance(
    effects: NDArray[np.floating],
    slopes: NDArray[np.floating],
    *,
    rng: np.random.Generator,
    groups: Sequence[str] | None = None,
    n_draws: int = 1000,
    null: Null = "swapped",
) -> Tested:
    """Share of variants whose predicted effect has the sign of the measured slope.

    Parameters
    ----------
    effects, slopes : floating (n_variants,)
        Of the same allele. A zero on either side has no sign: such variants are left out and counted.
    rng : Generator
    groups : sequence of str (n_variants,), optional
        What hangs together: variants of one gene are linked, so that their alleles are swapped together. None: each
        variant by itself.
    n_draws : int
    null : str

    Returns
    -------
    Tested

    Raises
    ------
    ValueError
        If shapes differ or a value is not finite.
    """
    effects, slopes = _checked(effects, slopes)
    signed = (effects != 0) & (slopes != 0)
    codes = _codes(groups, len(effects))[signed]
    tested = _test("sign_concordance", effects[signed], slopes[signed], _agreeing_share, codes, rng, n_draws, null)
    return _with_left_out(tested, int((~signed).sum()))


def rank_concordance(
    effects: NDArray[np.floating],
    slopes: NDArray[np.floating],
    *,
    rng: np.random.Generator,
    groups: Sequence[str] | None = None,
    n_draws: int = 1000,
    null: Null = "swapped",
) -> Tested:
    """Spearman correlation of predicted effect and measured slope; parameters and errors as of `sign_concordance`.

    NaN where there are fewer than three variants, or all are alike.
    """
    effects, slopes = _checked(effects, slopes)
    return _test("spearman", effects, slopes, _spearman, _codes(groups, len(effects)), rng, n_draws, null)


def concordance_by_distance(
    table: pd.DataFrame,
    *,
    edges: Sequence[float],
    rng: np.random.Generator,
    n_draws: int = 1000,
    null: Null = "swapped",
) -> pd.DataFrame:
    """Both statistics of all variants, and of those in each bin of distance to the TSS.

    Parameters
    ----------
    table : DataFrame
        ``gene_id, effect, slope, tss_distance``.
    edges : sequence of float
        Bases, rising: bins are [edges[i], edges[i + 1]) of the absolute distance.

    Returns
    -------
    DataFrame, schema ``effect_concordance``
        ``low`` and ``high`` are null in the rows of all variants.
    """
    rows = []
    for low, high, chosen in distance_bins(table["tss_distance"].to_numpy(np.float64), edges):
        part = table[chosen]
        effects, slopes = part["effect"].to_numpy(np.float64), part["slope"].to_numpy(np.float64)
        for test in (sign_concordance, rank_concordance):
            found = test(effects, slopes, rng=rng, groups=part["gene_id"].tolist(), n_draws=n_draws, null=null)
            rows.append(row_of(found, low, high))
    return pd.DataFrame(rows)


def distance_bins(
    distance: NDArray[np.floating], edges: Sequence[float]
) -> list[tuple[float, float, NDArray[np.bool_]]]:
    """All (NaN, NaN, everything), then each bin (low, high, bool (n_variants,)) of the absolute distance."""
    if len(edges) < 2 or any(a >= b for a, b in pairwise(edges)):
        raise ValueError(f"edges {list(edges)} do not rise")
    far = np.abs(distance)
    bins = [(low, high, (far >= low) & (far < high)) for low, high in pairwise(edges)]
    return [(np.nan, np.nan, np.ones(len(far), bool)), *bins]


def row_of(tested: Tested, low: float, high: float) -> dict[str, object]:
    """A row of ``effect_concordance``."""
    return {
        "statistic": tested.statistic,
        "low": low,
        "high": high,
        "n": tested.n,
        "n_left_out": tested.n_left_out,
        "value": tested.value,
        "null_mean": tested.null_mean,
        "null_sd": tested.null_sd,
        "p_value": tested.p_value,
    }


def summarise_null(statistic: str, n: int, value: float, draws: NDArray[np.float64]) -> Tested:
    """A value beside its draws; NaN where it is not defined or no draw is."""
    draws = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(draws) == 0:
        return Tested(statistic, n, 0, value, np.nan, np.nan, np.nan)
    mean = float(draws.mean())
    # Sums of ranks in another order differ in their last digits.
    as_far = np.abs(draws - mean) >= abs(value - mean) - 1e-12
    return Tested(statistic, n, 0, float(value), mean, float(draws.std()), float((1 + as_far.sum()) / (1 + len(draws))))


def _test(
    name: str,
    effects: NDArray[np.float64],
    slopes: NDArray[np.float64],
    statistic: _Statistic,
    codes: NDArray[np.int64],
    rng: np.random.Generator,
    n_draws: int,
    null: Null,
) -> Tested:
    n = len(effects)
    if n == 0:
        return Tested(name, 0, 0, np.nan, np.nan, np.nan, np.nan)
    value = float(statistic(effects[None], slopes)[0])
    block = max(1, _BLOCK_VALUES // n)
    draw = _swap if null == "swapped" else _permute
    draws = [
        statistic(draw(effects, codes, rng, min(block, n_draws - start)), slopes) for start in range(0, n_draws, block)
    ]
    return summarise_null(name, n, value, np.concatenate(draws) if draws else np.empty(0))


def _agreeing_share(effects: NDArray[np.float64], slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.mean(np.sign(effects) == np.sign(slopes), axis=-1)


def _spearman(effects: NDArray[np.float64], slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    if effects.shape[-1] < 3:
        return np.full(len(effects), np.nan)
    return spearman(effects, np.broadcast_to(slopes, effects.shape))


def _swap(
    effects: NDArray[np.float64], codes: NDArray[np.int64], rng: np.random.Generator, n: int
) -> NDArray[np.float64]:
    signs = rng.choice([-1.0, 1.0], size=(n, int(codes.max()) + 1))
    return effects * signs[:, codes]  # (n, n_variants)


def _permute(
    effects: NDArray[np.float64], codes: NDArray[np.int64], rng: np.random.Generator, n: int
) -> NDArray[np.float64]:
    # Sorted by group, then at random: the k-th place of a group gets a random member of it.
    home = np.argsort(codes, kind="stable")
    dealt = np.lexsort([rng.random((n, len(codes))), np.broadcast_to(codes, (n, len(codes)))], axis=-1)
    drawn = np.empty((n, len(codes)))
    drawn[:, home] = effects[dealt]
    return drawn


def _codes(groups: Sequence[str] | None, n: int) -> NDArray[np.int64]:
    if groups is None:
        return np.arange(n)
    if len(groups) != n:
        raise ValueError(f"{len(groups)} groups of {n} variants")
    return np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].astype(np.int64)


def _checked(
    effects: NDArray[np.floating], slopes: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if effects.shape != slopes.shape or effects.ndim != 1:
        raise ValueError(f"effects {effects.shape} and slopes {slopes.shape}; expected (n_variants,) both")
    if not (np.isfinite(effects).all() and np.isfinite(slopes).all()):
        raise ValueError("effects and slopes must be finite")
    return np.asarray(effects, np.float64), np.asarray(slopes, np.float64)


def _with_left_out(tested: Tested, n: int) -> Tested:
    return Tested(tested.statistic, tested.n, n, tested.value, tested.null_mean, tested.null_sd, tested.p_value)
