"""From predictions to the score of each gene and model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.adjustment import Adjust
from haploformer.errors import InputError
from haploformer.evaluation.metrics import WithinFoldR, is_constant, within_fold_r


class ExpressionMatrix(Protocol):
    """Measured expression: values float64 (n_genes, n_individuals) with the ids of both axes."""

    @property
    def values(self) -> NDArray[np.float64]: ...  # noqa: D102

    @property
    def row_ids(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def individual_ids(self) -> Sequence[str]: ...  # noqa: D102


def adjust_predictions(
    predictions: Iterable[pd.DataFrame],
    expression: ExpressionMatrix,
    person_folds: pd.DataFrame,
    adjust: Adjust,
    *,
    z_score: bool = False,
) -> pd.DataFrame:
    """Set prediction and measurement side by side, both free of covariates.

    In each fold the measured expression is put on the scale, and residualised with the coefficients, of the fold's
    training people. A zero-shot prediction (null fold), which counts in every fold of every seed, is residualised, too. A
    fitted model was trained on residuals already: its prediction is taken as it is. A zero-shot prediction that is
    constant in a fold stays so.

    Parameters
    ----------
    predictions : iterable of DataFrame, schema ``predicted_expression``
        Each with any number of models; every model predicts every gene in every individual of ``expression``.
    expression : ExpressionMatrix
        Genes and individuals to score, not adjusted.
    person_folds : DataFrame, schema ``person_folds``
        Every fold seed in it is scored.
    adjust : callable
        Gives for a training set, in the order of ``expression.individual_ids``, scale and residuals on covariates.
    z_score : bool
        Whether zero-shot predictions are given in sds over the training people of each fold.

    Returns
    -------
    DataFrame, schema ``scored_predictions``
        One row per model, fold seed, gene and individual.

    Raises
    ------
    InputError
        If a prediction is missing, not finite, there twice, or was made with other folds.
    """
    folds_of_seed = _lay_out_folds(person_folds, expression.individual_ids)
    measured = {
        seed: _residualise_by_fold(expression.values, folds, adjust, measured=True)
        for seed, folds in folds_of_seed.items()
    }
    blocks = []
    for model, rows in _models(predictions):
        zero_shot = rows["fold_seed"].isna()
        if zero_shot.all():
            raw = _lay_out(rows, expression, where=f"model {model}")
        elif zero_shot.any():
            raise InputError(f"model {model}", "has rows with and without a fold_seed", "write one or the other")
        for seed, folds in folds_of_seed.items():
            if zero_shot.all():
                predicted = _residualise_by_fold(raw, folds, adjust, z_score=z_score)
                predicted = _keep_constant(raw, predicted, folds)
            else:
                predicted = _lay_out(
                    rows[rows["fold_seed"] == seed], expression, where=f"model {model}, fold_seed {seed}", folds=folds
                )
            blocks.append(_block(model, seed, folds, expression, measured[seed], predicted))
    if not blocks:
        raise InputError("predictions", "no model given", "give at least one table with rows")
    return pd.concat(blocks, ignore_index=True)


def score_genes(scored: pd.DataFrame, genes: pd.DataFrame) -> pd.DataFrame:
    """Score each gene and model: mean within-fold r, then the mean over fold seeds.

    Parameters
    ----------
    scored : DataFrame, schema ``scored_predictions``
    genes : DataFrame, schema ``genes``
        Names of the genes.

    Returns
    -------
    DataFrame, schema ``gene_scores`` without ``weights``, which the scores do not know
        ``pearson_r_seed_sd`` is the sd (ddof 1) over fold seeds, NaN for a single one. ``n_folds`` is the number of
        folds per seed, ``n_constant_folds`` how many of ``n_folds * n_fold_seeds`` counted as r = 0.

    Raises
    ------
    InputError
        If a value is missing or not finite, the folds of a person differ between genes, or a gene has no name.

    References: docs/methods.md, "The r of a gene".
    """
    names = genes.set_index("gene_id")["gene_name"]
    unnamed = pd.Index(scored["gene_id"].unique()).difference(names.index)
    if len(unnamed):
        raise InputError(f"gene_id {unnamed[0]}", "is scored but not in genes", "give genes of the same run")
    tables = []
    for model, rows in scored.groupby("model", sort=False):
        gene_ids = pd.Index(rows["gene_id"].unique())
        individual_ids = pd.Index(rows["individual_id"].unique())
        seeds = [_score_seed(part, gene_ids, individual_ids) for _, part in rows.groupby("fold_seed", sort=False)]
        pearson_r = np.stack([r.pearson for r in seeds])  # (n_fold_seeds, n_genes)
        tables.append(
            pd.DataFrame(
                {
                    "gene_id": gene_ids,
                    "gene_name": names.reindex(gene_ids).to_numpy(),
                    "model": model,
                    "n": len(individual_ids),
                    "pearson_r": pearson_r.mean(axis=0),
                    "pearson_r_seed_sd": pearson_r.std(axis=0, ddof=1) if len(seeds) > 1 else np.nan,
                    "spearman_r": np.mean([r.spearman for r in seeds], axis=0),
                    "n_fold_seeds": len(seeds),
                    "n_folds": rows["fold"].nunique(),
                    "n_constant_folds": np.sum([r.n_constant_folds for r in seeds], axis=0),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _score_seed(rows: pd.DataFrame, gene_ids: pd.Index, individual_ids: pd.Index) -> WithinFoldR:
    """Within-fold r of each gene, for the rows of one model and seed."""
    where = f"model {rows['model'].iloc[0]}, fold_seed {rows['fold_seed'].iloc[0]}"
    gene, person = gene_ids.get_indexer(rows["gene_id"]), individual_ids.get_indexer(rows["individual_id"])
    fold = rows["fold"].to_numpy(dtype=np.int64)
    folds = np.full(len(individual_ids), -1, dtype=np.int64)
    folds[person] = fold
    if (folds[person] != fold).any():
        raise InputError(where, "folds of a person differ between genes", "use the same folds for every gene")
    sides = {}
    for side in ("predicted", "measured"):
        values = np.full((len(gene_ids), len(individual_ids)), np.nan)
        values[gene, person] = rows[side].to_numpy(dtype=np.float64)
        _refuse_non_finite(values, list(gene_ids), list(individual_ids), f"{where}, {side}")
        sides[side] = values
    return within_fold_r(sides["predicted"], sides["measured"], folds)


def _models(predictions: Iterable[pd.DataFrame]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows of each model, in the order of the tables; a model in two tables is refused."""
    seen: set[str] = set()
    for table in predictions:
        for model, rows in table.groupby("model", sort=False):
            if model in seen:
                raise InputError(f"model {model}", "occurs in two tables", "give each model's predictions once")
            seen.add(str(model))
            yield str(model), rows


