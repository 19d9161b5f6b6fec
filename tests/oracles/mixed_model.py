"""The mixed model of variant effects with dense matrices and covariates, as the textbooks write it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar


def fixed_effects(covariates: NDArray) -> NDArray:
    """Mean and covariates (n, 1 + k)."""
    return np.column_stack([np.ones(len(covariates)), covariates])


def restricted_log_likelihood(h2: float, relationship: NDArray, expression: NDArray, fixed: NDArray) -> float:
    """Patterson and Thompson 1971, the total variance at its best, with the constants that do not depend on h2 left out."""
    n, k = fixed.shape
    v = h2 * relationship + (1 - h2) * np.eye(n)
    inverse = np.linalg.inv(v)
    projection = inverse - inverse @ fixed @ np.linalg.solve(fixed.T @ inverse @ fixed, fixed.T @ inverse)
    variance = expression @ projection @ expression / (n - k)
    determinants = np.linalg.slogdet(v)[1] + np.linalg.slogdet(fixed.T @ inverse @ fixed)[1]
    return -0.5 * (determinants + (n - k) * np.log(variance))


def reml_h2(relationship: NDArray, expression: NDArray, fixed: NDArray) -> float:
    """By the bounded search of scipy on the dense likelihood."""
    found = minimize_scalar(
        lambda h2: -restricted_log_likelihood(h2, relationship, expression, fixed),
        bounds=(0, 0.9999),
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(found.x)


def h2_standard_error(h2: float, relationship: NDArray, fixed: NDArray) -> float:
    """By the expected information of both variance components (total variance 1), and the delta method."""
    n = len(relationship)
    v = h2 * relationship + (1 - h2) * np.eye(n)
    inverse = np.linalg.inv(v)
    p = inverse - inverse @ fixed @ np.linalg.solve(fixed.T @ inverse @ fixed, fixed.T @ inverse)
    parts = [p @ relationship, p]
    information = 0.5 * np.array([[np.trace(a @ b) for b in parts] for a in parts])
    covariance = np.linalg.inv(information)
    slope = np.array([1 - h2, -h2])  # of s_g / (s_g + s_e) at s_g + s_e = 1
    return float(np.sqrt(slope @ covariance @ slope))


def blup_by_relationship(
    dosages: NDArray, expression: NDArray, fixed: NDArray, train: NDArray, *, h2: float
) -> NDArray:
    """Genetic values (n_individuals,) of everybody from the training people: Henderson's K (K + d I)^-1 r."""
    k = dosages @ dosages.T / dosages.shape[1]
    v = h2 * k[np.ix_(train, train)] + (1 - h2) * np.eye(train.sum())
    design = fixed[train]
    inverse = np.linalg.inv(v)
    effects = np.linalg.solve(design.T @ inverse @ design, design.T @ inverse @ expression[train])
    return h2 * k[:, train] @ inverse @ (expression[train] - design @ effects)


def blup_by_ridge(dosages: NDArray, residuals: NDArray, *, h2: float) -> NDArray:
    """Effects (n_variants,) of ridge regression with the penalty that the variance ratio says."""
    n_variants = dosages.shape[1]
    penalty = n_variants * (1 - h2) / h2
    return np.linalg.solve(dosages.T @ dosages + penalty * np.eye(n_variants), dosages.T @ residuals)
