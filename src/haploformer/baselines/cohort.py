"""A dosage model over all genes and fold seeds of a cohort."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.baselines.crossfit import Adjust, DosageModel, cross_predict
from haploformer.baselines.tables import dosage_weight_rows, inner_prediction_rows
from haploformer.predicted_expression import out_of_fold_rows


@dataclass(frozen=True, eq=False)
class CohortPredictions:
    """Tables of one model.

    Attributes
    ----------
    predicted : DataFrame, schema ``predicted_expression``
    inner : DataFrame, schema ``inner_predictions``
    weights : DataFrame, schema ``dosage_weights``
    n_without_variant : int
        Genes and fold seeds in which some fold had no usable variant, so that the training mean is predicted.
    """

    predicted: pd.DataFrame
    inner: pd.DataFrame
    weights: pd.DataFrame
    n_without_variant: int


def predict_cohort(
    model: DosageModel,
    dosages_of: Callable[[str], tuple[pd.DataFrame, NDArray[np.float32]]],
    expression: Mapping[str, NDArray[np.float64]],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: Adjust,
) -> CohortPredictions:
    """Cross-fit a model for every gene and fold seed; each gene's dosages are read once.

    Parameters
    ----------
    dosages_of : callable
        From a gene id to its variants and dosages (n_individuals, n_variants).
    expression : mapping of gene id to float64 (n_individuals,)
    individual_ids : sequence of str (n_individuals,)
        The order of all arrays.
    folds_of_seed : mapping of fold seed to int (n_individuals,)
    adjust : callable
        From a training set to residuals on covariates.
    """
    predicted, inner, weights = [], [], []
    n_without_variant = 0
    for gene_id, measured in expression.items():
        variants, dosages = dosages_of(gene_id)
        for seed, folds in folds_of_seed.items():
            result = {gene_id: cross_predict(model, dosages, measured, folds, adjust)}
            n_without_variant += result[gene_id].n_without_variant > 0
            outer = {gene_id: result[gene_id].outer}
            predicted.append(out_of_fold_rows(outer, individual_ids, folds, model=model.name, fold_seed=seed))
            inner.append(inner_prediction_rows(result, individual_ids, folds, model=model.name, fold_seed=seed))
            weights.append(dosage_weight_rows(result, {gene_id: variants}, model=model.name, fold_seed=seed))
    return CohortPredictions(
        pd.concat(predicted, ignore_index=True),
        pd.concat(inner, ignore_index=True),
        pd.concat(weights, ignore_index=True),
        n_without_variant,
    )
