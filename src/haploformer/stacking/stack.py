"""Stack of few features within a gene, across people: non-negative least squares, or ridge.

Level-1 predictions cannot get negative weights: one that goes the wrong way is left out rather than turned round. Where
none is left, all get the same small weight: a weak gene's prediction gets small, not constant.
Enformer's columns were fitted to nobody and may get either sign; so that noise with a free sign does not cost a weak
gene its r, they are shrunk by what noise would bring, down to nothing.

References: Breiman 1996, Stacked regressions (non-negative weights on out-of-fold predictions); James and Stein 1961;
docs/methods.md, "The stack".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from haploformer.adjustment import Adjust, Residualise
from haploformer.stacking.components import principal_components
from haploformer.stacking.features import OutOfFold

Method = Literal["non_negative", "ridge"]

#: Share of its size by which a feature must vary to count; below it the rest is rounding.
_VARIES = 1e-9

#: Weight of each level-1 prediction where least squares leaves none, in sds of expression.
_LEAST_WEIGHT = 0.02

#: Standard errors by which a level-1 prediction must go the wrong way to be left out even then.
_WRONG_WAY = 3.0

#: Penalties of ridge in units of the features' variance, the strongest first: of equal error the first is taken. None is
#: infinite: a weak gene's prediction gets small, not constant, which would count as r = 0.
_PENALTIES = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)


@dataclass(frozen=True, eq=False)
class StackedPrediction:
    """The stack of one gene and fold seed.

    Attributes
    ----------
    predicted : float64 (n_individuals,)
        Out of the person's own fold, on the adjusted expression scale.
    features : tuple of str (n_features,)
        Level-1 predictions, Enformer's summaries, then components ``enformer_pc1`` and so on.
    weights : float64 (n_folds, n_features)
        Expression per training sd of the feature.
    shares : float64 (n_folds, n_features)
        Of the variance of the prediction over held-out people: covariance of the feature's part with the whole, divided
        by the variance of the whole. They sum to 1; one below 0 works against the others. NaN where the prediction is
        constant.
    """

    predicted: NDArray[np.float64]
    features: tuple[str, ...]
    weights: NDArray[np.float64]
    shares: NDArray[np.float64]


def stack_gene(
    expression: NDArray[np.float64],
    folds: NDArray[np.int64],
    adjust: Adjust,
    *,
    fitted: Mapping[str, OutOfFold],
    zero_shot: Mapping[str, NDArray[np.float64]],
    tracks: NDArray[np.floating] | None = None,
    n_components: int = 0,
    method: Method = "non_negative",
) -> StackedPrediction:
    """Weigh the features of a gene on the training people of each outer fold, and apply the weights to the rest.

    Parameters
    ----------
    expression : float64 (n_individuals,)
        Measured, neither normalised nor adjusted, finite.
    folds : int (n_individuals,)
        Outer folds 0 to n_folds - 1, at least three.
    adjust : callable
        Gives for a training set the scale of expression, and the residuals on covariates by its coefficients.
    fitted : mapping of name to OutOfFold
        Level-1 predictions by models that were fitted to people: the inner ones train the stack of an outer fold, the
        outer ones are what it is applied to. Centred within inner folds: a model without signal predicts training
        means, which go against the fold left out.
    zero_shot : mapping of name to float64 (n_individuals,)
        Predictions that rest on nobody here, residualised on the covariates. NaN for everybody: no prediction.
    tracks : floating (n_individuals, n_tracks), optional
        Enformer's coverage of each person on a log scale, of which components are taken.
    n_components : int
        Principal components of the residualised tracks over the training people, fitted in each fold.
    method : str
        ``non_negative``: least squares, weights of ``fitted`` 0 or more; Enformer's summaries, then the components,
        have either sign and are shrunk, each as a block. ``ridge``: all features, either sign, the penalty by the
        squared error over the inner folds.

    Returns
    -------
    StackedPrediction
        A feature without values, or constant over the training people, has weight 0. Without any weight the training
        mean is predicted. Where least squares gives no level-1 prediction a weight, each has a fiftieth of an sd, unless
        it goes the wrong way by more than three standard errors.

    Raises
    ------
    ValueError
        If a feature has values of some people only, a shape differs, or components are asked for without tracks.
    """
    if n_components and (tracks is None or tracks.shape[:1] != folds.shape):
        raise ValueError(f"{n_components} components of no tracks of {len(folds)} individuals")
    names = tuple(f"enformer_pc{i + 1}" for i in range(n_components))
    features = (*fitted, *zero_shot, *names)
    if len(set(features)) < len(features):
        raise ValueError(f"features {features}: a name occurs twice")
    n_folds = int(folds.max()) + 1
    columns = StackColumns(len(fitted), zero_shot_columns(zero_shot, n=len(folds)), tracks, n_components)
    predicted = np.empty(len(folds))
    weights = np.zeros((n_folds, len(features)))
    shares = np.full((n_folds, len(features)), np.nan)
    for fold in range(n_folds):
        train = folds != fold
        residualise = adjust(train)
        measured = residualise(residualise.normalise(expression))
        mean = measured[train].mean()
        level_1 = [centre_level_1(feature, folds, fold, mean) for feature in fitted.values()]
        trained = train_stack(measured, level_1, columns, residualise, train, folds, method=method)
        weights[fold] = trained.weights
        parts = trained.table[~train] * trained.weights[trained.used]
        predicted[~train] = mean + parts.sum(axis=1)
        shares[fold] = _shares(parts, trained.used)
    return StackedPrediction(predicted, features, weights, shares)


@dataclass(frozen=True, eq=False)
class StackColumns:
    """What a stack is made of beside its level-1 predictions, which each training set has its own of.

    Attributes
    ----------
    n_fitted : int
        Level-1 predictions; they come first.
    zero_shot : float64 (n_individuals, n_zero_shot)
    tracks : floating (n_individuals, n_tracks), optional
    n_components : int
        Of the tracks.
    """

    n_fitted: int
    zero_shot: NDArray[np.float64]
    tracks: NDArray[np.floating] | None
    n_components: int

    @property
    def kind(self) -> NDArray[np.int64]:
        """0 for level-1 predictions, 1 for summaries, 2 for components (n_features,)."""
        return np.repeat([0, 1, 2], [self.n_fitted, self.zero_shot.shape[1], self.n_components])


@dataclass(frozen=True, eq=False)
class TrainedStack:
    """The stack of one training set.

    Attributes
    ----------
    table : float64 (n_individuals, n_used)
        Everybody's columns, standardised over the training people.
    used : bool (n_features,)
        Which features these are: those that vary.
    weights : float64 (n_features,)
        Expression per training sd, 0 where not used.
    scale : float64 (n_features,)
        Training sd.
    """

    table: NDArray[np.float64]
    used: NDArray[np.bool_]
    weights: NDArray[np.float64]
    scale: NDArray[np.float64]


def train_stack(
    measured: NDArray[np.float64],
    level_1: Sequence[NDArray[np.float64]],
    columns: StackColumns,
    residualise: Residualise,
    train: NDArray[np.bool_],
    folds: NDArray[np.int64],
    *,
    method: Method,
) -> TrainedStack:
    """Weigh the features on some training people.

    Parameters
    ----------
    measured : float64 (n_individuals,)
        Adjusted expression.
    level_1 : sequence of float64 (n_individuals,)
        Level-1 predictions, out of fold and centred within folds for the training people.
    columns : StackColumns
    residualise : callable
        Residuals on covariates with the training people's coefficients.
    train : bool (n_individuals,)
    folds : int (n_individuals,)
    method : str
    """
    raw, kind = columns.zero_shot, columns.kind
    # A prediction is in units of expression: it is rounding if it varies by less than a billionth of that.
    floor = [np.full(len(level_1), measured[train].std()), np.abs(raw[train]).max(axis=0, initial=0.0)]
    scores, size = _components(columns.tracks, residualise, train, columns.n_components)
    whole = np.column_stack([*level_1, residualise(raw), scores])
    table, used, scale = _standardise(whole, train, np.concatenate([*floor, size]))
    weights = np.zeros(len(kind))
    fit = _fit_ridge if method == "ridge" else _fit_non_negative
    weights[used] = fit(table[train], measured[train] - measured[train].mean(), folds[train], kind[used])
    return TrainedStack(table, used, weights, scale)


def _components(
    tracks: NDArray[np.floating] | None, residualise: Residualise, train: NDArray[np.bool_], n_components: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores (n_individuals, n_components), and the size against which each is rounding (n_components,)."""
    if tracks is None or not n_components:
        return np.zeros((len(train), 0)), np.zeros(0)
    scores, size = principal_components(residualise(np.asarray(tracks, np.float64)), train, n_components)
    return scores, np.full(n_components, size)


