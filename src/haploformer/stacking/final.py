"""The stack of everybody, as numbers that can be carried to people whose expression nobody measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.adjustment import Adjust
from haploformer.stacking.cohort import MODEL, WITHOUT_ENFORMER, StackOptions
from haploformer.stacking.components import component_loadings
from haploformer.stacking.features import gather_outer, gather_zero_shot
from haploformer.stacking.stack import Method, StackColumns, TrainedStack, train_stack, zero_shot_columns


@dataclass(frozen=True, eq=False)
class FinalStack:
    """A linear function of the members' predictions, and of Enformer's tracks where components are asked for.

    ``intercept + sum(coefficient * (prediction - mean)) + (log2(coverage + 1) - track_mean) @ track_weights``.

    Attributes
    ----------
    features : tuple of str (n_features,)
    coefficients : float64 (n_features,)
        Adjusted expression per unit of the member's prediction; the mean over fold seeds.
    means : float64 (n_features,)
        Of the member's prediction; NaN for components, whose tracks are centred one by one.
    sds : float64 (n_features,)
        Of the member's predictions of training people; the mean over fold seeds.
    intercept : float
        Mean adjusted expression.
    track_weights, track_means : float64 (n_tracks,)
        Of log2(coverage + 1); no tracks without components.
    """

    features: tuple[str, ...]
    coefficients: NDArray[np.float64]
    means: NDArray[np.float64]
    sds: NDArray[np.float64]
    intercept: float
    track_weights: NDArray[np.float64]
    track_means: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StackMembers:
    """What the stack of a gene is fitted to.

    Attributes
    ----------
    fitted : mapping of fold seed to mapping of name to float64 (n_individuals,)
        Out-of-fold predictions of each fold seed: nobody's by a model that saw the person.
    intercepts : mapping of name to float
        What the models of everybody, to which the weights are applied, predict on average.
    zero_shot : mapping of name to float64 (n_individuals,)
        NaN for everybody: no prediction.
    tracks : floating (n_individuals, n_tracks), optional
        log2(coverage + 1), for components.
    """

    fitted: Mapping[int, Mapping[str, NDArray[np.float64]]]
    intercepts: Mapping[str, float]
    zero_shot: Mapping[str, NDArray[np.float64]]
    tracks: NDArray[np.floating] | None = None


def fit_final_stack(
    expression: NDArray[np.float64],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: Adjust,
    members: StackMembers,
    *,
    n_components: int = 0,
    method: Method = "non_negative",
) -> FinalStack:
    """Weigh the members on everybody: as in an outer fold of `stack_gene` of which nobody is left out.

    Each fold seed gives weights by its own out-of-fold predictions, centred within folds; the stack is their mean. They are
    meant for the models of everybody, which are fitted to more people than each fold's.

    Parameters
    ----------
    expression : float64 (n_individuals,)
        Measured, neither normalised nor adjusted, finite.
    folds_of_seed : mapping of fold seed to int (n_individuals,)
    adjust : callable
        From a training set to the scale of expression and residuals on covariates.
    members : StackMembers
    n_components, method
        As of `stack_gene`.
    """
    everybody = np.ones(len(expression), dtype=bool)
    residualise = adjust(everybody)
    measured = residualise(residualise.normalise(expression))
    zero_shot = zero_shot_columns(members.zero_shot, n=len(expression))
    fitted_names = tuple(next(iter(members.fitted.values())))
    columns = StackColumns(len(fitted_names), zero_shot, members.tracks, n_components)
    trained = []
    for seed, folds in folds_of_seed.items():
        level_1 = [_centred_within(members.fitted[seed][name], folds) for name in fitted_names]
        trained.append(train_stack(measured, level_1, columns, residualise, everybody, folds, method=method))
    coefficients = np.mean([_per_unit(one) for one in trained], axis=0)
    names = tuple(f"enformer_pc{i + 1}" for i in range(n_components))
    intercepts = [members.intercepts[name] for name in fitted_names]
    track_weights, track_means = np.zeros(0), np.zeros(0)
    if n_components and members.tracks is not None:
        tracks = np.asarray(members.tracks, dtype=np.float64)
        loadings = component_loadings(residualise(tracks), everybody, n_components)
        track_weights, track_means = loadings @ coefficients[len(coefficients) - n_components :], tracks.mean(axis=0)
    return FinalStack(
        (*fitted_names, *members.zero_shot, *names),
        coefficients,
        np.concatenate([intercepts, zero_shot.mean(axis=0), np.full(n_components, np.nan)]),
        np.mean([one.scale for one in trained], axis=0),
        float(measured.mean()),
        track_weights,
        track_means,
    )


def fit_final_stacks(
    options: StackOptions,
    predicted: pd.DataFrame,
    intercepts: Mapping[str, Mapping[str, float]],
    expression: Mapping[str, NDArray[np.float64]],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: Adjust,
    *,
    tracks_of: Callable[[str], NDArray[np.floating]] | None = None,
) -> dict[str, dict[str, FinalStack]]:
    """The stack of every gene, with and without Enformer where there are both kinds of members.

    Parameters
    ----------
    intercepts : mapping of model to mapping of gene id to float
        Of the models of everybody (schema ``final_dosage_models``).
    options, predicted, expression, individual_ids, folds_of_seed, adjust, tracks_of
        As of `haploformer.stacking.cohort.stack_cohort`.

    Returns
    -------
    dict of model to dict of gene id to FinalStack
    """
    genes = list(expression)
    layout: dict[str, Any] = {"gene_ids": genes, "individual_ids": individual_ids}
    fitted_names = [name for name in options.features if name in intercepts]
    zero_shot = {
        name: gather_zero_shot(predicted, model=name, **layout) for name in options.features if name not in fitted_names
    }
    fitted = {
        seed: {
            name: gather_outer(predicted, model=name, fold_seed=seed, folds=folds, **layout) for name in fitted_names
        }
        for seed, folds in folds_of_seed.items()
    }
    with_enformer, without = {}, {}
    both_kinds = bool(fitted_names) and bool(zero_shot or options.n_components)
    for i, gene_id in enumerate(genes):
        level_1 = {seed: {name: values[i] for name, values in of_seed.items()} for seed, of_seed in fitted.items()}
        means = {name: intercepts[name][gene_id] for name in fitted_names}
        tracks = tracks_of(gene_id) if options.n_components and tracks_of is not None else None
        members = StackMembers(level_1, means, {name: values[i] for name, values in zero_shot.items()}, tracks)
        data = (expression[gene_id], folds_of_seed, adjust)
        with_enformer[gene_id] = fit_final_stack(
            *data, members, n_components=options.n_components, method=options.method
        )
        if both_kinds:
            alone = StackMembers(level_1, means, {})
            without[gene_id] = fit_final_stack(*data, alone, method=options.method)
    return {MODEL: with_enformer, WITHOUT_ENFORMER: without}


def final_stack_rows(stacks: Mapping[str, FinalStack], *, model: str) -> pd.DataFrame:
    """One row per gene and member.

    Parameters
    ----------
    stacks : mapping of gene_id to FinalStack
    model : str

    Returns
    -------
    DataFrame, schema ``final_stack_weights``
    """
    rows = [
        (gene_id, model, name, coefficient, mean, sd, stack.intercept)
        for gene_id, stack in stacks.items()
        for name, coefficient, mean, sd in zip(stack.features, stack.coefficients, stack.means, stack.sds, strict=True)
    ]
    columns = ["gene_id", "model", "feature", "coefficient", "mean", "sd", "intercept"]
    return pd.DataFrame(rows, columns=columns)


def final_track_rows(stacks: Mapping[str, FinalStack], tracks: NDArray[np.int64]) -> pd.DataFrame:
    """One row per gene and track of the stacks that use components; none without.

    Returns
    -------
    DataFrame, schema ``final_track_weights``
    """
    pieces = [
        pd.DataFrame({"gene_id": gene_id, "track": tracks, "weight": s.track_weights, "mean": s.track_means})
        for gene_id, s in stacks.items()
        if len(s.track_weights)
    ]
    columns = ["gene_id", "track", "weight", "mean"]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def apply_stack(
    rows: pd.DataFrame,
    members: Mapping[str, NDArray[np.float64] | None],
    *,
    of_tracks: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64] | None, str]:
    """The stack of one gene for other people.

    Parameters
    ----------
    rows : DataFrame, schema ``final_stack_weights``
        Of one gene and model.
    members : mapping of feature to float64 (n_people,)
        Predictions; None for a model without weights, which predicts the same for everybody. A member that is not here
        could not be applied.
    of_tracks : float64 (n_people,), optional
        What components of tracks add.

    Returns
    -------
    predicted : float64 (n_people,), optional
        None where nothing with a weight differs between people, or a member is missing.
    missing : str
        The first member with a weight that could not be applied; empty if none.
    """
    parts = [] if of_tracks is None else [of_tracks]
    for row in rows[rows["mean"].notna() & (rows["coefficient"] != 0)].itertuples():
        if row.feature not in members:
            return None, str(row.feature)
        if (values := members[row.feature]) is not None:
            parts.append(row.coefficient * (values - row.mean))
    return (rows["intercept"].iloc[0] + np.sum(parts, axis=0) if parts else None), ""


def _per_unit(trained: TrainedStack) -> NDArray[np.float64]:
    """Weights (n_features,) per unit of the feature instead of its sd."""
    return np.divide(trained.weights, trained.scale, out=np.zeros(len(trained.weights)), where=trained.used)


def _centred_within(predicted: NDArray[np.float64], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Less the mean of each fold: a model without signal predicts training means, which go against the fold left out."""
    mean = np.bincount(folds, predicted) / np.bincount(folds)
    return predicted - mean[folds]
