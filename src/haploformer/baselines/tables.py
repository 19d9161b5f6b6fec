"""Cross-fitted predictions as rows of the stored tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from haploformer.baselines.crossfit import CrossPrediction, DosageFit
from haploformer.predicted_expression import person_columns

#: What each row of fits tells.
FIT_COLUMNS = ["n_usable", "n_weights", "setting", "fell_back", "n_unfinished"]

_VARIANT_COLUMNS = ["variant_id", "contig", "pos", "ref", "alt"]


def inner_prediction_rows(
    results: Mapping[str, CrossPrediction],
    individual_ids: Sequence[str],
    *,
    model: str,
    fold_seed: int,
) -> pd.DataFrame:
    """One row per gene and outer fold, one column per individual.

    ``fold`` is the outer fold whose stack the row helps to train. A prediction is by a model trained without that fold and
    without the individual's own; the individuals of ``fold`` itself have none.

    Parameters
    ----------
    results : mapping of gene_id to CrossPrediction
    individual_ids : sequence of str (n_individuals,)
    model : str
    fold_seed : int

    Returns
    -------
    DataFrame, schema ``inner_predictions``
        ``n_genes * n_folds`` rows.
    """
    blocks = [result.inner for result in results.values()]
    n_folds = blocks[0].shape[0] if blocks else 0
    values = np.concatenate([*blocks, np.empty((0, len(individual_ids)))])
    table = pd.DataFrame(values, columns=person_columns(individual_ids), copy=False)
    table.insert(0, "gene_id", np.repeat(np.array(list(results), dtype=object), n_folds))
    table.insert(1, "model", np.full(len(table), model, dtype=object))
    table.insert(2, "fold_seed", np.full(len(table), fold_seed, dtype=np.int64))
    table.insert(3, "fold", np.tile(np.arange(n_folds), len(blocks)))
    return table


def dosage_weight_rows(
    results: Mapping[str, CrossPrediction],
    variants: Mapping[str, pd.DataFrame],
    *,
    model: str,
    fold_seed: int,
) -> pd.DataFrame:
    """One row per gene, outer fold and variant whose weight is not zero.

    Parameters
    ----------
    results : mapping of gene_id to CrossPrediction
    variants : mapping of gene_id to DataFrame
        ``variant_id, contig, pos, ref, alt``, one row per column of the gene's dosages, in that order.
    model : str
    fold_seed : int

    Returns
    -------
    DataFrame, schema ``dosage_weights``
    """
    pieces = []
    for gene_id, result in results.items():
        for fold, fit in enumerate(result.fits):
            used = np.flatnonzero(fit.weights)
            rows = variants[gene_id][_VARIANT_COLUMNS].iloc[fit.variants[used]]
            pieces.append(rows.assign(gene_id=gene_id, fold=fold, weight=fit.weights[used]))
    columns = ["gene_id", "model", "fold_seed", "fold", *_VARIANT_COLUMNS, "weight"]
    if not pieces:
        return pd.DataFrame(columns=columns)
    table = pd.concat(pieces, ignore_index=True)
    return table.assign(model=model, fold_seed=fold_seed)[columns]


def describe_fit(fit: DosageFit) -> tuple[int, int, float, bool, int]:
    """What a fit is, in the order of `FIT_COLUMNS`."""
    return len(fit.variants), int((fit.weights != 0).sum()), fit.setting, fit.fell_back, fit.n_unfinished


def dosage_fit_rows(results: Mapping[str, CrossPrediction], *, model: str, fold_seed: int) -> pd.DataFrame:
    """One row per gene and outer fold: what the model behind the scored predictions is.

    Parameters
    ----------
    results : mapping of gene_id to CrossPrediction
    model : str
    fold_seed : int

    Returns
    -------
    DataFrame, schema ``dosage_fits``
    """
    rows = [
        (gene_id, model, fold_seed, fold, *describe_fit(fit))
        for gene_id, result in results.items()
        for fold, fit in enumerate(result.fits)
    ]
    columns = ["gene_id", "model", "fold_seed", "fold", *FIT_COLUMNS]
    return pd.DataFrame(rows, columns=columns)
