"""Features of the stack, gathered from the stored tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.predicted_expression import person_columns


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Level-1 predictions of one model and fold seed, on the adjusted expression scale.

    Attributes
    ----------
    outer : float64 (..., n_individuals)
        By the model trained without the person's own fold.
    inner : float64 (..., n_folds, n_individuals)
        ``inner[..., k, i]``: by the model trained without fold k and without the fold of person i; NaN for the people
        of k.
    """

    outer: NDArray[np.float64]
    inner: NDArray[np.float64]

    def of_gene(self, gene: int) -> OutOfFold:
        """Predictions of one gene, (n_individuals,) and (n_folds, n_individuals)."""
        return OutOfFold(self.outer[gene], self.inner[gene])


def gather_out_of_fold(
    predicted: pd.DataFrame,
    inner: pd.DataFrame,
    *,
    model: str,
    fold_seed: int,
    gene_ids: Sequence[str],
    individual_ids: Sequence[str],
    folds: NDArray[np.int64],
) -> OutOfFold:
    """Lay out one model's predictions of one fold seed, for all genes.

    Rows of other models, seeds, genes and people are left aside.

    Parameters
    ----------
    predicted : DataFrame, schema ``predicted_expression``
    inner : DataFrame, schema ``inner_predictions``
    model : str
    fold_seed : int
    gene_ids : sequence of str (n_genes,)
    individual_ids : sequence of str (n_individuals,)
    folds : int (n_individuals,)
        Folds of this seed.

    Returns
    -------
    OutOfFold
        ``outer`` is (n_genes, n_individuals), ``inner`` (n_genes, n_folds, n_individuals).

    Raises
    ------
    InputError
        If a prediction is missing, or was made with other folds.
    """
    where = f"model {model}, fold_seed {fold_seed}"
    n_folds = int(folds.max()) + 1
    layout: dict[str, Any] = {"gene_ids": gene_ids, "individual_ids": individual_ids, "folds": folds}
    outer = gather_outer(predicted, model=model, fold_seed=fold_seed, **layout)
    between = np.full((len(gene_ids), n_folds, len(individual_ids)), np.nan)
    rows = _rows_of(inner, model, fold_seed)
    gene, fold = pd.Index(gene_ids).get_indexer(rows["gene_id"]), rows["fold"].to_numpy(dtype=np.int64)
    found = (gene >= 0) & (fold < n_folds)
    of_people = rows.reindex(columns=person_columns(individual_ids))
    between[gene[found], fold[found]] = of_people.to_numpy(dtype=np.float64)[found]

    held_out = folds[None] == np.arange(n_folds)[:, None]
    predicted = ~np.isnan(between)
    _refuse_other_folds((predicted & held_out).any() or (fold >= n_folds).any(), where)
    _refuse_holes((~predicted & ~held_out).any(axis=1), gene_ids, individual_ids, f"inner {where}")
    return OutOfFold(outer, between)


def gather_outer(
    predicted: pd.DataFrame,
    *,
    model: str,
    fold_seed: int,
    gene_ids: Sequence[str],
    individual_ids: Sequence[str],
    folds: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The outer predictions of `gather_out_of_fold` alone, float64 (n_genes, n_individuals)."""
    where = f"model {model}, fold_seed {fold_seed}"
    outer = np.full((len(gene_ids), len(individual_ids)), np.nan)
    rows = _rows_of(predicted, model, fold_seed)
    gene, person, found = _places(rows, gene_ids, individual_ids)
    _refuse_other_folds((rows["fold"].to_numpy(dtype=np.int64)[found] != folds[person]).any(), where)
    outer[gene, person] = rows["predicted_expression"].to_numpy(dtype=np.float64)[found]
    _refuse_holes(np.isnan(outer), gene_ids, individual_ids, where)
    return outer


def gather_zero_shot(
    predicted: pd.DataFrame, *, model: str, gene_ids: Sequence[str], individual_ids: Sequence[str]
) -> NDArray[np.float64]:
    """Lay out the predictions of a model that was fitted to nobody here, for all genes.

    Parameters
    ----------
    predicted : DataFrame, schema ``predicted_expression``
        With a null ``fold_seed``.
    model : str
    gene_ids : sequence of str (n_genes,)
    individual_ids : sequence of str (n_individuals,)

    Returns
    -------
    float64 (n_genes, n_individuals)
        NaN for everybody in a gene that the model does not predict.

    Raises
    ------
    InputError
        If a gene has predictions of some people only.
    """
    values = np.full((len(gene_ids), len(individual_ids)), np.nan)
    rows = predicted[(predicted["model"] == model) & predicted["fold_seed"].isna()]
    gene, person, found = _places(rows, gene_ids, individual_ids)
    values[gene, person] = rows["predicted_expression"].to_numpy(dtype=np.float64)[found]
    missing = np.isnan(values)
    _refuse_holes(missing & ~missing.all(axis=1, keepdims=True), gene_ids, individual_ids, f"model {model}")
    return values


def _rows_of(table: pd.DataFrame, model: str, fold_seed: int) -> pd.DataFrame:
    return table[(table["model"] == model) & (table["fold_seed"] == fold_seed).fillna(False)]


def _places(
    rows: pd.DataFrame, gene_ids: Sequence[str], individual_ids: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Place of each row's gene and individual, for the rows that have both; which rows these are."""
    gene = pd.Index(gene_ids).get_indexer(rows["gene_id"])
    person = pd.Index(individual_ids).get_indexer(rows["individual_id"])
    found = (gene >= 0) & (person >= 0)
    return gene[found], person[found], found


def _refuse_other_folds(differ: np.bool_ | bool, where: str) -> None:
    if differ:
        raise InputError(where, "predictions were made with other folds", "fit the model again with these folds")


def _refuse_holes(hole: NDArray[np.bool_], gene_ids: Sequence[str], individual_ids: Sequence[str], where: str) -> None:
    if hole.any():
        gene, person = np.argwhere(hole)[0]
        raise InputError(
            f"{where}, gene_id {gene_ids[gene]}, individual_id {individual_ids[person]}",
            f"no prediction ({int(hole.sum())} such of {hole.size})",
            "predict every gene in every individual",
        )
