"""The network, and models of another run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from haploformer.errors import InputError


def check_model(load: Callable[[str], Any], options: Any) -> None:
    """The tissue's tracks are in the list of tracks, and weights and geometry are there and fit."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.enformer.tracks import resolve_tracks

    tracks = load("track_table")
    resolve_tracks(options.tracks, tracks)
    _require_bins("parameters:enformer.centre_bins", options.preset, options.centre_bins)
    if options.weights != "untrained" or options.gamma is not None:
        from haploformer.formats.weights import OFFICIAL, WeightsChoice, check_weights

        if options.weights == OFFICIAL and options.preset != "full":
            raise InputError(
                "parameters:enformer.weights",
                f"the official weights are those of preset full, this run has preset {options.preset}",
                "set enformer.preset=full, or enformer.weights=untrained to try the chain with a small network",
            )
        choice = WeightsChoice(options.weights, Path(options.official_folder), options.gamma)
        check_weights(choice, replace(PRESETS[options.preset], n_tracks=len(tracks)))


def _require_bins(where: str, preset: str, n: int) -> None:
    """The preset's output has so many bins in its middle."""
    from haploformer.enformer.geometry import PRESETS

    try:
        PRESETS[preset].centre_bins(n)
    except ValueError as error:
        raise InputError(where, str(error), "choose fewer bins") from error


def check_trained_models(names: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    """Models of another run are of use with the same Enformer, and where their variants are read."""
    from haploformer.trained_models import (
        describe_enformer,
        planned_identity,
        require_covering_windows,
        require_same_enformer,
    )

    require_covering_windows(load("trained_facts")["cis_windows"], parameters["baselines"].windows)
    if "trained_enformer_facts" in names:
        trained, tracks = load("trained_enformer_facts"), load("track_table")
        check_features(trained["features"], parameters["enformer"])
        planned = planned_identity(tracks, parameters["enformer"])
        groups = (parameters["enformer"], parameters["sequence_build"], parameters["data_prep"])
        require_same_enformer(trained, describe_enformer(planned, tracks, *groups))


def check_levels(load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    """Levels, windows and folds of genes, as the run will have them, and bins that can be predicted one by one."""
    from haploformer.pipelines.across_genes.nodes import make_levels

    enformer, centre_bins = parameters["enformer"], parameters["across_genes"].centre_bins
    _require_bins("parameters:across_genes.centre_bins", enformer.preset, centre_bins)
    if enformer.engine == "screening":
        raise InputError(
            "parameters:enformer.engine",
            "screening predicts the mean over the centre bins of the tissue's tracks, and levels are fitted to each bin of "
            "all tracks",
            "set it to exact",
        )
    inputs = ("expression_levels", "gene_annotation", "reference_genome", "enformer_sequences")
    groups = ("data_prep", "select", "sequence_build", "enformer", "across_genes")
    make_levels(*map(load, inputs), *(parameters[name] for name in groups))


def check_cis_windows(stored: Any, options: Any) -> None:
    """Stored cis windows are those that the parameters ask for: models of others would have other names, or none."""
    lengths = sorted({int(length) for length in stored["cis_window"]})
    if lengths != sorted(options.windows):
        there, wanted = (", ".join(f"{length:,}" for length in sorted(sides)) for sides in (lengths, options.windows))
        raise InputError(
            "parameters:baselines.cis_window, wide_window",
            f"the stored cis windows have {there} bases, this run has {wanted}",
            "give those of the run that stored them, or run the chain again with these",
        )


def check_features(features: Iterable[str], enformer: Any) -> None:
    """Enformer's features of the stack are among what is predicted."""
    if "enformer_all_bins" in features and enformer.bins == "centre":
        raise InputError(
            "parameters:stacking.features",
            "enformer_all_bins is asked for, and only the centre bins are predicted",
            "set enformer.bins: all, or leave that feature out",
        )


def check_window_length(name: str, stored: int, options: Any) -> None:
    """Stored windows are as long as the network's."""
    from haploformer.enformer.geometry import PRESETS

    wanted = PRESETS[options.preset].window
    if stored != wanted:
        raise InputError(
            name,
            f"the stored windows have {stored:,} bases, preset {options.preset} takes {wanted:,}",
            "build them again with this preset: kedro run --pipelines data_prep,sequence_build",
        )
