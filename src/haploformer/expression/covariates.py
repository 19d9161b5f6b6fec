"""Adjustment for covariates: coefficients of the training people, applied to everybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.expression.matrix import IndividualMatrix

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
    """

    train: NDArray[np.bool_]
    design: NDArray[np.float64]
    solver: NDArray[np.float64]

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


def adjustment_for(
    covariates: pd.DataFrame, individual_ids: Sequence[str]
) -> Callable[[NDArray[np.bool_]], Residualiser]:
    """`adjustment` for a long table of covariates, which may have no rows.

    Parameters
    ----------
    covariates : DataFrame, schema ``covariates``
    individual_ids : sequence of str (n_individuals,)
    """
    if covariates.empty:
        return adjustment(np.zeros((len(individual_ids), 0)))
    table = IndividualMatrix.from_long(covariates, row="covariate", value="value").select_individuals(individual_ids)
    return adjustment(table.values.T)


def adjustment(covariates: NDArray[np.floating]) -> Callable[[NDArray[np.bool_]], Residualiser]:
    """``fit_residualiser`` for these covariates, remembering each training set.

    Cross-fitting asks for the same few training sets once per gene.

    Parameters
    ----------
    covariates : floating (n_individuals, n_covariates)

    Returns
    -------
    callable
        From ``train``, bool (n_individuals,), to its Residualiser.
    """
    known: dict[bytes, Residualiser] = {}

    def adjust(train: NDArray[np.bool_]) -> Residualiser:
        key = train.tobytes()
        if key not in known:
            known[key] = fit_residualiser(covariates, train)
        return known[key]

    return adjust


def _pseudo_inverse(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Moore-Penrose inverse (n_columns, n_rows) and the rank."""
    if not matrix.size:
        return np.zeros(matrix.shape[::-1]), 0
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    kept = s > _RANK_TOLERANCE * s[0]
    return (vt[kept].T / s[kept]) @ u[:, kept].T, int(kept.sum())