def _lay_out_folds(person_folds: pd.DataFrame, individual_ids: Sequence[str]) -> dict[int, NDArray[np.int64]]:
    """Folds (n_individuals,) of each seed."""
    laid_out = {}
    for seed in person_folds["fold_seed"].unique():
        rows = person_folds[person_folds["fold_seed"] == seed]
        folds = pd.Series(rows["fold"].to_numpy(), index=rows["individual_id"]).reindex(list(individual_ids))
        if folds.isna().any():
            first = folds.index[folds.isna()][0]
            raise InputError(
                f"person_folds: fold_seed {seed}",
                f"{int(folds.isna().sum())} individuals with expression have no fold (first: {first})",
                "assign the folds again for these people",
            )
        laid_out[int(seed)] = folds.to_numpy(dtype=np.int64)
    return laid_out


def _residualise_by_fold(
    values: NDArray[np.float64],
    folds: NDArray[np.int64],
    adjust: Adjust,
    *,
    measured: bool = False,
    z_score: bool = False,
) -> NDArray[np.float64]:
    """Residuals (n_genes, n_individuals), each fold's under the coefficients, and in the sds, of everybody outside it.

    What was ``measured`` is normalised before, by the same people.
    """
    residuals = np.empty(values.shape)
    for fold in np.unique(folds):
        held_out = folds == fold
        residualise, of_person = adjust(~held_out), np.ascontiguousarray(values.T)  # (n_individuals, n_genes)
        everybody = residualise(residualise.normalise(of_person) if measured else of_person)
        if z_score:
            training = everybody[~held_out].T
            varies = ~is_constant(training, made_of=values)
            everybody = everybody * np.where(varies, 1 / np.where(varies, training.std(axis=1), 1.0), 0.0)
        residuals[:, held_out] = everybody[held_out].T
    return residuals


def _keep_constant(
    raw: NDArray[np.float64], residuals: NDArray[np.float64], folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Set to 0 the residuals of a gene in a fold where the prediction, or what is left of it, is constant.

    The residuals of a constant are the covariates' alone, or rounding: they would get an r by accident.
    """
    kept = residuals.copy()
    for fold in np.unique(folds):
        people = np.flatnonzero(folds == fold)
        constant = is_constant(raw[:, people], made_of=raw) | is_constant(residuals[:, people], made_of=raw)
        kept[np.ix_(constant, people)] = 0.0
    return kept


def _lay_out(
    rows: pd.DataFrame, expression: ExpressionMatrix, *, where: str, folds: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Predictions (n_genes, n_individuals) in the order of the expression, checked."""
    gene = pd.Index(expression.row_ids).get_indexer(rows["gene_id"])
    person = pd.Index(expression.individual_ids).get_indexer(rows["individual_id"])
    found = (gene >= 0) & (person >= 0)
    gene, person = gene[found], person[found]
    values = np.full(expression.values.shape, np.nan)
    if len(np.unique(gene * len(expression.individual_ids) + person)) < len(gene):
        raise InputError(where, "an individual has two predictions of a gene", "write each prediction once")
    if folds is not None and (rows["fold"].to_numpy(dtype=np.int64)[found] != folds[person]).any():
        raise InputError(where, "predictions were made with other folds", "fit the model again with these folds")
    values[gene, person] = rows["predicted_expression"].to_numpy(dtype=np.float64)[found]
    _refuse_non_finite(values, expression.row_ids, expression.individual_ids, where)
    return values


def _refuse_non_finite(
    values: NDArray[np.float64], gene_ids: Sequence[str], individual_ids: Sequence[str], where: str
) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        gene, person = np.argwhere(~finite)[0]
        raise InputError(
            f"{where}, gene_id {gene_ids[gene]}, individual_id {individual_ids[person]}",
            f"no finite value ({int((~finite).sum())} such of {values.size})",
            "every model predicts every gene in every individual; look at the step that wrote them",
        )


def _block(
    model: str,
    seed: int,
    folds: NDArray[np.int64],
    expression: ExpressionMatrix,
    measured: NDArray[np.float64],
    predicted: NDArray[np.float64],
) -> pd.DataFrame:
    """Rows of one model and seed."""
    n_genes, n = measured.shape
    return pd.DataFrame(
        {
            "gene_id": np.repeat(np.array(expression.row_ids, dtype=object), n),
            "individual_id": np.tile(np.array(expression.individual_ids, dtype=object), n_genes),
            "model": np.full(n_genes * n, model, dtype=object),
            "fold_seed": np.full(n_genes * n, seed, dtype=np.int64),
            "fold": np.tile(folds, n_genes),
            "measured": measured.ravel(),
            "predicted": predicted.ravel(),
        }
    )
