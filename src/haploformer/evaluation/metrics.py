"""Correlations across people, within folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

#: Fisher's z is infinite at 1; tanh(z) of this r is 1 to twelve digits.
_LARGEST_R = 1 - 1e-12

#: Differences below this share of the largest value are rounding: the same sum taken in another order.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class WithinFoldR:
    """Correlation of each gene, within folds.

    Attributes
    ----------
    pearson, spearman : float64 (n_genes,)
        Fisher-z mean over folds; a constant fold counts as 0.
    n_constant_folds : int64 (n_genes,)
        Folds in which the prediction, or the measurement, is constant.
    """

    pearson: NDArray[np.float64]
    spearman: NDArray[np.float64]
    n_constant_folds: NDArray[np.int64]


def pearson(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pearson correlation over the last axis.

    Parameters
    ----------
    x, y : floating (..., n_individuals)
        Finite.

    Returns
    -------
    float64 (...)
        From -1 to 1; NaN where either side is constant (within rounding), which is the caller's to count.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    if x.shape != y.shape:
        raise ValueError(f"shapes {x.shape} and {y.shape} differ")
    constant = _is_constant(x) | _is_constant(y)
    x, y = _unit(x), _unit(y)
    return np.where(constant, np.nan, np.clip((x * y).sum(axis=-1), -1, 1))


def spearman(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Spearman correlation over the last axis: Pearson's of the ranks, ties (within rounding) sharing their mean rank.

    Parameters, results and errors as in ``pearson``.
    """
    return pearson(ranks(x), ranks(y))


def fisher_mean(r: NDArray[np.floating], n: NDArray[np.integer]) -> NDArray[np.float64]:
    """Mean correlation over the last axis: Fisher's z, weighted by its information n - 3.

    Parameters
    ----------
    r : floating (..., n_folds)
        From -1 to 1, not NaN.
    n : int (n_folds,)
        People behind each r, at least 4.

    Returns
    -------
    float64 (...)

    Raises
    ------
    ValueError
        If there are fewer than 4 people behind an r.

    References: Fisher 1921; docs/methods.md, "The r of a gene".
    """
    if (n < 4).any():
        raise ValueError(f"{int(n.min())} people in a fold; Fisher's z has weight n - 3, so at least 4 are needed")
    z = np.arctanh(np.clip(r, -_LARGEST_R, _LARGEST_R))
    return np.tanh(np.average(z, axis=-1, weights=n - 3))


def within_fold_r(
    predicted: NDArray[np.floating], measured: NDArray[np.floating], folds: NDArray[np.int64]
) -> WithinFoldR:
    """Correlation of prediction and measurement within each fold, averaged over folds.

    Out-of-fold predictions differ in their mean from fold to fold, against the fold left out; one r over all people
    would count that (-0.07 in permuted data), the mean within folds does not.

    Parameters
    ----------
    predicted, measured : floating (n_genes, n_individuals)
        Finite.
    folds : int (n_individuals,)

    Returns
    -------
    WithinFoldR

    Raises
    ------
    ValueError
        If a fold has fewer than 4 people, or shapes differ.

    References: docs/methods.md, "The r of a gene".
    """
    groups = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    n = np.array([len(people) for people in groups])
    linear, ranked = (
        np.stack([correlate(predicted[:, people], measured[:, people]) for people in groups], axis=-1)
        for correlate in (pearson, spearman)
    )  # each (n_genes, n_folds)
    constant = np.isnan(linear)
    return WithinFoldR(
        fisher_mean(np.where(constant, 0.0, linear), n),
        fisher_mean(np.where(constant, 0.0, ranked), n),
        constant.sum(axis=-1),
    )


def _is_constant(x: NDArray[np.floating]) -> NDArray[np.bool_]:
    return np.ptp(x, axis=-1) <= _ROUNDING * np.abs(x).max(axis=-1)


def ranks(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean ranks over the last axis, the same whatever order the sums behind ``x`` were taken in."""
    largest = np.abs(x).max(axis=-1, keepdims=True)
    return rankdata(np.round(x / np.where(largest > 0, largest, 1.0), 12), axis=-1)


def _unit(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """Centred and scaled to length 1; 0 where nothing is left."""
    centred = np.asarray(x, dtype=np.float64) - np.mean(x, axis=-1, dtype=np.float64, keepdims=True)
    largest = np.abs(centred).max(axis=-1, keepdims=True)
    centred = centred / np.where(largest > 0, largest, 1.0)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    return centred / np.where(length > 0, length, 1.0)
