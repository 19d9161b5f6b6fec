"""From the parameters of a run to a plan of predictions: the model is loaded, nothing is computed yet."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer import __version__
from haploformer.enformer.bins import KeptBins
from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.engine import InferenceEngine, Windows
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS, Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.plan import PredictionPlan, plan_predictions
from haploformer.formats.weights import WeightsChoice, load_model
from haploformer.parameters import EnformerParameters

logger = logging.getLogger(__name__)


def plan_model(
    windows: Windows,
    keys: Sequence[str],
    carriers: pd.DataFrame,
    tracks: pd.DataFrame,
    options: EnformerParameters,
    *,
    provenance: dict[str, Any],
) -> PredictionPlan:
    """All tracks of every distinct window, by the model that the parameters name.

    Parameters
    ----------
    windows, keys, carriers
        As in `haploformer.enformer.plan.plan_predictions`.
    tracks : DataFrame
        The model's outputs.
    provenance : dict
        Where the windows come from. JSON values.
    """
    choice = WeightsChoice(options.weights, Path(options.official_folder), options.gamma)
    model = load_model(choice, replace(PRESETS[options.preset], n_tracks=len(tracks)), seed=options.seed)
    geometry = model.geometry
    plan = plan_predictions(
        _engine(model.module, geometry, options),
        windows,
        keys,
        carriers,
        tracks=tracks["track"].tolist(),
        bins=KeptBins(options.bins, tuple(geometry.centre_bins(options.centre_bins)), geometry.n_bins),
        shard_rows=options.shard_windows,
        identity={"geometry": asdict(geometry), "weights_sha256": model.sha256, "code_version": __version__},
        provenance={
            "model": f"Enformer, preset {options.preset}",
            "weights": model.weights,
            "position_features": geometry.position_features,
            **provenance,
        },
    )
    logger.info(
        "Enformer (%s, weights %s, %s): %d windows in %d shards, %d tracks",
        *(options.preset, model.weights, geometry.position_features),
        *(len(plan.keys), len(plan.shards()), len(plan.tracks)),
    )
    return plan


def _engine(module: Any, geometry: Geometry, options: EnformerParameters) -> InferenceEngine:
    if options.engine == "library":
        return LibraryEngine(module, geometry, batch_size=options.batch_size)
    if options.engine == "delta":
        return DeltaEngine(module, geometry, batch_size=options.batch_size, limit=options.delta_limit)
    return ExactEngine(module, geometry, batch_size=options.batch_size)
