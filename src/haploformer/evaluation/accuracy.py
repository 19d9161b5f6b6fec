"""Beside r: its square, its sign, whether it differs from 0, and whether predictions have the right size."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from haploformer.evaluation.metrics import is_constant
from haploformer.evaluation.scored_cohort import ScoredCohort, ScoredSeed


def gene_accuracy(gene_scores: pd.DataFrame, cohort: ScoredCohort, fitted: set[str]) -> pd.DataFrame:
    """What the r of a gene does not tell.

    Parameters
    ----------
    gene_scores : DataFrame, schema ``gene_scores``
        ``weights`` is not needed.
    cohort : ScoredCohort
        The same models and genes.
    fitted : set of str
        Models whose predictions are in units of expression. Others have no calibration.

    Returns
    -------
    DataFrame, schema ``gene_accuracy``
        ``r2`` is the square of r, which has no sign; ``sign`` is -1 for a prediction in the wrong direction.
        ``explained`` is 1 - (sum of squared errors) / (sum of squares round the training mean) over held-out people,
        below 0 if the training mean does better. ``calibration_slope`` and ``calibration_intercept`` are of measured on
        predicted, within folds: 1 and 0 if the size is right; null where the prediction is constant. ``p_value`` is
        two-sided, by Fisher's z with sum of n - 3 over folds; ``q_value`` by Benjamini and Hochberg over the genes of a
        model. A p-value takes the fitted model as given: training variance is not in it.
    """
    sizes = np.array([[len(people) for people in seed.people_of_folds()] for seed in cohort.seeds.values()])
    information = float((sizes - 3).sum(axis=1).mean())
    tables = []
    for model, scores in gene_scores.groupby("model", sort=False):
        place = cohort.models.index(str(model))
        order = [cohort.gene_ids.index(gene) for gene in scores["gene_id"]]
        r = scores["pearson_r"].to_numpy(dtype=np.float64)
        p = 2 * norm.sf(np.sqrt(information) * np.abs(np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))))
        columns = {
            "gene_id": scores["gene_id"].to_numpy(),
            "model": model,
            "r2": r**2,
            "sign": np.sign(r).astype(np.int64),
            "p_value": p,
            "q_value": false_discovery_control(p),
        }
        sized = np.full((3, len(r)), np.nan)
        if model in fitted:
            per_seed = [_sizes(seed, place) for seed in cohort.seeds.values()]
            sized = np.mean(per_seed, axis=0)[:, order]
        columns |= dict(zip(("explained", "calibration_slope", "calibration_intercept"), sized, strict=True))
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _sizes(seed: ScoredSeed, model: int) -> NDArray[np.float64]:
    """Explained share, slope and intercept of each gene: (3, n_genes); NaN if what is measured is constant, and slope
    and intercept if what is predicted is.
    """
    x, y = seed.predicted[model], seed.measured
    whole = (y**2).sum(axis=1)
    explained = np.where(whole > 0, 1 - ((y - x) ** 2).sum(axis=1) / np.where(whole > 0, whole, 1.0), np.nan)
    covariance, variance = np.zeros((2, len(x)))
    for people in seed.people_of_folds():
        centred = x[:, people] - x[:, people].mean(axis=1, keepdims=True)
        centred[is_constant(x[:, people], beside=y[:, people])] = 0.0
        covariance += (centred * y[:, people]).sum(axis=1)
        variance += (centred**2).sum(axis=1)
    varies = variance > 0
    slope = np.where(varies, covariance / np.where(varies, variance, 1.0), np.nan)
    return np.stack([explained, slope, (y - slope[:, None] * x).mean(axis=1)])


def summarise_accuracy(accuracy: pd.DataFrame, gene_scores: pd.DataFrame, *, max_q: float = 0.05) -> pd.DataFrame:
    """One row per model: genes above a false discovery rate, and of these and of all the share with the wrong sign.

    Returns
    -------
    DataFrame
        ``model, n_genes, n_significant, n_wrong_sign`` (r below 0), ``n_large, n_large_wrong_sign`` (of genes with an
        absolute r above 0.2), ``mean_r2``, ``median_slope``, ``n_without_slope``.
    """
    table = accuracy.merge(gene_scores[["gene_id", "model", "pearson_r"]], on=["gene_id", "model"])
    rows = []
    for model, of_model in table.groupby("model", sort=False):
        r, slope = of_model["pearson_r"], of_model["calibration_slope"]
        large = r.abs() > 0.2
        rows.append(
            {
                "model": model,
                "n_genes": len(of_model),
                "n_significant": int(((of_model["q_value"] <= max_q) & (r > 0)).sum()),
                "n_wrong_sign": int((r < 0).sum()),
                "n_large": int(large.sum()),
                "n_large_wrong_sign": int((large & (r < 0)).sum()),
                "mean_r2": of_model["r2"].mean(),
                "median_slope": slope.median(),
                "n_without_slope": int(slope.isna().sum()),
            }
        )
    return pd.DataFrame(rows)
