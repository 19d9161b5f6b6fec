"""The stack over all genes and fold seeds of a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.predicted_expression import out_of_fold_rows
from haploformer.stacking.features import gather_out_of_fold, gather_zero_shot
from haploformer.stacking.stack import Adjust, stack_gene, stack_weight_rows

#: The stack's name in every table.
MODEL = "stack"


def stack_cohort(
    features: Sequence[str],
    predicted: pd.DataFrame,
    inner: pd.DataFrame,
    expression: Mapping[str, NDArray[np.float64]],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: Adjust,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stack the chosen models for every gene and fold seed.

    Parameters
    ----------
    features : sequence of str
        Models to combine. One with rows in ``inner`` was fitted out of fold; any other must be zero-shot.
    predicted : DataFrame, schema ``predicted_expression``
        Of all models.
    inner : DataFrame, schema ``inner_predictions``
        Of all fitted models.
    expression : mapping of gene id to float64 (n_individuals,)
    individual_ids : sequence of str (n_individuals,)
        The order of all arrays.
    folds_of_seed : mapping of fold seed to int (n_individuals,)
    adjust : callable
        From a training set to residuals on covariates.

    Returns
    -------
    predicted : DataFrame, schema ``predicted_expression``
    weights : DataFrame, schema ``stack_weights``

    Raises
    ------
    InputError
        If a feature has no predictions.
    """
    there = set(predicted["model"].unique())
    for name in features:
        if name not in there:
            raise InputError(
                "parameters:stacking.features",
                f"there is no prediction by {name!r} (there are: {', '.join(sorted(there))})",
                "name models that the run makes",
            )
    genes = list(expression)
    out_of_fold = [name for name in features if name in set(inner["model"].unique())]
    layout = {"gene_ids": genes, "individual_ids": individual_ids}
    zero_shot = {
        name: gather_zero_shot(predicted, model=name, **layout) for name in features if name not in out_of_fold
    }
    tables, weights = [], []
    for seed, folds in folds_of_seed.items():
        fitted = {
            name: gather_out_of_fold(predicted, inner, model=name, fold_seed=seed, folds=folds, **layout)
            for name in out_of_fold
        }
        results = {
            gene_id: stack_gene(
                expression[gene_id],
                folds,
                adjust,
                fitted={name: model.of_gene(i) for name, model in fitted.items()},
                zero_shot={name: values[i] for name, values in zero_shot.items()},
            )
            for i, gene_id in enumerate(genes)
        }
        stacked = {gene_id: result.predicted for gene_id, result in results.items()}
        tables.append(out_of_fold_rows(stacked, individual_ids, folds, model=MODEL, fold_seed=seed))
        weights.append(stack_weight_rows(results, fold_seed=seed))
    return pd.concat(tables, ignore_index=True), pd.concat(weights, ignore_index=True)
