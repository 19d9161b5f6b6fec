"""A stack whose weights come from other genes: one weight of each feature for all genes of a training set.

Within a gene the stack is fitted to the very gene. Here genes are dealt into folds, too: the weights that are applied to
the genes of a fold are learned on the other genes, and on training people alone. Enformer's columns then say something
of genes whose expression was never looked at. Level-1 predictions on dosages were fitted to the gene itself, in other
people: of such a gene only the weights are unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from haploformer.adjustment import Adjust
from haploformer.stacking.features import OutOfFold, gather_out_of_fold, gather_zero_shot
from haploformer.stacking.stack import centre_level_1

#: Names in every table: all features, and Enformer's alone.
SHARED, SHARED_ENFORMER = "shared_stack", "shared_stack_enformer"

#: Share of its size by which a feature must vary to count, and of the largest variance that a direction must have.
_VARIES, _RANK_TOLERANCE = 1e-9, 1e-10


@dataclass(frozen=True, eq=False)
class SharedPrediction:
    """Predictions of one fold seed by weights from other genes.

    Attributes
    ----------
    features : tuple of str (n_features,)
    weights : float64 (n_folds, n_gene_folds, n_features)
        Sds of expression per unit of a feature: an sd of expression for a level-1 prediction, a training sd for a column
        of Enformer.
    unseen : float64 (n_genes, n_individuals)
        Of each person by weights without the person's fold and the gene's, in sds of expression.
    seen : float64 (n_folds, n_genes, n_individuals)
        ``seen[k]``: of the people whom the weights of outer fold k were learned on, from other genes; their level-1
        predictions are out of their own inner fold. NaN for the people of k.
    measured : float64 (n_folds, n_genes, n_individuals)
        Adjusted expression of everybody by the coefficients of the training people of fold k.
    """

    features: tuple[str, ...]
    weights: NDArray[np.float64]
    unseen: NDArray[np.float64]
    seen: NDArray[np.float64]
    measured: NDArray[np.float64]


def share_weights(
    expression: NDArray[np.float64],
    folds: NDArray[np.int64],
    gene_folds: NDArray[np.int64],
    adjust: Adjust,
    *,
    fitted: Mapping[str, OutOfFold],
    zero_shot: Mapping[str, NDArray[np.float64]],
) -> SharedPrediction:
    """Learn one weight per feature on training genes and people, and apply it to other genes.

    Parameters
    ----------
    expression : float64 (n_genes, n_individuals)
        Measured, neither normalised nor adjusted, finite.
    folds : int (n_individuals,)
        Outer folds of people.
    gene_folds : int (n_genes,)
        At least two; genes that share sequence share a fold.
    adjust : callable
        From a training set to the scale of expression and residuals on covariates.
    fitted : mapping of name to OutOfFold (n_genes, ...)
        In units of expression: their size tells how much a model found, and is kept. Weights are 0 or more.
    zero_shot : mapping of name to float64 (n_genes, n_individuals)
        On a log scale; NaN for a gene without. Standardised within the gene; weights of either sign.

    Returns
    -------
    SharedPrediction
    """
    n_folds, n_gene_folds = int(folds.max()) + 1, int(gene_folds.max()) + 1
    if n_gene_folds < 2:
        raise ValueError("weights for other genes need two folds of genes")
    names = (*fitted, *zero_shot)
    turned = np.array([name in zero_shot for name in names])
    weights = np.zeros((n_folds, n_gene_folds, len(names)))
    unseen = np.empty(expression.shape)
    seen, measured = np.full((2, n_folds, *expression.shape), np.nan)
    for fold in range(n_folds):
        train: NDArray[np.bool_] = folds != fold
        tables, target = _lay_out(expression, folds, fold, adjust, fitted, zero_shot)
        gram = np.einsum("gif,gih->gfh", tables[:, train], tables[:, train])
        product = np.einsum("gif,gi->gf", tables[:, train], target[:, train])
        for genes in range(n_gene_folds):
            of_fold: NDArray[np.bool_] = gene_folds == genes
            others = ~of_fold
            weights[fold, genes] = _solve(gram[others].sum(axis=0), product[others].sum(axis=0), turned)
            predicted = tables[of_fold] @ weights[fold, genes]
            unseen[np.ix_(of_fold, ~train)] = predicted[:, ~train]
            seen[fold][np.ix_(of_fold, train)] = predicted[:, train]
        measured[fold] = target
    return SharedPrediction(names, weights, unseen, seen, measured)


def share_cohort(
    predicted: pd.DataFrame,
    inner: pd.DataFrame,
    zero_shot: Mapping[str, pd.DataFrame],
    expression: NDArray[np.float64],
    gene_ids: Sequence[str],
    gene_folds: NDArray[np.int64],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: Adjust,
    *,
    level_1: Sequence[str],
) -> dict[int, SharedPrediction]:
    """`share_weights` of every fold seed, from the stored tables.

    Parameters
    ----------
    predicted : DataFrame, schema ``predicted_expression``
        Of all models.
    inner : DataFrame, schema ``inner_predictions``
        Of all fitted models.
    zero_shot : mapping of name to DataFrame, schema ``predicted_expression``
        On a log scale.
    expression : float64 (n_genes, n_individuals)
    gene_ids, individual_ids : sequence of str
    gene_folds : int (n_genes,)
    folds_of_seed : mapping of fold seed to int (n_individuals,)
    adjust : callable
    level_1 : sequence of str
        Fitted models that are features.
    """
    layout: dict[str, Any] = {"gene_ids": gene_ids, "individual_ids": individual_ids}
    enformer = {name: gather_zero_shot(table, model=name, **layout) for name, table in zero_shot.items()}
    results = {}
    for seed, folds in folds_of_seed.items():
        fitted = {
            name: gather_out_of_fold(predicted, inner, model=name, fold_seed=seed, folds=folds, **layout)
            for name in level_1
        }
        results[seed] = share_weights(expression, folds, gene_folds, adjust, fitted=fitted, zero_shot=enformer)
    return results


def _lay_out(
    expression: NDArray[np.float64],
    folds: NDArray[np.int64],
    fold: int,
    adjust: Adjust,
    fitted: Mapping[str, OutOfFold],
    zero_shot: Mapping[str, NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features (n_genes, n_individuals, n_features) and expression (n_genes, n_individuals), in training sds."""
    train = folds != fold
    residualise = adjust(train)
    normalised = residualise.normalise(expression.T)
    adjusted = residualise(normalised).T
    mean, sd = adjusted[:, train].mean(axis=1), adjusted[:, train].std(axis=1)
    unit = np.where(sd > _VARIES * np.abs(normalised[train]).max(axis=0), 1 / np.where(sd > 0, sd, 1.0), 0.0)
    columns = []
    for feature in fitted.values():
        columns.append(
            [unit[g] * centre_level_1(feature.of_gene(g), folds, fold, mean[g]) for g in range(len(expression))]
        )
    for values in zero_shot.values():
        known = np.asarray(np.isfinite(values)).all(axis=1, keepdims=True)
        raw = np.where(known, values, 0.0)
        rest = residualise(raw.T).T
        rest = rest - rest[:, train].mean(axis=1, keepdims=True)
        spread = rest[:, train].std(axis=1)
        used = spread > _VARIES * np.abs(raw).max(axis=1)
        columns.append(list(rest * np.where(used, 1 / np.where(used, spread, 1.0), 0.0)[:, None]))
    return np.stack([np.asarray(column) for column in columns], axis=-1), unit[:, None] * (adjusted - mean[:, None])


