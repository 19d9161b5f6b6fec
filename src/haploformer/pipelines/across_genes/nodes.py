"""Steps of ``across_genes``: levels of genes from windows of the reference."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from haploformer.enformer.plan import PredictionPlan
from haploformer.formats.expression_bed import ExpressionBed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import (
    AcrossGenesParameters,
    DataPrepParameters,
    EnformerParameters,
    ExecutionParameters,
    SelectParameters,
    SequenceBuildParameters,
)

logger = logging.getLogger(__name__)


def prepare_levels(
    bed: ExpressionBed,
    annotation: pd.DataFrame,
    reference: FastaReference,
    sequences: pd.DataFrame,
    data_prep: DataPrepParameters,
    select: SelectParameters,
    build: SequenceBuildParameters,
    enformer: EnformerParameters,
    options: AcrossGenesParameters,
) -> pd.DataFrame:
    """Mean expression of each gene whose window is known, and the fold in which it is held out."""
    genes = make_levels(bed, annotation, reference, sequences, data_prep, select, build, enformer, options)
    _tell_levels(genes, options)
    return genes.dropna(subset=["locus"]).reset_index(drop=True)


def make_levels(
    bed: ExpressionBed,
    annotation: pd.DataFrame,
    reference: FastaReference,
    sequences: pd.DataFrame,
    data_prep: DataPrepParameters,
    select: SelectParameters,
    build: SequenceBuildParameters,
    enformer: EnformerParameters,
    options: AcrossGenesParameters,
) -> pd.DataFrame:
    """`prepare_levels` with nothing said; a gene whose window is not known has no ``locus``."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.evaluation import across_genes
    from haploformer.evaluation.resampling import assign_loci
    from haploformer.genome.genes import select_genes
    from haploformer.genome.selection import choose_genes, choose_individuals
    from haploformer.genome.windows import checked_windows
    from haploformer.stacking.gene_folds import hold_out_genes

    scale = across_genes.choose_scale(bed.values, options.scale, where=bed.name)
    across_genes.require_levels(
        across_genes.log_levels(bed.values, scale),
        bed.name,
        remedy="give a table of TPM or other levels (--params levels=FILE); what such data can answer instead is r of "
        "the deviations from each gene's mean: kedro run, table person_scores",
    )
    on_chromosomes = select_genes(bed.genes, annotation, chromosomes=data_prep.chromosomes, source=bed.name)
    genes = choose_genes(on_chromosomes, select.genes, source=bed.name)
    people = choose_individuals(bed.individual_ids, select.individuals, source=bed.name)
    wide = pd.DataFrame(bed.values, index=bed.genes["gene_id"], columns=pd.Index(bed.individual_ids, dtype=object))
    values = wide.loc[genes["gene_id"].tolist(), people].to_numpy()
    levels = across_genes.mean_levels(values, scale)
    length = PRESETS[enformer.preset].window
    windows, there = checked_windows(genes, reference, length=length, **build.window_rules)
    genes = genes.assign(n_individuals=len(people), scale=scale, level=levels, n_share=windows["n_share"].to_numpy())
    known = genes["gene_id"].isin(there["gene_id"])
    used = genes[known].reset_index(drop=True)
    rules: Any = {"n_folds": options.n_folds, "seed": options.seed, "by": options.folds}
    held_out = hold_out_genes(used, sequences, length=length, **rules)
    found = used.join(held_out).assign(locus=assign_loci(used).to_numpy())
    return pd.concat([found, genes[~known]], ignore_index=True) if not known.all() else found


