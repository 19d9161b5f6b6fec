"""One number per person and gene from the predicted tracks.

The order matters: coverage is averaged over bins, then over the two haplotypes, then over tracks, and only then is a
logarithm taken. The mean of logarithms is another quantity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.predicted_expression import zero_shot_rows

TISSUE_MEAN = "tissue_mean"
ALL_TRACKS_MEAN = "all_tracks_mean"


def haplotype_mean(coverage: NDArray[np.float32], person: NDArray[np.int64], n_individuals: int) -> NDArray[np.float64]:
    """Mean over each person's chromosome copies.

    Parameters
    ----------
    coverage : float32 (n_copies, n_tracks)
    person : int64 (n_copies,)
        Whose copy each row is: one copy or two.

    Returns
    -------
    float64 (n_individuals, n_tracks)
        NaN for a person without a copy.
    """
    total = np.zeros((n_individuals, coverage.shape[1]))
    np.add.at(total, person, coverage.astype(np.float64))
    copies = np.bincount(person, minlength=n_individuals)
    mean: NDArray[np.float64] = np.divide(
        total, copies[:, None], out=np.full_like(total, np.nan), where=copies[:, None] > 0
    )
    return mean


def summarise_gene(
    gene_id: str,
    individual_ids: Sequence[str],
    personal: NDArray[np.float64],
    reference: NDArray[np.float32],
    *,
    tissue_columns: Sequence[int],
) -> pd.DataFrame:
    """Summaries of one gene: the tissue's tracks, and all tracks.

    Parameters
    ----------
    personal : float64 (n_individuals, n_tracks)
        Mean coverage over bins and haplotypes.
    reference : float32 (n_tracks,)
        The same of the reference window.
    tissue_columns : sequence of int
        Columns of the tissue's tracks.

    Returns
    -------
    DataFrame
        Long: ``gene_id, individual_id, summary, personal, reference, difference, log2_fold_change``.
    """
    parts = []
    for summary, columns in ((TISSUE_MEAN, list(tissue_columns)), (ALL_TRACKS_MEAN, list(range(personal.shape[1])))):
        ours = personal[:, columns].mean(axis=1)
        theirs = float(reference[columns].astype(np.float64).mean())
        parts.append(
            pd.DataFrame(
                {
                    "gene_id": gene_id,
                    "individual_id": list(individual_ids),
                    "summary": summary,
                    "personal": ours,
                    "reference": theirs,
                    "difference": ours - theirs,
                    "log2_fold_change": np.log2(ours + 1) - np.log2(theirs + 1),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def zero_shot_predictions(summaries: pd.DataFrame, *, summary: str, model: str) -> pd.DataFrame:
    """A summary as the prediction of a model that was fitted to nobody here: the same in every fold.

    Returns
    -------
    DataFrame
        ``gene_id, individual_id, model, fold_seed, fold, predicted_expression`` with null folds.
    """
    chosen = summaries[summaries["summary"] == summary]
    personal = chosen["personal"].to_numpy(dtype=np.float64)
    return zero_shot_rows(chosen["gene_id"].tolist(), chosen["individual_id"].tolist(), personal, model=model)
