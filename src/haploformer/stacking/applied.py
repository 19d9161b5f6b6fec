"""Enformer's predictions of other people, and the stack of everybody applied to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.predicted_expression import NO_WEIGHTS, PREDICTED
from haploformer.stacking.cohort import MODEL
from haploformer.stacking.features import gather_zero_shot
from haploformer.stacking.final import apply_stack

#: What became of a gene of which Enformer says nothing.
NO_WINDOW = "no window of known sequence"

_COUNTS = ["n_wanted", "n_matched", "n_turned", "n_ambiguous", "n_missing", "n_calls_filled"]

#: Predictions (n_individuals,) by gene id and model.
Predictions = dict[tuple[str, str], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class AppliedPredictions:
    """Predictions of other people.

    Attributes
    ----------
    predicted : dict of (gene_id, model) to float64 (n_individuals,)
    audit : DataFrame, schema ``apply_audit``
        These models have no variants of their own.
    """

    predicted: Predictions
    audit: pd.DataFrame


def gather_enformer(
    tables: Sequence[pd.DataFrame], gene_ids: Sequence[str], individual_ids: Sequence[str]
) -> AppliedPredictions:
    """Enformer's coverage as predictions.

    Parameters
    ----------
    tables : sequence of DataFrame, schema ``predicted_expression``
        With null folds; one without rows is no model's.
    gene_ids, individual_ids : sequence of str
    """
    predicted: Predictions = {}
    outcomes = []
    for table in tables:
        for model in table["model"].unique():
            values = gather_zero_shot(table, model=model, gene_ids=gene_ids, individual_ids=individual_ids)
            for gene_id, of_gene in zip(gene_ids, values, strict=True):
                known = not np.isnan(of_gene).any()
                if known:
                    predicted[gene_id, model] = of_gene
                outcomes.append((gene_id, model, PREDICTED if known else NO_WINDOW))
    return AppliedPredictions(predicted, _audit(outcomes))


def apply_stacks(
    weights: pd.DataFrame,
    track_weights: pd.DataFrame,
    members: Mapping[tuple[str, str], NDArray[np.float64]],
    constant: Collection[tuple[str, str]],
    individual_ids: Sequence[str],
    *,
    tracks_of: Callable[..., NDArray[np.float64]],
    tracks: NDArray[np.int64],
) -> AppliedPredictions:
    """The stack, with and without Enformer, of every gene; InputError where components are of tracks not predicted.

    Parameters
    ----------
    weights : DataFrame, schema ``final_stack_weights``
    track_weights : DataFrame, schema ``final_track_weights``
    members : mapping of (gene_id, model) to float64 (n_individuals,)
    constant : collection of (gene_id, model)
        Models without weights: they predict their mean for everybody, and add nothing.
    individual_ids : sequence of str (n_individuals,)
    tracks_of : callable
        From a gene id and ``individual_ids`` to log2(coverage + 1), (n_individuals, n_tracks).
    tracks : int64 (n_tracks,)
        Which these are.

    Returns
    -------
    AppliedPredictions
        A gene of which a member with a weight could not be applied has no prediction, and is counted.
    """
    predicted: Predictions = {}
    outcomes = []
    rows_of_tracks = dict(list(track_weights.groupby("gene_id", sort=False)))
    for (model, gene_id), rows in weights.groupby(["model", "gene_id"], sort=False):
        known = {name: members.get((gene_id, name)) for name in rows["feature"]}
        there = {name: v for name, v in known.items() if v is not None or (gene_id, name) in constant}
        of_tracks = None
        if model == MODEL and gene_id in rows_of_tracks:
            coverage = tracks_of(gene_id, individual_ids=individual_ids)
            if np.isnan(coverage).any():
                outcomes.append((gene_id, model, f"a member is missing: {NO_WINDOW}"))
                continue
            of_tracks = _of_tracks(rows_of_tracks[gene_id], coverage, tracks)
        values, missing = apply_stack(rows, there, of_tracks=of_tracks)
        if values is not None:
            predicted[gene_id, model] = values
        outcome = f"a member is missing: {missing}" if missing else NO_WEIGHTS if values is None else PREDICTED
        outcomes.append((gene_id, model, outcome))
    return AppliedPredictions(predicted, _audit(outcomes))


def _of_tracks(rows: pd.DataFrame, coverage: NDArray[np.float64], tracks: NDArray[np.int64]) -> NDArray[np.float64]:
    """What components add (n_individuals,)."""
    columns = pd.Index(tracks).get_indexer(rows["track"])
    if (columns < 0).any():
        raise InputError(
            f"final_track_weights, gene_id {rows['gene_id'].iloc[0]}",
            f"{int((columns < 0).sum())} of {len(rows)} tracks of its components are not among those predicted (first: "
            f"{rows['track'].to_numpy()[columns < 0][0]})",
            "predict all tracks (enformer.engine=exact), with the track table of the run that the models come from",
        )
    return (coverage[:, columns] - rows["mean"].to_numpy(np.float64)) @ rows["weight"].to_numpy(np.float64)


def _audit(outcomes: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    table = pd.DataFrame(outcomes, columns=["gene_id", "model", "outcome"])
    table[_COUNTS] = 0
    table[["matched_share", "weighted_share"]] = np.nan
    return table[["gene_id", "model", *_COUNTS, "matched_share", "weighted_share", "outcome"]]
