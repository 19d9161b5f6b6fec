"""Scores of each model over genes."""

from __future__ import annotations

import pandas as pd


def summarise_models(gene_scores: pd.DataFrame, *, known_answer_check: pd.DataFrame | None = None) -> pd.DataFrame:
    """Mean and median r of each model over genes, beside what the data are known to hold.

    Genes of one region share people and variants, so that no standard error over genes is given (docs/methods.md).

    Parameters
    ----------
    gene_scores : DataFrame, schema ``gene_scores``
        ``weights`` is not needed.
    known_answer_check : DataFrame, schema ``known_answer_check``, optional

    Returns
    -------
    DataFrame
        ``model, n_genes, mean_pearson_r, median_pearson_r, mean_spearman_r, mean_seed_sd, n_constant_genes,
        n_constant_folds``, models in the order of their first row. ``mean_seed_sd`` is the mean over genes of the sd
        over fold seeds, NaN for a single seed; ``n_constant_genes`` are the genes with a constant prediction in at
        least one fold. Where the check says something of ``mean_pearson_r``, also ``expected_low, expected_high,
        inside``, null for the models of which it says nothing.
    """
    summary = (
        gene_scores.assign(constant=gene_scores["n_constant_folds"] > 0)
        .groupby("model", sort=False)
        .agg(
            n_genes=("gene_id", "size"),
            mean_pearson_r=("pearson_r", "mean"),
            median_pearson_r=("pearson_r", "median"),
            mean_spearman_r=("spearman_r", "mean"),
            mean_seed_sd=("pearson_r_seed_sd", "mean"),
            n_constant_genes=("constant", "sum"),
            n_constant_folds=("n_constant_folds", "sum"),
        )
    )
    if known_answer_check is not None:
        rows = known_answer_check[known_answer_check["quantity"] == "mean_pearson_r"].set_index("model")
        expected = rows.reindex(summary.index)
        if expected["low"].notna().any():
            summary["expected_low"] = expected["low"]
            summary["expected_high"] = expected["high"]
            summary["inside"] = expected["inside"].astype("boolean")
    return summary.reset_index()
