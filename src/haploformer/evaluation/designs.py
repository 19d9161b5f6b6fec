"""What training has seen, and what r is left: seen and unseen people, populations and genes."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

_IN_SAMPLE = "r of the people who were fitted to says nothing about others"
_NO_GENE = "fitted to the variants of its own genes"
_NO_SEEN = "fitted to nobody here: every gene and person is unseen"
_ZERO_SHOT = "fitted to nobody here; the network itself was trained on the reference genome"


def tabulate_designs(scores: pd.DataFrame, held_out: pd.DataFrame, *, zero_shot: Collection[str]) -> pd.DataFrame:
    """Mean r of each model over genes in each cell that it can fill.

    Parameters
    ----------
    scores : DataFrame, schema ``gene_scores``
        People unseen, their populations seen.
    held_out : DataFrame, schema ``population_scores``
        Populations unseen; the mean is taken over genes, then over populations.
    zero_shot : collection of str
        Models that were fitted to nobody: their genes are unseen, too.

    Returns
    -------
    DataFrame, schema ``design_cells``
        Six cells per model.
    """
    means = {
        "unseen": scores.groupby("model")["pearson_r"].agg(["mean", "size"]),
        "unseen population": held_out.groupby(["model", "population"])["pearson_r"].agg(["mean", "size"]),
    }
    rows = []
    for model in dict.fromkeys(scores["model"]):
        for genes in ("seen", "unseen"):
            for people in ("seen", "unseen", "unseen population"):
                remark = _why_empty(genes, people, zero_shot=model in zero_shot)
                n, r = 0, None
                if remark is None:
                    of_model = means[people].loc[[model]]
                    n, r = int(of_model["size"].max()), float(of_model["mean"].mean())
                    remark = _ZERO_SHOT if model in zero_shot else "fitted to other people, same genes"
                rows.append((model, genes, people, n, r, remark))
    table = pd.DataFrame(rows, columns=["model", "genes", "people", "n_genes", "mean_pearson_r", "remark"])
    return table.astype({"mean_pearson_r": float})


def _why_empty(genes: str, people: str, *, zero_shot: bool) -> str | None:
    """Why a model cannot fill a cell; None if it can."""
    if zero_shot:
        return _NO_SEEN if genes == "seen" or people == "seen" else None
    if genes == "unseen":
        return _NO_GENE
    return _IN_SAMPLE if people == "seen" else None
