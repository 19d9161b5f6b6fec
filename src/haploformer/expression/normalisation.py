"""Expression on a scale that the training people give: an inverse normal transform, or sds from the mean."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Normalisation: TypeAlias = Literal["none", "rank", "scale"]

#: Share of its size by which expression must vary in training; below it the rest is rounding.
_VARIES = 1e-10


def normalise(
    expression: NDArray[np.floating], train: NDArray[np.bool_], *, method: Normalisation
) -> NDArray[np.float64]:
    """Put everybody on the scale of the training people.

    Parameters
    ----------
    expression : floating (n_individuals,) or (n_individuals, k)
        Finite, in any unit; each column by itself.
    train : bool (n_individuals,)
        At least one person.
    method : str
        ``none``: as it is. ``rank``: `rank_normalise`. ``scale``: in training sds from the training mean; 0 for
        everybody where the training people do not vary.

    Returns
    -------
    float64, the shape of ``expression``
        No training person's value rests on anybody outside ``train``.
    """
    values = np.asarray(expression, dtype=np.float64)
    if method == "none":
        return values
    if values.ndim not in (1, 2) or len(values) != len(train):
        raise ValueError(f"expression is {values.shape}; expected {len(train)} individuals on the first axis")
    if values.ndim == 2:
        columns = [normalise(column, train, method=method) for column in values.T]
        return np.stack(columns, axis=1) if columns else values
    if method == "rank":
        return rank_normalise(values, train)
    mean, sd = values[train].mean(), values[train].std()
    if sd <= _VARIES * np.abs(values[train]).max():
        return np.zeros(len(values))
    return (values - mean) / sd


def rank_normalise(expression: NDArray[np.float64], train: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Normal quantiles of the ranks among the training people.

    Training people get the quantile of rank / (n + 1), equal values that of their mean rank. Others are placed between
    the neighbouring training values, linearly; one beyond all of them gets the extreme quantile.

    Parameters
    ----------
    expression : float64 (n_individuals,)
    train : bool (n_individuals,)

    Returns
    -------
    float64 (n_individuals,)

    References: docs/methods.md, "Measured expression".
    """
    levels, place, count = np.unique(expression[train], return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2
    quantiles = ndtri(mean_rank / (count.sum() + 1))
    normal = np.interp(expression, levels, quantiles)
    normal[train] = quantiles[place]
    return np.asarray(normal, dtype=np.float64)
