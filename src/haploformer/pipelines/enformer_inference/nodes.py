"""Steps of ``enformer_inference``: from haplotype windows to predicted expression."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace

import numpy as np
import pandas as pd

from haploformer import __version__
from haploformer.enformer.plan import PredictionPlan
from haploformer.formats.prediction_store import TrackPredictions
from haploformer.genome.haplotype_windows import HaplotypeWindows
from haploformer.parameters import EnformerParameters

logger = logging.getLogger(__name__)


def plan_track_predictions(
    haplotypes: HaplotypeWindows, tracks: pd.DataFrame, options: EnformerParameters
) -> PredictionPlan:
    """All tracks of every distinct window; saving the plan computes what is not stored yet."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.enformer.library import LibraryEngine
    from haploformer.enformer.model import canonical_state, weights_sha256
    from haploformer.enformer.plan import plan_predictions
    from haploformer.formats.weights import load_module

    geometry = replace(PRESETS[options.preset], n_tracks=len(tracks))
    module = load_module(options.weights, geometry, seed=options.seed)
    sha256 = weights_sha256(canonical_state(module))
    plan = plan_predictions(
        LibraryEngine(module, geometry, batch_size=options.batch_size),
        haplotypes,
        haplotypes.keys,
        haplotypes.carriers(),
        tracks=tracks["track"].tolist(),
        bins=geometry.centre_bins(options.centre_bins),
        shard_rows=options.shard_windows,
        identity={"geometry": asdict(geometry), "weights_sha256": sha256, "code_version": __version__},
        provenance={"model": f"Enformer, preset {options.preset}", "weights": options.weights, **haplotypes.provenance},
    )
    logger.info(
        "Enformer (%s, weights %s): %d windows in %d shards, %d tracks",
        *(options.preset, options.weights, len(plan.keys), len(plan.shards()), len(plan.tracks)),
    )
    return plan


def summarise_predictions(
    predictions: TrackPredictions, tracks: pd.DataFrame, options: EnformerParameters
) -> pd.DataFrame:
    """Per gene and person the tissue's tracks and all tracks, beside the reference."""
    from haploformer.enformer.summaries import haplotype_mean, summarise_gene
    from haploformer.enformer.tracks import resolve_tracks

    columns = np.searchsorted(predictions.tracks, resolve_tracks(options.tracks, tracks)).tolist()
    summaries = []
    for gene_id, copies in predictions.windows.groupby("gene_id", sort=False):
        reference = copies[copies["individual_id"].isna()]
        carried = copies[copies["individual_id"].notna()]
        person, individual_ids = pd.factorize(carried["individual_id"])
        coverage = predictions.rows(carried["window"].to_numpy())
        personal = haplotype_mean(coverage, person, len(individual_ids))
        of_reference = predictions.rows(reference["window"].to_numpy())[0]
        summaries.append(
            summarise_gene(str(gene_id), list(individual_ids), personal, of_reference, tissue_columns=columns)
        )
    return pd.concat(summaries, ignore_index=True)


def predict_zero_shot(summaries: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tissue's coverage, and that of all tracks, as two predictors of expression."""
    from haploformer.enformer.summaries import ALL_TRACKS_MEAN, TISSUE_MEAN, zero_shot_predictions

    return (
        zero_shot_predictions(summaries, summary=TISSUE_MEAN, model="enformer"),
        zero_shot_predictions(summaries, summary=ALL_TRACKS_MEAN, model="enformer_all_tracks"),
    )
