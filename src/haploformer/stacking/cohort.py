"""The stack over all genes and fold seeds of a cohort."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.adjustment import Adjust
from haploformer.errors import InputError
from haploformer.predicted_expression import out_of_fold_rows
from haploformer.stacking.features import gather_out_of_fold, gather_zero_shot
from haploformer.stacking.stack import Method, StackedPrediction, stack_gene, stack_weight_rows

#: The stack's names in every table: with everything, and without Enformer's columns.
MODEL = "stack"
WITHOUT_ENFORMER = "stack_without_enformer"


@dataclass(frozen=True, eq=False)
class StackOptions:
    """How the stack is fitted.

    Attributes
    ----------
    features : sequence of str
        Models to combine. One with inner predictions was fitted out of fold; any other must be zero-shot.
    method : str
        ``non_negative`` or ``ridge``, see `stack_gene`.
    n_components : int
        Principal components of Enformer's tracks, fitted in each fold.
    """

    features: Sequence[str]
    method: Method = "non_negative"
    n_components: int = 0


@dataclass(frozen=True, eq=False)
class CohortStack:
    """Tables of the stack.

    Attributes
    ----------
    predicted : DataFrame, schema ``predicted_expression``
    without_enformer : DataFrame, schema ``predicted_expression``
        The same without Enformer's columns; no rows where the stack has none, or nothing else.
    weights : DataFrame, schema ``stack_weights``
    """

    predicted: pd.DataFrame
    without_enformer: pd.DataFrame
    weights: pd.DataFrame


def stack_cohort(
    options: StackOptions,
    predicted: pd.DataFrame,
    inner: pd.DataFrame,
    expression: Mapping[str, NDArray[np.float64]],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: Adjust,
    *,
    tracks_of: Callable[[str], NDArray[np.floating]] | None = None,
) -> CohortStack:
    """Stack the chosen models for every gene and fold seed, with and without Enformer.

    Parameters
    ----------
    options : StackOptions
    predicted : DataFrame, schema ``predicted_expression``
        Of all models.
    inner : DataFrame, schema ``inner_predictions``
        Of all fitted models.
    expression : mapping of gene id to float64 (n_individuals,)
    individual_ids : sequence of str (n_individuals,)
        The order of all arrays.
    folds_of_seed : mapping of fold seed to int (n_individuals,)
    adjust : callable
        From a training set to the scale of expression and residuals on covariates.
    tracks_of : callable, optional
        From a gene id to Enformer's tracks (n_individuals, n_tracks) on a log scale; needed for components.

    Raises
    ------
    InputError
        If a feature has no predictions.
    """
    _require_predictions(options.features, predicted)
    genes = list(expression)
    out_of_fold = [name for name in options.features if name in set(inner["model"].unique())]
    layout = {"gene_ids": genes, "individual_ids": individual_ids}
    zero_shot = {
        name: gather_zero_shot(predicted, model=name, **layout) for name in options.features if name not in out_of_fold
    }
    fitted = {
        seed: {
            name: gather_out_of_fold(predicted, inner, model=name, fold_seed=seed, folds=folds, **layout)
            for name in out_of_fold
        }
        for seed, folds in folds_of_seed.items()
    }
    results: dict[int, dict[str, StackedPrediction]] = {seed: {} for seed in folds_of_seed}
    without: dict[int, dict[str, StackedPrediction]] = {seed: {} for seed in folds_of_seed}
    both_kinds = bool(out_of_fold) and bool(zero_shot or options.n_components)
    for i, gene_id in enumerate(genes):
        of_enformer: dict[str, Any] = {"zero_shot": {name: values[i] for name, values in zero_shot.items()}}
        if options.n_components and tracks_of is not None:
            of_enformer |= {"tracks": tracks_of(gene_id), "n_components": options.n_components}
        for seed, folds in folds_of_seed.items():
            level_1 = {name: model.of_gene(i) for name, model in fitted[seed].items()}
            shared: Any = {"fitted": level_1, "method": options.method}
            results[seed][gene_id] = stack_gene(expression[gene_id], folds, adjust, **shared, **of_enformer)
            if both_kinds:
                without[seed][gene_id] = stack_gene(expression[gene_id], folds, adjust, **shared, zero_shot={})
    return CohortStack(
        _tables(results, individual_ids, folds_of_seed, model=MODEL),
        _tables(without, individual_ids, folds_of_seed, model=WITHOUT_ENFORMER),
        pd.concat([stack_weight_rows(of_seed, fold_seed=seed) for seed, of_seed in results.items()], ignore_index=True),
    )


def _tables(
    results: Mapping[int, Mapping[str, StackedPrediction]],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    *,
    model: str,
) -> pd.DataFrame:
    """Predictions of all seeds and genes."""
    tables = []
    for seed, of_seed in results.items():
        predicted = {gene_id: result.predicted for gene_id, result in of_seed.items()}
        tables.append(out_of_fold_rows(predicted, individual_ids, folds_of_seed[seed], model=model, fold_seed=seed))
    return pd.concat(tables, ignore_index=True)


def _require_predictions(features: Sequence[str], predicted: pd.DataFrame) -> None:
    there = set(predicted["model"].unique())
    for name in features:
        if name not in there:
            raise InputError(
                "parameters:stacking.features",
                f"there is no prediction by {name!r} (there are: {', '.join(sorted(there))})",
                "name models that the run makes",
            )
