"""Steps of ``sequence_prediction``: no people, only sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from haploformer.enformer.plan import PredictionPlan
from haploformer.formats.fasta import FastaReference
from haploformer.formats.sequences import SequenceFile
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.genome.sequence_windows import SequenceWindows
from haploformer.parameters import EnformerParameters, ExecutionParameters


def open_windows(sequences: SequenceFile, reference: FastaReference, options: EnformerParameters) -> SequenceWindows:
    """The sequences as windows of the model's length."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.genome.sequence_windows import sequence_windows

    length = PRESETS[options.preset].window
    return sequence_windows(sequences.regions, sequences.fasta or reference, length=length, source=str(sequences.path))


def plan_sequence_predictions(
    sequences: SequenceFile,
    reference: FastaReference,
    tracks: pd.DataFrame,
    options: EnformerParameters,
    execution: ExecutionParameters,
) -> PredictionPlan:
    """All tracks of every distinct sequence; saving the plan computes what is not stored yet."""
    from haploformer.model_plan import plan_model

    windows = open_windows(sequences, reference, options)
    rows = pd.DataFrame({"sequence": windows.table["sequence"], "window": np.arange(len(windows))})
    provenance: dict[str, Any] = {"sequences": {"source": sequences.path.name, "sha256": sequences.sha256}}
    if sequences.fasta is None:
        provenance["reference"] = {"source": reference.name, "sha256": reference.sha256}
    return plan_model(windows, windows.keys, rows, tracks, options, provenance=provenance, execution=execution)


def tabulate_sequences(
    sequences: SequenceFile,
    reference: FastaReference,
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> pd.DataFrame:
    """Summaries of each sequence, and its coverage on each of the tissue's tracks."""
    from haploformer.enformer.summaries import summarise_sequences, summary_columns
    from haploformer.enformer.tracks import resolve_tracks

    windows, tissue = open_windows(sequences, reference, options), resolve_tracks(options.tracks, tracks)
    columns = np.searchsorted(predictions.tracks, tissue).tolist()
    n_stored = len(predictions.tracks)
    by_bins = summary_columns(
        columns, n_stored, with_all_bins=options.bins != "centre", with_all_tracks=n_stored == len(tracks)
    )
    rows = predictions.windows["window"].to_numpy()
    names = predictions.windows["sequence"].tolist()
    coverage = {over: predictions.mean_coverage(rows, over=over) for over in by_bins}
    table = summarise_sequences(names, coverage, by_bins, tracks=tracks.iloc[tissue])
    places = windows.table.assign(n_share=windows.n_share)
    if sequences.fasta is not None:
        places = places.assign(contig=None, start=pd.NA, end=pd.NA)
    table = table.merge(places, on="sequence", how="left").assign(weights=predictions.attributes["weights"])
    return table[
        ["sequence", "contig", "start", "end", "n_share", "summary", "track", "description", "coverage", "weights"]
    ]


def report_sequences(
    table: pd.DataFrame, predictions: TrackPredictions, tracks: pd.DataFrame, options: EnformerParameters
) -> tuple[Any, str]:
    """The sequences as a figure and a page."""
    from haploformer import figures
    from haploformer.enformer.tracks import resolve_tracks

    figure = figures.plot_sequences(table)
    caption = f"The tissue's mean coverage of each sequence. Weights: {predictions.attributes['weights']}."
    shown = figures.ReportFigure("Sequences", figure, caption)
    tissue = resolve_tracks(options.tracks, tracks)
    page = figures.build_sequence_page(
        table, shown, predictions.attributes, title="Predicted coverage of sequences", tissue=tissue
    )
    return figure, page
