"""What models of everybody say of where they come from, and whether another run's Enformer is theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.errors import InputError
from haploformer.parameters import DataPrepParameters, EnformerParameters, SequenceBuildParameters

#: What another run's Enformer must share, and the parameter that changes it.
_SAME = {
    "weights_sha256": "enformer.weights",
    "geometry": "enformer.preset",
    "tissue_tracks": "enformer.tracks",
    "first_order": "enformer.engine",
    "transform": "enformer.transform",
    "bins": "enformer.centre_bins",
    "strand": "sequence_build.strand",
    "copies": "data_prep.phase",
}


def describe_enformer(
    identity: Mapping[str, Any],
    tracks: pd.DataFrame,
    enformer: EnformerParameters,
    sequence_build: SequenceBuildParameters,
    data_prep: DataPrepParameters,
) -> dict[str, Any]:
    """What an Enformer column rests on, JSON values.

    Parameters
    ----------
    identity : mapping
        ``weights, weights_sha256, geometry, bins, engine``: attributes of stored predictions, or `planned_identity`.
    tracks : DataFrame
        The model's outputs.
    """
    from haploformer.enformer.tracks import resolve_tracks

    facts = {name: identity[name] for name in ("weights", "weights_sha256", "geometry", "bins")}
    facts |= {
        "tissue_tracks": resolve_tracks(enformer.tracks, tracks),
        "transform": enformer.transform,
        # The other engines predict the same but for rounding; this one to first order, and only the tissue's tracks.
        "first_order": identity["engine"] == "screening",
        "strand": sequence_build.strand,
        "copies": "mean of both" if data_prep.phase == "mean" else "one by one",
    }
    return dict(json.loads(json.dumps(facts)))


def planned_identity(tracks: pd.DataFrame, options: EnformerParameters) -> dict[str, Any]:
    """Of the Enformer that a run is going to use, what stored predictions will say of it; the weights are read."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.formats.weights import WeightsChoice, load_model

    choice = WeightsChoice(options.weights, Path(options.official_folder), options.gamma)
    model = load_model(choice, replace(PRESETS[options.preset], n_tracks=len(tracks)), seed=options.seed)
    return {
        "weights": model.weights,
        "weights_sha256": model.sha256,
        "geometry": asdict(model.geometry),
        "bins": list(model.geometry.centre_bins(options.centre_bins)),
        "engine": options.engine,
    }


def require_same_enformer(trained: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Raise InputError if an Enformer column is not the quantity that the stack's weights were fitted to."""
    for name, parameter in _SAME.items():
        # Of models that were stored before they told it, it is not known.
        if trained.get(name) != ours[name]:
            told = "weights" if name == "weights_sha256" else name
            raise InputError(
                f"parameters:{parameter}",
                f"the stack was fitted to Enformer with {told} {_short(trained, name)}, this run has {_short(ours, name)}",
                "give the parameters of the run that the models come from, or apply the baselines alone: --pipelines "
                "apply_baselines",
            )


def _short(facts: Mapping[str, Any], name: str) -> str:
    if name == "weights_sha256":
        return f"{facts['weights']} (sha256 {facts[name][:12]})"
    if name == "geometry":
        return f"of {facts[name]['window']:,} bases, dimension {facts[name]['dim']}"
    return str(facts.get(name, "unknown"))


def require_covering_windows(trained: Sequence[int], ours: Sequence[int]) -> None:
    """Raise InputError if variants that the models have weights of would not be read."""
    if max(ours) < max(trained):
        raise InputError(
            "parameters:baselines.cis_window",
            f"the models have variants of {max(trained):,} bases round each TSS, {max(ours):,} are read",
            f"set baselines.cis_window (or wide_window) to {max(trained)}",
        )
