"""Adjustment of expression: scale and coefficients of the training people, applied to everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.expression.design import ALL, ColumnsOf, columns_for
from haploformer.expression.normalisation import Normalisation, normalise

#: Share of the largest singular value, or of a covariate's size, below which a direction is taken for rounding.
_RANK_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Residualiser:
    """Ordinary least squares on covariates with an intercept, ready for any number of responses.

    Attributes
    ----------
    train : bool (n_individuals,)
    design : float64 (n_individuals, n_covariates)
        Covariates in training sds from the training mean; 0 where a covariate is constant in training.
    solver : float64 (n_covariates, n_train)
        Pseudo-inverse of the training rows of ``design``: the minimum-norm solution when the rank is deficient.
    normalisation : str
        Scale on which expression is adjusted.
    """

    train: NDArray[np.bool_]
    design: NDArray[np.float64]
    solver: NDArray[np.float64]
    normalisation: Normalisation = "none"

    def normalise(self, expression: NDArray[np.floating]) -> NDArray[np.float64]:
        """Measured expression on the scale that the training people give (`haploformer.expression.normalisation`)."""
        return normalise(expression, self.train, method=self.normalisation)

    def coefficients(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Intercept and slopes, from the training rows of ``values`` alone.

        Parameters
        ----------
        values : floating (n_individuals, k)

        Returns
        -------
        float64 (1 + n_covariates, k)
            First the training mean, then the slope per training sd of each covariate.
        """
        training = np.asarray(values, dtype=np.float64)[self.train]
        mean = training.mean(axis=0, keepdims=True)
        return np.concatenate([mean, self.solver @ (training - mean)])

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Residuals of everybody under the training people's coefficients.

        Parameters
        ----------
        values : floating (n_individuals,) or (n_individuals, k)

        Returns
        -------
        float64, the shape of ``values``
            In the unit of ``values``; the mean over the training people is 0.

        Raises
        ------
        ValueError
            If ``values`` do not have one row per individual.
        """
        if values.ndim not in (1, 2) or len(values) != len(self.train):
            raise ValueError(f"values are {values.shape}; expected {len(self.train)} individuals on the first axis")
        table = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
        coefficients = self.coefficients(table)
        residuals = (table - coefficients[:1]) - self.design @ coefficients[1:]
        return residuals.reshape(values.shape)


def fit_residualiser(covariates: NDArray[np.floating], train: NDArray[np.bool_]) -> Residualiser:
    """Prepare the residuals of a regression on covariates, fitted to the training people only.

    Parameters
    ----------
    covariates : floating (n_individuals, n_covariates)
        Finite. Without covariates (0 columns) the training mean is subtracted. Collinear ones are allowed.
    train : bool (n_individuals,)
        Whose values the coefficients come from.

    Returns
    -------
    Residualiser
        Nothing of a person outside ``train`` enters its coefficients or the training residuals.

    Raises
    ------
    ValueError
        If shapes differ, a covariate is not finite, or the covariates leave no degree of freedom.

    References: Frisch and Waugh 1933 for adjusting both sides; docs/methods.md, "Measured expression".
    """
    table = np.asarray(covariates, dtype=np.float64)
    if table.ndim != 2 or train.shape != table.shape[:1] or train.dtype != bool:
        raise ValueError(
            f"covariates are {table.shape} and train is {train.dtype} {train.shape}; "
            "expected (n_individuals, n_covariates) and bool (n_individuals,)"
        )
    if not train.any():
        raise ValueError("nobody to train on")
    if not np.isfinite(table).all():
        person, covariate = np.argwhere(~np.isfinite(table))[0]
        raise ValueError(f"covariate {covariate} of individual {person} is not a finite number")
    mean, sd = table[train].mean(axis=0), table[train].std(axis=0)
    varies = sd > _RANK_TOLERANCE * np.abs(table[train]).max(axis=0, initial=0.0)
    design = (table - mean) * np.where(varies, 1 / np.where(varies, sd, 1.0), 0.0)
    solver, rank = _pseudo_inverse(design[train])
    if rank and rank + 1 >= train.sum():
        raise ValueError(
            f"{rank} independent covariates and an intercept explain {train.sum()} training people entirely; "
            "use fewer covariates or more people"
        )
    return Residualiser(train.copy(), design, solver)


@dataclass(frozen=True, eq=False)
class Adjustment:
    """`fit_residualiser` for some covariates, remembering each training set.

    Cross-fitting asks for the same few training sets once per gene.

    Attributes
    ----------
    columns_of : callable
        From a training set to everybody's covariates (n_individuals, n_covariates), for a baseline that knows only them.
    n_individuals : int
    normalisation : str
        Of expression, before covariates are taken off.
    """

    columns_of: ColumnsOf
    n_individuals: int
    normalisation: Normalisation = "none"
    _known: dict[bytes, Residualiser] = field(default_factory=dict, repr=False)

    def __call__(self, train: NDArray[np.bool_]) -> Residualiser:
        """What is fitted to these training people, bool (n_individuals,)."""
        key = train.tobytes()
        if key not in self._known:
            fitted = fit_residualiser(self.columns_of(train), train)
            self._known[key] = replace(fitted, normalisation=self.normalisation)
        return self._known[key]


def adjustment_for(
    covariates: pd.DataFrame,
    individual_ids: Sequence[str],
    *,
    formula: str = ALL,
    normalisation: Normalisation = "none",
) -> Adjustment:
    """The adjustment by a long table of covariates, which may have no rows.

    Parameters
    ----------
    covariates : DataFrame, schema ``covariates``
    individual_ids : sequence of str (n_individuals,)
    formula : str
        Which covariates, and how (`haploformer.expression.design.columns_for`).
    normalisation : str
        Of expression (`haploformer.expression.normalisation.normalise`).
    """
    return Adjustment(columns_for(covariates, individual_ids, formula), len(individual_ids), normalisation)


def adjustment(covariates: NDArray[np.floating], *, normalisation: Normalisation = "none") -> Adjustment:
    """The adjustment by a matrix of covariates (n_individuals, n_covariates)."""
    columns = np.asarray(covariates, dtype=np.float64)

    def columns_of(train: NDArray[np.bool_]) -> NDArray[np.float64]:
        return columns

    return Adjustment(columns_of, len(columns), normalisation)


def _pseudo_inverse(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Moore-Penrose inverse (n_columns, n_rows) and the rank."""
    if not matrix.size:
        return np.zeros(matrix.shape[::-1]), 0
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    kept = s > _RANK_TOLERANCE * s[0]
    return (vt[kept].T / s[kept]) @ u[:, kept].T, int(kept.sum())
