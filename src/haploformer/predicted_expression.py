"""The one table shape in which every predictor gives its predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: What became of a gene's model when it is applied to other people, where nothing went wrong.
PREDICTED = "predicted"
NO_WEIGHTS = "no weights: the mean for everybody"

#: How a gene was held out of the net over genes: with its fold, or because Enformer was not trained on it.
GENE_FOLDS, ENFORMER_TEST = "gene folds", "enformer test"


def out_of_fold_rows(
    predictions: Mapping[str, NDArray[np.float64]],
    individual_ids: Sequence[str],
    folds: NDArray[np.int64],
    *,
    model: str,
    fold_seed: int,
) -> pd.DataFrame:
    """One row per gene and individual: the prediction by a model that did not see the individual's fold.

    Parameters
    ----------
    predictions : mapping of gene_id to float64 (n_individuals,)
    individual_ids : sequence of str (n_individuals,)
    folds : int (n_individuals,)
    model : str
    fold_seed : int

    Returns
    -------
    DataFrame, schema ``predicted_expression``
    """
    n_genes, n = len(predictions), len(individual_ids)
    return pd.DataFrame(
        {
            "gene_id": np.repeat(np.array(list(predictions), dtype=object), n),
            "individual_id": np.tile(np.array(individual_ids, dtype=object), n_genes),
            "model": np.full(n_genes * n, model, dtype=object),
            "fold_seed": pd.array(np.full(n_genes * n, fold_seed), dtype="Int64"),
            "fold": pd.array(np.tile(folds, n_genes), dtype="Int64"),
            "predicted_expression": np.concatenate([*predictions.values(), np.empty(0)]),
        }
    )


def person_columns(individual_ids: Iterable[str]) -> list[str]:
    """Names of the columns of people in a table that has one for each; the prefix keeps ids apart from other columns."""
    return [f"person:{individual}" for individual in individual_ids]


def zero_shot_rows(
    gene_ids: Sequence[str], individual_ids: Sequence[str], predictions: NDArray[np.float64], *, model: str
) -> pd.DataFrame:
    """One row per prediction of a model that was fitted to nobody here: null folds, the same in every fold.

    Parameters
    ----------
    gene_ids, individual_ids : sequence of str (n_predictions,)
    predictions : float64 (n_predictions,)
    model : str

    Returns
    -------
    DataFrame, schema ``predicted_expression``
    """
    null = pd.array([pd.NA] * len(predictions), dtype="Int64")
    return pd.DataFrame(
        {
            "gene_id": list(gene_ids),
            "individual_id": list(individual_ids),
            "model": model,
            "fold_seed": null,
            "fold": null.copy(),
            "predicted_expression": predictions,
        }
    )


def applied_rows(
    predictions: Mapping[tuple[str, str], NDArray[np.float64]], individual_ids: Sequence[str]
) -> pd.DataFrame:
    """One row per gene, individual and model: the prediction of people whom no model was fitted to.

    Parameters
    ----------
    predictions : mapping of (gene_id, model) to float64 (n_individuals,)
    individual_ids : sequence of str (n_individuals,)

    Returns
    -------
    DataFrame, schema ``applied_predictions``
    """
    n = len(individual_ids)
    return pd.DataFrame(
        {
            "gene_id": np.repeat(np.array([gene_id for gene_id, _ in predictions], dtype=object), n),
            "individual_id": np.tile(np.array(individual_ids, dtype=object), len(predictions)),
            "model": np.repeat(np.array([model for _, model in predictions], dtype=object), n),
            "predicted_expression": np.concatenate([*predictions.values(), np.empty(0)]),
        }
    )
