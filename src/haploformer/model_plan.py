"""From the parameters of a run to a plan of predictions: the model is loaded, nothing is computed yet."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer import __version__
from haploformer.enformer.bins import KeptBins
from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.devices import choose_device
from haploformer.enformer.engine import InferenceEngine, Windows
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS, Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.plan import Execution, PredictionPlan, plan_predictions
from haploformer.enformer.screening import ScreeningEngine, require_few_tracks
from haploformer.enformer.tracks import resolve_tracks
from haploformer.errors import InputError
from haploformer.formats.weights import OFFICIAL, UNTRAINED, WeightsChoice, load_model
from haploformer.parameters import EnformerParameters, ExecutionParameters

logger = logging.getLogger(__name__)


def plan_model(
    windows: Windows,
    keys: Sequence[str],
    carriers: pd.DataFrame,
    tracks: pd.DataFrame,
    options: EnformerParameters,
    *,
    provenance: dict[str, Any],
    execution: ExecutionParameters,
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
    execution : ExecutionParameters
    """
    choice = WeightsChoice(options.weights, Path(options.official_folder), options.gamma)
    model = load_model(choice, replace(PRESETS[options.preset], n_tracks=len(tracks)), seed=options.seed)
    geometry = model.geometry
    engine = _engine(model.module, geometry, options)
    plan = plan_predictions(
        engine,
        windows,
        keys,
        carriers,
        tracks=stored_tracks(tracks, options),
        bins=KeptBins(options.bins, tuple(geometry.centre_bins(options.centre_bins)), geometry.n_bins),
        shard_rows=options.shard_windows,
        identity={"geometry": asdict(geometry), "weights_sha256": model.sha256, "code_version": __version__},
        provenance={
            "model": f"Enformer, preset {options.preset}",
            "weights": model.weights,
            "position_features": geometry.position_features,
            "device": engine.device.type,
            **provenance,
        },
        load=EngineSource(options, len(tracks), Path.cwd(), model.sha256),
        execution=Execution(
            execution.executor, execution.shard_index, execution.shard_count, execution.cluster.model_dump()
        ),
    )
    logger.info(
        "Enformer (%s, weights %s, %s): %d windows in %d shards, %d tracks",
        *(options.preset, model.weights, geometry.position_features),
        *(len(plan.keys), len(plan.shards()), len(plan.tracks)),
    )
    return plan


def stored_tracks(tracks: pd.DataFrame, options: EnformerParameters) -> list[int]:
    """The tracks that are predicted and stored: all, or where a track costs as much as many windows the tissue's."""
    if options.engine == "screening":
        tissue = sorted(resolve_tracks(options.tracks, tracks))
        require_few_tracks(tissue)
        return tissue
    every: list[int] = tracks["track"].tolist()
    return every


@dataclass(frozen=True)
class EngineSource:
    """Gives the engine of a plan to another process.

    Attributes
    ----------
    options : EnformerParameters
    n_tracks : int
    folder : Path
        From where paths of weights are meant.
    sha256 : str
        Of the weights that the plan was made with.
    """

    options: EnformerParameters
    n_tracks: int
    folder: Path
    sha256: str

    def __call__(self) -> InferenceEngine:
        """Load the weights; InputError if they have changed since."""
        options = self.options
        weights = options.weights if options.weights in {UNTRAINED, OFFICIAL} else str(self.folder / options.weights)
        choice = WeightsChoice(weights, self.folder / options.official_folder, options.gamma)
        model = load_model(choice, replace(PRESETS[options.preset], n_tracks=self.n_tracks), seed=options.seed)
        if model.sha256 != self.sha256:
            raise InputError(
                str(choice.path or weights),
                f"the weights are not those that the run began with (sha256 {model.sha256[:12]}, then {self.sha256[:12]})",
                "run again",
            )
        return _engine(model.module, model.geometry, options)


def _engine(module: Any, geometry: Geometry, options: EnformerParameters) -> InferenceEngine:
    device = choose_device(options.device)
    if options.engine == "library":
        return LibraryEngine(module, geometry, batch_size=options.batch_size, device=device)
    if options.engine == "delta":
        return DeltaEngine(module, geometry, batch_size=options.batch_size, limit=options.delta_limit, device=device)
    if options.engine == "screening":
        if options.bins != "centre":
            raise InputError(
                "parameters:enformer.bins",
                f"screening predicts the mean over the centre bins alone, and enformer.bins={options.bins} is asked for",
                "set enformer.bins: centre, or enformer.engine: exact",
            )
        return ScreeningEngine(module, geometry, batch_size=options.batch_size, device=device)
    return ExactEngine(module, geometry, batch_size=options.batch_size, device=device)
