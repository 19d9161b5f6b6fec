"""What simulated data are known to hold, beside what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from haploformer.errors import InputError

#: Largest difference between predicted and true Enformer output, in sds of the truth between people.
ENFORMER_QUANTITY = "max_difference_from_truth_in_gene_sd"


def compare_with_known_answer(
    gene_scores: pd.DataFrame,
    predicted_enformer: pd.DataFrame,
    known_answer: Mapping[str, Any],
    truth: pd.DataFrame,
) -> pd.DataFrame:
    """Set each quantity beside the interval in which it must lie.

    Parameters
    ----------
    gene_scores : DataFrame, schema ``gene_scores``
    predicted_enformer : DataFrame, schema ``predicted_expression``
        Rows of model ``enformer``; others are left aside.
    known_answer : mapping
        ``mean_pearson_r``: model to [low, high], the mean over genes; ``enformer_tolerance``: see Returns.
    truth : DataFrame
        ``gene_id, individual_id, enformer``: the same quantity, computed when the data were simulated.

    Returns
    -------
    DataFrame, schema ``known_answer_check``
        One row ``mean_pearson_r`` per model of the known answer, and one ``max_difference_from_truth_in_gene_sd`` of
        ``enformer`` from 0 to the tolerance: the largest over genes of the largest absolute difference over people,
        divided by the sd (ddof 1) of the truth between people. A gene whose truth is the same in everybody is divided
        by the median sd of the others.

    Raises
    ------
    InputError
        If a model has no score, or predictions and truth are not of the same genes and people.
    """
    rows = []
    for model, (low, high) in known_answer["mean_pearson_r"].items():
        scores = gene_scores.loc[gene_scores["model"] == model, "pearson_r"]
        if scores.empty:
            raise InputError(
                f"known_answer: mean_pearson_r.{model}", "the model has no score", "run it, or take it off the list"
            )
        rows.append((model, "mean_pearson_r", float(scores.mean()), float(low), float(high)))
    difference = _largest_difference(predicted_enformer, truth)
    rows.append(("enformer", ENFORMER_QUANTITY, difference, 0.0, float(known_answer["enformer_tolerance"])))
    check = pd.DataFrame(rows, columns=["model", "quantity", "value", "low", "high"])
    return check.assign(inside=check["value"].between(check["low"], check["high"]))


def no_known_answer() -> pd.DataFrame:
    """The check of data of which nothing is known: schema ``known_answer_check`` without rows."""
    columns = {"model": "str", "quantity": "str", "value": float, "low": float, "high": float, "inside": bool}
    return pd.DataFrame(columns=list(columns)).astype(columns)


def require_inside(check: pd.DataFrame) -> None:
    """Raise InputError, naming the first quantity outside its interval.

    Parameters
    ----------
    check : DataFrame, schema ``known_answer_check``
    """
    outside = check[~check["inside"]]
    if len(outside):
        first = outside.iloc[0]
        raise InputError(
            f"known_answer: {first['model']}.{first['quantity']}",
            f"is {first['value']:.4g}, known to lie from {first['low']:.4g} to {first['high']:.4g} "
            f"({len(outside)} of {len(check)} quantities are outside)",
            "the code or the data have changed: find out which, before trusting any score",
        )


def _largest_difference(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """Largest difference from the truth over genes, in sds of the truth between people."""
    keys = ["gene_id", "individual_id"]
    ours = predicted.loc[predicted["model"] == "enformer", [*keys, "predicted_expression"]]
    both = ours.merge(truth[[*keys, "enformer"]], on=keys, how="outer", validate="one_to_one", indicator=True)
    alone = both[both["_merge"] != "both"]
    if len(both) == 0 or len(alone):
        first = (
            f"gene_id {alone['gene_id'].iloc[0]}, individual_id {alone['individual_id'].iloc[0]}" if len(alone) else ""
        )
        raise InputError(
            f"known_answer: truth {first}".rstrip(),
            f"{len(alone)} of {len(both)} pairs are in the predictions or in the truth only",
            "predict all genes and individuals of the demo",
        )
    gene = both["gene_id"]
    largest = (both["predicted_expression"] - both["enformer"]).abs().fillna(np.inf).groupby(gene).max()
    sd = both["enformer"].groupby(gene).std()
    varies = sd > 1e-9 * both["enformer"].abs().groupby(gene).max()
    if not varies.any():
        raise InputError("known_answer: truth", "no gene differs between people", "simulate the data again")
    return float(np.max(largest / sd.where(varies, sd[varies].median())))