def _standardise(
    table: NDArray[np.float64], train: NDArray[np.bool_], floor: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Columns that vary over the training people, standardised on them; which these are, and the sd of all."""
    centre, scale = table[train].mean(axis=0), table[train].std(axis=0)
    used = scale > _VARIES * floor
    return (table[:, used] - centre[used]) / scale[used], used, scale


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
        (gene_id, fold_seed, fold, feature, float(result.weights[fold, column]), float(result.shares[fold, column]))
        for gene_id, result in results.items()
        for fold in range(len(result.weights))
        for column, feature in enumerate(result.features)
    ]
    return pd.DataFrame(rows, columns=["gene_id", "fold_seed", "fold", "feature", "weight", "share"])


def zero_shot_columns(zero_shot: Mapping[str, NDArray[np.float64]], *, n: int) -> NDArray[np.float64]:
    """Zero-shot features (n_individuals, n_zero_shot); one without values becomes constant."""
    table = np.zeros((n, len(zero_shot)))
    for column, (name, values) in enumerate(zero_shot.items()):
        finite = np.isfinite(values)
        if values.shape != (n,) or finite.any() != finite.all():
            raise ValueError(f"feature {name} has {int(finite.sum())} finite values of {n}; expected all, or none")
        if finite.all():
            table[:, column] = values
    return table


def centre_level_1(
    feature: OutOfFold, folds: NDArray[np.int64], fold: int, training_mean: float
) -> NDArray[np.float64]:
    """Level-1 predictions of a gene (n_individuals,) for the stack of one outer fold, around 0.

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


def _fit_non_negative(
    features: NDArray[np.float64], measured: NDArray[np.float64], folds: NDArray[np.int64], kind: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Weights (n_features,): level-1 predictions 0 or more, Enformer's columns of either sign, shrunk.

    A block of k such columns that lowers the residual sum of squares by d is shrunk by 1 - k s2 / d (s2: residual
    variance), at least 0: the positive-part estimator of James and Stein, which leaves out what is no better than noise.
    Then the level-1 predictions are weighed for what is left. ``features`` (n_train, n_features) are standardised,
    ``measured`` (n_train,) is centred; ``kind`` is 0 for level-1 predictions, 1 for summaries, 2 for components.
    """
    shrinkage = np.where(kind == 0, 1.0, 0.0)
    weights, rss = _signed_least_squares(features, measured, kind, shrinkage > 0)
    for block in (1, 2):
        columns = kind == block
        wider, smaller_rss = _signed_least_squares(features, measured, kind, (shrinkage > 0) | columns)
        variance = smaller_rss / max(len(measured) - len(kind) - 1, 1)
        noise = columns.sum() * variance
        if rss - smaller_rss > noise:
            shrinkage[columns] = 1 - noise / (rss - smaller_rss)
            weights, rss = wider, smaller_rss
    weights = np.where(kind > 0, shrinkage * weights, 0.0)
    level_1 = _signed_least_squares(features, measured - features @ weights, kind, kind == 0)[0]
    return weights + (level_1 if level_1.any() else _least_weights(features, measured, kind))


def _least_weights(
    features: NDArray[np.float64], measured: NDArray[np.float64], kind: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Weights (n_features,) where inner folds speak for no level-1 prediction.

    Out of fold a weak model is anti-correlated with expression even if it is right on new people, so that this is no
    evidence against it, and a constant would count as r = 0.
    """
    n, sd = len(measured), measured.std()
    right_way = features.T @ measured > -_WRONG_WAY * np.sqrt(n) * sd
    return np.where((kind == 0) & right_way, _LEAST_WEIGHT * sd, 0.0)


def _fit_ridge(
    features: NDArray[np.float64], measured: NDArray[np.float64], folds: NDArray[np.int64], kind: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Weights (n_features,) of either sign, with the penalty of least error over inner folds."""

    fits: list[_Fit] = [partial(_penalised, penalty=penalty) for penalty in _PENALTIES]
    return fits[_least_error(fits, features, measured, folds)](features, measured)


def _penalised(features: NDArray[np.float64], measured: NDArray[np.float64], *, penalty: float) -> NDArray[np.float64]:
    n, n_features = features.shape
    gram = features.T @ features + penalty * n * np.eye(n_features)
    return np.asarray(np.linalg.solve(gram, features.T @ measured), dtype=np.float64)


#: Weights (n_features,) from standardised features (n_train, n_features) and centred expression (n_train,).
_Fit = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def _least_error(
    fits: list[_Fit], features: NDArray[np.float64], measured: NDArray[np.float64], folds: NDArray[np.int64]
) -> int:
    """The first of the fits with the least squared error over inner folds, each left out in turn."""
    if len(fits) == 1:
        return 0
    error = np.zeros(len(fits))
    for fold in np.unique(folds):
        out = folds == fold
        for i, fit in enumerate(fits):
            error[i] += ((measured[out] - features[out] @ fit(features[~out], measured[~out])) ** 2).sum()
    return int(error.argmin())


def _signed_least_squares(
    features: NDArray[np.float64], measured: NDArray[np.float64], kind: NDArray[np.int64], used: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Least squares on the ``used`` columns, those of kind 0 with weights of 0 or more; the residual sum of squares."""
    weights = np.zeros(len(kind))
    columns, turned = np.flatnonzero(used), np.flatnonzero(used & (kind > 0))
    if len(columns):
        solution = nnls(np.column_stack([features[:, columns], -features[:, turned]]), measured)[0]
        weights[columns] = solution[: len(columns)]
        weights[turned] -= solution[len(columns) :]
    residuals = measured - features @ weights
    return weights, float(residuals @ residuals)


def _shares(parts: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share (n_features,) of each feature in the variance of the held-out prediction."""
    shares = np.zeros(len(used))
    centred = parts - parts.mean(axis=0) if len(parts) else parts
    whole = centred.sum(axis=1)
    variance = whole @ whole
    if variance <= (_VARIES * np.abs(parts).max(initial=0.0)) ** 2:
        return np.full(len(used), np.nan)
    shares[used] = centred.T @ whole / variance
    return shares
