"""The last lines of a run: what came out, in a table for a terminal."""

from __future__ import annotations

import pandas as pd

MEAN_R = "mean_pearson_r"


def describe_scores(gene_scores: pd.DataFrame, check: pd.DataFrame) -> str:
    """Mean r of each model, with the interval in which it is known to lie where there is one.

    Parameters
    ----------
    gene_scores : DataFrame, schema ``gene_scores``
    check : DataFrame, schema ``known_answer_check``
    """
    expected = check[check["quantity"] == MEAN_R].set_index("model")
    lines = [("model", "weights", "genes", "mean r", "expected", "")]
    for model, scores in gene_scores.groupby("model", sort=False):
        weights = scores["weights"].iloc[0]
        interval, verdict = "", ""
        if model in expected.index:
            row = expected.loc[model]
            interval = f"{row['low']:.3f} to {row['high']:.3f}"
            verdict = "inside" if row["inside"] else "OUTSIDE"
        mean = f"{scores['pearson_r'].mean():.3f}"
        lines.append((str(model), "" if pd.isna(weights) else str(weights), str(len(scores)), mean, interval, verdict))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    other = check[check["quantity"] != MEAN_R]
    rows += [
        f"{row.model}: {row.quantity} {row.value:.2g}, expected {row.low:g} to {row.high:g}, "
        f"{'inside' if row.inside else 'OUTSIDE'}"
        for row in other.itertuples()
    ]
    return "\n".join(rows)
