"""What all pipelines of windows share: the model predicts every distinct window, in shards; the tissue's columns of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from haploformer.enformer.plan import PredictionPlan
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.genome.haplotype_windows import HaplotypeWindows
from haploformer.genome.variant_windows import EditedWindows
from haploformer.parameters import EnformerParameters, ExecutionParameters


def plan_window_predictions(
    windows: HaplotypeWindows | EditedWindows,
    tracks: pd.DataFrame,
    options: EnformerParameters,
    execution: ExecutionParameters,
) -> PredictionPlan:
    """All tracks of every distinct window; saving the plan computes what is not stored yet."""
    from haploformer.model_plan import plan_model

    return plan_model(
        windows,
        windows.keys,
        windows.carriers(),
        tracks,
        options,
        provenance=windows.provenance,
        execution=execution,
    )


def tissue_columns(predictions: TrackPredictions, tracks: pd.DataFrame, options: EnformerParameters) -> list[int]:
    """Which columns of stored predictions are the tissue's tracks."""
    from haploformer.enformer.tracks import resolve_tracks

    columns: list[int] = np.searchsorted(predictions.tracks, resolve_tracks(options.tracks, tracks)).tolist()
    return columns


def create_prediction_pipeline(windows: str, predictions: str, *, name: str) -> Pipeline:
    """Windows in, predicted tracks out: all of them, or one part of several.

    Parameters
    ----------
    windows, predictions : str
        Datasets.
    name : str
        Of the node.
    """
    inputs = [windows, "track_table", "params:enformer", "params:execution"]
    return pipeline([node(plan_window_predictions, inputs, predictions, name=name)])