def _tell_levels(genes: pd.DataFrame, options: AcrossGenesParameters) -> None:
    """What expression is taken for, how many genes are held out in which way, and which are left out."""
    from haploformer.evaluation.across_genes import MIN_HELD_OUT, describe_scale
    from haploformer.predicted_expression import ENFORMER_TEST

    used = genes.dropna(subset=["locus"])
    logger.info("%s (across_genes.scale=%s)", describe_scale(genes["scale"].iloc[0]), options.scale)
    counts = ", ".join(f"{n} held out by {name}" for name, n in used["held_out"].value_counts().items())
    logger.info("levels of %d genes in %d people: %s", len(used), genes["n_individuals"].iloc[0], counts)
    if len(used) < len(genes):
        logger.warning("%d of %d genes are left out: their window is not known", len(genes) - len(used), len(genes))
    if used["enformer_split"].isna().all():
        logger.warning("Enformer's sequences are not given: its training genes are among those tested")
        return
    if (n_test := int((used["held_out"] == ENFORMER_TEST).sum())) < MIN_HELD_OUT:
        logger.warning("%d genes lie in Enformer's test sequences alone: too few for an r of their own", n_test)
    if n_near := int(used["held_out"].isna().sum()):
        logger.info("%d genes are left out: their windows overlap those of Enformer's test genes", n_near)


def plan_reference_predictions(
    genes: pd.DataFrame,
    reference: FastaReference,
    tracks: pd.DataFrame,
    enformer: EnformerParameters,
    execution: ExecutionParameters,
    options: AcrossGenesParameters,
) -> PredictionPlan:
    """All tracks of each gene's reference window, the centre bins one by one."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.genome.sequence_windows import sequence_windows
    from haploformer.model_plan import plan_model

    length = PRESETS[enformer.preset].window
    start = genes["tss"] - length // 2
    regions = pd.DataFrame(
        {"sequence": genes["gene_id"], "contig": genes["contig"], "start": start, "end": start + length}
    )
    windows = sequence_windows(regions, reference, length=length, source="gene_levels")
    rows = pd.DataFrame({"gene_id": genes["gene_id"], "window": np.arange(len(windows))})
    return plan_model(
        windows,
        windows.keys,
        rows,
        tracks,
        enformer.model_copy(update={"bins": "each_centre", "centre_bins": options.centre_bins}),
        provenance={"reference": {"source": reference.name, "sha256": reference.sha256}},
        execution=execution,
    )


def fit_across_genes(
    genes: pd.DataFrame,
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    enformer: EnformerParameters,
    options: AcrossGenesParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Levels of the held-out genes by the tissue's coverage and by an elastic net, and the net's weights."""
    from haploformer.enformer.tracks import resolve_tracks
    from haploformer.stacking.across_genes import centre_features, level_weight_rows, predict_levels
    from haploformer.stacking.gene_folds import stored_folds

    coverage, strands = predictions.of_genes(genes["gene_id"].tolist()), genes["strand"].tolist()
    net = predict_levels(
        centre_features(coverage, strands), genes["level"].to_numpy(), stored_folds(genes), l1_ratio=options.l1_ratio
    )
    if net.n_unfinished:
        logger.warning("coordinate descent had not converged at %d penalties", net.n_unfinished)
    tissue = np.searchsorted(predictions.tracks, resolve_tracks(enformer.tracks, tracks))
    zero_shot = np.log2(coverage[:, :, tissue].mean(axis=(1, 2), dtype=np.float64) + 1)
    tables = [
        genes[["gene_id", "held_out", "fold", "level"]].assign(model=model, predicted=predicted)
        for model, predicted in (("enformer", zero_shot), ("across_genes", net.predicted))
    ]
    table = pd.concat(tables, ignore_index=True).dropna(subset=["held_out"])
    columns = ["gene_id", "model", "held_out", "fold", "level", "predicted"]
    descriptions = tracks.set_index("track")["description"]
    weights = level_weight_rows(net, predictions.tracks, predictions.bins.centre, descriptions)
    return table[columns].reset_index(drop=True), weights


def score_across_genes(
    predicted: pd.DataFrame, genes: pd.DataFrame, predictions: TrackPredictions, options: AcrossGenesParameters
) -> pd.DataFrame:
    """r over genes of each model, in each way of holding genes out that has enough of them."""
    from haploformer.evaluation.across_genes import score_held_out_genes

    rng, locus = np.random.default_rng(options.seed), genes.set_index("gene_id")["locus"]
    table = score_held_out_genes(predicted, locus, rng).assign(
        weights=predictions.attributes["weights"], scale=genes["scale"].iloc[0]
    )
    return table[
        [
            *("model", "weights", "scale", "held_out", "quantity", "r", "low", "high"),
            *("n_genes", "n_loci", "n_constant_folds", "remark"),
        ]
    ]
