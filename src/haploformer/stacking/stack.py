"""Stack of few predictions within a gene, across people: non-negative least squares.

Weights cannot be negative, so that a prediction that goes the wrong way is left out rather than turned round.

References: Breiman 1996, Stacked regressions (non-negative weights on out-of-fold predictions); docs/methods.md,
"The stack".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from haploformer.stacking.features import OutOfFold

#: Residuals of values (n_individuals,) or (n_individuals, k) under the coefficients of some training people.
Residualise = Callable[[NDArray[np.float64]], NDArray[np.float64]]

#: From a training set, bool (n_individuals,), to such residuals.
Adjust = Callable[[NDArray[np.bool_]], Residualise]

#: Share of its size by which a feature must vary to count; below it the rest is rounding.
_VARIES = 1e-9


@dataclass(frozen=True, eq=False)
class StackedPrediction:
    """The stack of one gene and fold seed.

    Attributes
    ----------
    predicted : float64 (n_individuals,)
        Out of the person's own fold, on the adjusted expression scale.
    features : tuple of str (n_features,)
    weights : float64 (n_folds, n_features)
        Expression per training sd of the feature, 0 or more.
    """

    predicted: NDArray[np.float64]
    features: tuple[str, ...]
    weights: NDArray[np.float64]


def stack_gene(
    expression: NDArray[np.float64],
    folds: NDArray[np.int64],
    adjust: Adjust,
    *,
    fitted: Mapping[str, OutOfFold],
    zero_shot: Mapping[str, NDArray[np.float64]],
) -> StackedPrediction:
    """Weigh the predictions of a gene on the training people of each outer fold, and apply the weights to the rest.

    Parameters
    ----------
    expression : float64 (n_individuals,)
        Measured, not adjusted.
    folds : int (n_individuals,)
        Outer folds 0 to n_folds - 1.
    adjust : callable
        Gives for a training set the residuals on covariates, by its coefficients.
    fitted : mapping of name to OutOfFold, of one gene
        In training the inner predictions stand for the model, centred within the people's own fold: a model that
        predicts a training mean goes against the fold left out of it, and would be weighed for that. For the people
        of the outer fold it is the outer prediction.
    zero_shot : mapping of name to float64 (n_individuals,)
        Predictions that rest on nobody here, residualised on the covariates. NaN for everybody: no prediction.

    Returns
    -------
    StackedPrediction
        A feature without values, or constant over the training people, has weight 0. Without any weight the training
        mean is predicted.

    Raises
    ------
    ValueError
        If a feature has values of some people only, or a shape differs.
    """
    features = (*fitted, *zero_shot)
    if len(set(features)) < len(features):
        raise ValueError(f"features {features}: a name occurs twice")
    n_folds = int(folds.max()) + 1
    raw = _stack_columns(zero_shot, n=len(folds))
    predicted = np.empty(len(folds))
    weights = np.zeros((n_folds, len(features)))
    for fold in range(n_folds):
        train = folds != fold
        residualise = adjust(train)
        measured = residualise(expression)
        mean, sd = measured[train].mean(), measured[train].std()
        columns = [_fitted_column(feature, folds, fold, mean) for feature in fitted.values()]
        # A prediction is in units of expression: it is rounding if it varies by less than a billionth of that.
        floor = np.concatenate([np.full(len(fitted), sd), np.abs(raw[train]).max(axis=0, initial=0.0)])
        table = np.column_stack([*columns, residualise(raw)])  # (n_individuals, n_features)
        centre, scale = table[train].mean(axis=0), table[train].std(axis=0)
        used = scale > _VARIES * floor
        standardised = (table[:, used] - centre[used]) / scale[used]
        weights[fold, used] = _non_negative_weights(standardised[train], measured[train] - mean)
        predicted[~train] = mean + standardised[~train] @ weights[fold, used]
    return StackedPrediction(predicted, features, weights)


def stack_weight_rows(results: Mapping[str, StackedPrediction], *, fold_seed: int) -> pd.DataFrame:
    """One row per gene, outer fold and feature, weights of 0 included.

    Parameters
    ----------
    results : mapping of gene_id to StackedPrediction
    fold_seed : int

    Returns
    -------
    DataFrame, schema ``stack_weights``
    """
    rows = [
        (gene_id, fold_seed, fold, feature, float(result.weights[fold, column]))
        for gene_id, result in results.items()
        for fold in range(len(result.weights))
        for column, feature in enumerate(result.features)
    ]
    return pd.DataFrame(rows, columns=["gene_id", "fold_seed", "fold", "feature", "weight"])


def _stack_columns(zero_shot: Mapping[str, NDArray[np.float64]], *, n: int) -> NDArray[np.float64]:
    """Zero-shot features (n_individuals, n_zero_shot); one without values becomes constant."""
    table = np.zeros((n, len(zero_shot)))
    for column, (name, values) in enumerate(zero_shot.items()):
        finite = np.isfinite(values)
        if values.shape != (n,) or finite.any() != finite.all():
            raise ValueError(f"feature {name} has {int(finite.sum())} finite values of {n}; expected all, or none")
        if finite.all():
            table[:, column] = values
    return table


def _fitted_column(
    feature: OutOfFold, folds: NDArray[np.int64], fold: int, training_mean: float
) -> NDArray[np.float64]:
    """Level-1 predictions (n_individuals,) for the stack of one outer fold, around 0.

    A model predicts the training mean on average; this, and nothing of the other people to be predicted, is taken off
    in the outer fold.
    """
    column = np.where(folds == fold, feature.outer - training_mean, feature.inner[fold])
    for inner_fold in np.unique(folds[folds != fold]):
        people = folds == inner_fold
        column[people] -= column[people].mean()
    if not np.isfinite(column).all():
        raise ValueError(f"the prediction of individual {int((~np.isfinite(column)).argmax())} is not a finite number")
    return column


def _non_negative_weights(features: NDArray[np.float64], measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (n_features,) of standardised features (n_train, n_features) for centred expression (n_train,)."""
    return nnls(features, measured)[0] if features.shape[1] else np.zeros(0)
