"""Covariates and cross-fitting by refitting everything from scratch, in the most obvious way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, t
from sklearn.linear_model import enet_path


def residuals(covariates: NDArray, values: NDArray, train: NDArray) -> NDArray:
    """Residuals (n_individuals,) of least squares on [1, covariates], fitted to the training people."""
    design = np.column_stack([np.ones(len(values)), covariates])
    coefficients = np.linalg.lstsq(design[train], values[train], rcond=1e-10)[0]
    return values - design @ coefficients


def first_coefficient(columns: NDArray, values: NDArray) -> tuple[float, float, float]:
    """Coefficient of the first column in least squares on [columns, 1], its standard error, and its p-value."""
    design = np.column_stack([columns, np.ones(len(values))])
    coefficients = np.linalg.solve(design.T @ design, design.T @ values)
    n_left = len(values) - design.shape[1]
    variance = ((values - design @ coefficients) ** 2).sum() / n_left
    error = np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0])
    return coefficients[0], error, 2 * t.sf(abs(coefficients[0] / error), n_left)


def elastic_net_path(
    dosages: NDArray, expression: NDArray, covariates: NDArray, train: NDArray, *, lambdas: NDArray, l1_ratio: float
) -> tuple[NDArray, NDArray]:
    """Predictions (n_individuals, n_lambdas) and adjusted expression (n_individuals,) by one training set."""
    columns = []
    for v in range(dosages.shape[1]):
        dosage = dosages[:, v].astype(float)
        called = dosage[train & ~np.isnan(dosage)]
        if len(called) == 0:
            continue
        frequency = called.mean() / 2
        if min(frequency, 1 - frequency) < 0.01:
            continue
        dosage[np.isnan(dosage)] = 2 * frequency
        dosage = residuals(covariates, dosage, train)
        columns.append((dosage - dosage[train].mean()) / dosage[train].std())
    design = np.column_stack(columns)
    measured = residuals(covariates, expression, train)
    mean, sd = measured[train].mean(), measured[train].std()
    _, weights, _ = enet_path(
        design[train], (measured[train] - mean) / sd, l1_ratio=l1_ratio, alphas=lambdas, precompute=False
    )
    return mean + sd * (design @ weights), measured


def elastic_net_choice(folds: NDArray, held_out: set[int], *args: NDArray, **options: object) -> int:
    """Lambda of least squared error over all people outside the held-out folds, each fold predicted in turn."""
    errors = 0.0
    for j in sorted(set(folds.tolist()) - held_out):
        predicted, measured = elastic_net_path(*args, ~np.isin(folds, list(held_out | {j})), **options)
        people = folds == j
        errors = errors + ((measured[people, None] - predicted[people]) ** 2).sum(axis=0)
    return int(np.argmin(errors))


def cross_predict_elastic_net(
    dosages: NDArray, expression: NDArray, folds: NDArray, covariates: NDArray, **options: object
) -> tuple[NDArray, NDArray]:
    """Outer (n_individuals,) and inner (n_folds, n_individuals) predictions, nothing remembered."""
    n_folds = folds.max() + 1
    data = (dosages, expression, covariates)
    outer, inner = np.full(len(folds), np.nan), np.full((n_folds, len(folds)), np.nan)
    for k in range(n_folds):
        for j in range(n_folds):
            held_out = {k, j}
            chosen = elastic_net_choice(folds, held_out, *data, **options)
            predicted, _ = elastic_net_path(*data, ~np.isin(folds, list(held_out)), **options)
            if j == k:
                outer[folds == k] = predicted[folds == k, chosen]
            else:
                inner[k, folds == j] = predicted[folds == j, chosen]
    return outer, inner


def within_fold_r(predicted: NDArray, measured: NDArray, folds: NDArray) -> float:
    """Fisher-z mean over folds of Pearson's r of one gene; a constant prediction counts as 0."""
    z, weight = 0.0, 0
    for k in range(folds.max() + 1):
        x, y = predicted[folds == k], measured[folds == k]
        r = 0.0 if np.ptp(x) == 0 else pearsonr(x, y).statistic
        z += np.arctanh(r) * (len(x) - 3)
        weight += len(x) - 3
    return float(np.tanh(z / weight))
