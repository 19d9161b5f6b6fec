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

#: The same for what a regression on covariates leaves of a value, as a share of that value.
_ROUNDING_OF_RESIDUALS = 1e-9

#: People behind the r of a fold: Fisher's z has weight n - 3.
_MIN_PEOPLE = 4


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
    constant = is_constant(x) | is_constant(y)
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
    if (n < _MIN_PEOPLE).any():
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
    linear, constant = fold_pearson(predicted, measured, folds)
    groups = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    ranked = np.stack([spearman(predicted[:, people], measured[:, people]) for people in groups], axis=-1)
    n = np.array([len(people) for people in groups])
    ranked = fisher_mean(np.where(constant | np.isnan(ranked), 0.0, ranked), n)
    return WithinFoldR(linear, ranked, constant.sum(axis=-1))


def fold_pearson(
    predicted: NDArray[np.floating], measured: NDArray[np.floating], folds: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """`within_fold_r` without Spearman's: r (n_genes,), and which folds counted as 0 (n_genes, n_folds)."""
    groups = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    sides = [(predicted[:, people], measured[:, people]) for people in groups]
    constant = np.stack([is_constant(x, beside=y) | is_constant(y) for x, y in sides], axis=-1)
    r = np.stack([pearson(x, y) for x, y in sides], axis=-1)
    return fisher_mean(np.where(constant, 0.0, r), np.array([len(people) for people in groups])), constant


def drawn_fold_r(
    predicted: NDArray[np.float64],
    measured: NDArray[np.float64],
    folds: NDArray[np.int64],
    counts: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Within-fold r as in `within_fold_r` when people (or genes) have been drawn, each so many times.

    Two people drawn again and again have an r of 1 or -1, of which Fisher's z knows no measure. So a fold counts by the
    *distinct* people drawn, less 3; with fewer than four it does not count in the draw.

    Parameters
    ----------
    predicted : float64 (..., n_genes, n_individuals)
    measured : float64 (n_genes, n_individuals)
    folds : int (n_individuals,)
    counts : int (n_draws, n_individuals)

    Returns
    -------
    float64 (n_draws, ..., n_genes)
        NaN in a draw that leaves no fold four distinct people.

    References: docs/methods.md, "How sure a result is".
    """
    z_sum = np.zeros((len(counts), *predicted.shape[:-1]))
    information = np.zeros(len(counts))
    for people in (np.flatnonzero(folds == fold) for fold in np.unique(folds)):
        drawn = counts[:, people]
        weight = np.maximum((drawn > 0).sum(axis=1) - (_MIN_PEOPLE - 1), 0)
        r = _weighted_r(predicted[..., people], measured[:, people], drawn)
        z_sum += np.arctanh(np.clip(r, -_LARGEST_R, _LARGEST_R)) * weight.reshape(-1, *[1] * (r.ndim - 1))
        information += weight
    known = information > 0
    mean = np.full(z_sum.shape, np.nan)
    mean[known] = np.tanh(z_sum[known] / information[known].reshape(-1, *[1] * (z_sum.ndim - 1)))
    return mean


def _weighted_r(
    predicted: NDArray[np.float64], measured: NDArray[np.float64], counts: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Pearson's r (n_draws, ..., n_genes) of one fold's people, each counted so many times; 0 without variation."""
    shape = (len(counts), *predicted.shape[:-1])
    weight = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    constant = is_constant(predicted, beside=measured) | is_constant(measured)
    x, y = _unit(predicted), _unit(measured)
    flat = x.reshape(-1, x.shape[-1])
    mean_x, mean_y = (weight @ flat.T).reshape(shape), weight @ y.T
    mean_y = mean_y.reshape(len(counts), *[1] * (predicted.ndim - 2), len(measured))
    var_x = (weight @ np.square(flat).T).reshape(shape) - np.square(mean_x)
    var_y = (weight @ np.square(y).T).reshape(mean_y.shape) - np.square(mean_y)
    covariance = (weight @ (x * y).reshape(flat.shape).T).reshape(shape) - mean_x * mean_y
    # Sides are of length 1: a variance below this is that of people who all have the same value.
    varies = ~constant & (var_x > _ROUNDING) & (var_y > _ROUNDING)
    scale = np.sqrt(np.where(varies, var_x * var_y, 1.0))
    return np.where(varies, np.clip(covariance / scale, -1, 1), 0.0)


def is_constant(
    x: NDArray[np.floating],
    *,
    beside: NDArray[np.floating] | None = None,
    made_of: NDArray[np.floating] | None = None,
) -> NDArray[np.bool_]:
    """Whether values are the same over the last axis, but for rounding.

    Parameters
    ----------
    x : floating (..., n_individuals)
    beside : floating (..., n_individuals), optional
        What is measured. A model without weights predicts a training mean that is 0 but for rounding: of its own size
        that may vary, of the sd of the measurement it does not.
    made_of : floating (..., n_individuals), optional
        What ``x`` are the residuals of.

    Returns
    -------
    bool (...)
    """
    rounding = _ROUNDING * np.abs(x).max(axis=-1)
    if beside is not None:
        rounding = np.maximum(rounding, _ROUNDING * np.std(beside, axis=-1))
    if made_of is not None:
        rounding = np.maximum(rounding, _ROUNDING_OF_RESIDUALS * np.abs(made_of).max(axis=-1))
    return np.asarray(np.ptp(x, axis=-1) <= rounding)


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