def _solve(gram: NDArray[np.float64], product: NDArray[np.float64], turned: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Least squares by the normal equations; weights are 0 or more but where they may be ``turned``."""
    variance, axes = np.linalg.eigh(gram)
    kept = variance > max(_RANK_TOLERANCE * variance[-1], 0.0)
    if not kept.any():
        return np.zeros(len(product))
    root = np.sqrt(variance[kept])
    design = root[:, None] * axes[:, kept].T
    solution = nnls(np.column_stack([design, -design[:, turned]]), (axes[:, kept].T @ product) / root)[0]
    weights: NDArray[np.float64] = solution[: len(product)]
    weights[turned] -= solution[len(product) :]
    return weights


_WEIGHT_COLUMNS = ["model", "fold_seed", "fold", "gene_fold", "feature", "weight"]


def shared_weight_rows(result: SharedPrediction, *, model: str, fold_seed: int, folds: Sequence[int]) -> pd.DataFrame:
    """One row per outer fold, fold of genes and feature: schema ``shared_stack_weights``."""
    rows = [
        (model, fold_seed, fold, genes, name, float(result.weights[fold, genes, column]))
        for fold in folds
        for genes in range(result.weights.shape[1])
        for column, name in enumerate(result.features)
    ]
    return pd.DataFrame(rows, columns=_WEIGHT_COLUMNS)


def shared_weight_tables(
    results: Mapping[int, SharedPrediction],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    *,
    model: str,
    last_only: bool,
) -> pd.DataFrame:
    """`shared_weight_rows` of every fold seed, of all outer folds or of the ``last_only``, which holds a population out."""
    tables = []
    for seed, result in results.items():
        folds = [int(folds_of_seed[seed].max())] if last_only else range(len(result.weights))
        tables.append(shared_weight_rows(result, model=model, fold_seed=seed, folds=folds))
    return pd.concat(tables, ignore_index=True)


def no_shared_weights() -> pd.DataFrame:
    """The table of a study in which genes cannot be held out."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in _WEIGHT_COLUMNS})
