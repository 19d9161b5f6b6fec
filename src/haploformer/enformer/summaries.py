"""One number per person and gene from the predicted tracks.

The order matters: coverage is averaged over bins, then over the two haplotypes, then over tracks, and only then is a
logarithm taken. The mean of logarithms is another quantity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.predicted_expression import zero_shot_rows

TISSUE_MEAN = "tissue_mean"
ALL_TRACKS_MEAN = "all_tracks_mean"
ALL_BINS_MEAN = "all_bins_mean"

#: Models that each are one summary.
SUMMARY_OF_MODEL = {
    "enformer": TISSUE_MEAN,
    "enformer_all_tracks": ALL_TRACKS_MEAN,
    "enformer_all_bins": ALL_BINS_MEAN,
}


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


def summary_columns(
    tissue: Sequence[int], n_tracks: int, *, with_all_bins: bool, with_all_tracks: bool = True
) -> dict[str, dict[str, Sequence[int]]]:
    """The summaries of a run: over which bins (``centre``, ``all``), then which columns each of them averages."""
    everything = range(n_tracks)
    columns: dict[str, dict[str, Sequence[int]]] = {"centre": {TISSUE_MEAN: tissue}}
    if with_all_tracks:
        columns["centre"][ALL_TRACKS_MEAN] = everything
    return columns | ({"all": {ALL_BINS_MEAN: everything}} if with_all_bins else {})


def summarise_gene(
    gene_id: str,
    individual_ids: Sequence[str],
    personal: NDArray[np.float64],
    reference: NDArray[np.float32],
    *,
    tracks: Mapping[str, Sequence[int]],
) -> pd.DataFrame:
    """Summaries of one gene.

    Parameters
    ----------
    personal : float64 (n_individuals, n_tracks)
        Mean coverage over bins and haplotypes.
    reference : float32 (n_tracks,)
        The same of the reference window.
    tracks : mapping of summary to sequence of int
        Columns that each summary averages.

    Returns
    -------
    DataFrame
        Long: ``gene_id, individual_id, summary, personal, reference, difference, log2_fold_change``.
    """
    parts = []
    for summary, columns in tracks.items():
        ours = personal[:, list(columns)].mean(axis=1)
        theirs = float(reference[list(columns)].astype(np.float64).mean())
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


def summarise_sequences(
    names: Sequence[str],
    coverage: Mapping[str, NDArray[np.float32]],
    columns: Mapping[str, Mapping[str, Sequence[int]]],
    *,
    tracks: pd.DataFrame,
) -> pd.DataFrame:
    """Summaries of sequences that belong to nobody, and their coverage on single tracks.

    Parameters
    ----------
    names : sequence of str (n_sequences,)
    coverage : mapping of ``centre`` or ``all`` to float32 (n_sequences, n_tracks)
        Mean over these bins.
    columns : mapping
        As `summary_columns` gives.
    tracks : DataFrame
        ``track`` (equal to its column), ``description``: those to be told one by one, at the centre bins.

    Returns
    -------
    DataFrame
        Long: ``sequence, summary, track, description, coverage``; the summaries first, then ``track``.
    """
    parts = []
    for over, by_summary in columns.items():
        for summary, chosen in by_summary.items():
            mean = coverage[over][:, list(chosen)].mean(axis=1, dtype=np.float64)
            parts.append(pd.DataFrame({"sequence": list(names), "summary": summary, "coverage": mean}))
    for track in tracks.itertuples():
        of_track = coverage["centre"][:, track.track].astype(np.float64)
        single = {"summary": "track", "track": track.track, "description": track.description, "coverage": of_track}
        parts.append(pd.DataFrame({"sequence": list(names), **single}))
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"track": "Int64"})[["sequence", "summary", "track", "description", "coverage"]]


def zero_shot_predictions(
    summaries: pd.DataFrame, *, summary: str, model: str, transform: str = "coverage"
) -> pd.DataFrame:
    """A summary as the prediction of a model that was fitted to nobody here: the same in every fold.

    Parameters
    ----------
    summaries : DataFrame, schema ``enformer_summaries``
    summary, model : str
    transform : str
        ``coverage``, ``log1p`` (natural logarithm of coverage + 1), ``log2`` (of coverage + 1) or ``log2_fold_change``
        (against the reference).

    Returns
    -------
    DataFrame
        ``gene_id, individual_id, model, fold_seed, fold, predicted_expression`` with null folds.
    """
    chosen = summaries[summaries["summary"] == summary]
    values = chosen["log2_fold_change" if transform == "log2_fold_change" else "personal"].to_numpy(dtype=np.float64)
    if transform in {"log1p", "log2"}:
        values = np.log1p(values) if transform == "log1p" else np.log2(values + 1)
    return zero_shot_rows(chosen["gene_id"].tolist(), chosen["individual_id"].tolist(), values, model=model)
