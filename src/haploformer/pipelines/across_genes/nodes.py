"""Steps of ``across_genes``: levels of genes from windows of the reference."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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

GENE_FOLDS, ENFORMER_TEST = "gene folds", "enformer test"

#: Behind an r over genes.
MIN_GENES = 6

#: What a score says, and what it does not.
REMARKS = {
    GENE_FOLDS: "held out of this fit only: Enformer's own training genes are among those tested",
    ENFORMER_TEST: "windows overlap Enformer's test sequences alone: neither Enformer nor this fit was trained there",
}


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
    _tell_levels(genes)
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

    on_chromosomes = select_genes(bed.genes, annotation, chromosomes=data_prep.chromosomes, source=bed.name)
    genes = choose_genes(on_chromosomes, select.genes, source=bed.name)
    people = choose_individuals(bed.individual_ids, select.individuals, source=bed.name)
    wide = pd.DataFrame(bed.values, index=bed.genes["gene_id"], columns=pd.Index(bed.individual_ids, dtype=object))
    values = wide.loc[genes["gene_id"].tolist(), people].to_numpy()
    across_genes.require_levels(
        across_genes.log_levels(values),
        bed.name,
        remedy="give a table of TPM or other levels (--params levels=FILE); what such data can answer instead is r of "
        "the deviations from each gene's mean: kedro run, table person_scores",
    )
    length = PRESETS[enformer.preset].window
    n_share, known = _known_windows(genes, reference, length, build)
    genes = genes.assign(n_individuals=len(people), level=across_genes.mean_levels(values), n_share=n_share)
    used = genes[known].reset_index(drop=True)
    found = used.join(_hold_out(used, sequences, length, options)).assign(locus=assign_loci(used).to_numpy())
    return pd.concat([found, genes[~known]], ignore_index=True) if not known.all() else found


def _tell_levels(genes: pd.DataFrame) -> None:
    """How many genes are held out in which way, and which are left out."""
    used = genes.dropna(subset=["locus"])
    counts = ", ".join(f"{n} held out by {name}" for name, n in used["held_out"].value_counts().items())
    logger.info("levels of %d genes in %d people: %s", len(used), genes["n_individuals"].iloc[0], counts)
    if len(used) < len(genes):
        logger.warning("%d of %d genes are left out: their window is not known", len(genes) - len(used), len(genes))
    if used["enformer_split"].isna().all():
        logger.warning("Enformer's sequences are not given: its training genes are among those tested")
        return
    if (n_test := int((used["held_out"] == ENFORMER_TEST).sum())) < MIN_GENES:
        logger.warning("%d genes lie in Enformer's test sequences alone: too few for an r of their own", n_test)
    if n_near := int(used["held_out"].isna().sum()):
        logger.info("%d genes are left out: their windows overlap those of Enformer's test genes", n_near)


def _known_windows(
    genes: pd.DataFrame, reference: FastaReference, length: int, build: SequenceBuildParameters
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Share of unknown bases, and whether the window counts as known (n_genes,); others are refused if so asked."""
    from haploformer.genome.windows import build_windows, known_windows, require_known_sequence

    windows = build_windows(genes, reference, length=length, checked_length=build.checked_window)
    if build.unknown_windows == "refuse":
        require_known_sequence(windows, max_n_share=build.max_n_share, reference_name=reference.name)
    known = known_windows(windows, max_n_share=build.max_n_share)["gene_id"]
    return windows["n_share"].to_numpy(), windows["gene_id"].isin(known).to_numpy()


def _hold_out(
    genes: pd.DataFrame, sequences: pd.DataFrame, length: int, options: AcrossGenesParameters
) -> pd.DataFrame:
    """``enformer_split, held_out, fold`` of each gene."""
    from haploformer.stacking import gene_folds

    rules: Any = {"length": length, "n_folds": options.n_folds, "seed": options.seed, "by": options.folds}
    if sequences.empty:
        splits = pd.Series(None, index=genes["gene_id"], dtype=object)
        folds = gene_folds.assign_gene_folds(genes, **rules)
    else:
        splits = gene_folds.split_by_enformer(genes, sequences, length=length)
        folds = gene_folds.hold_out_enformer_test(genes, splits, **rules)
    names = {gene_folds.ENFORMER_TEST: ENFORMER_TEST, gene_folds.LEFT_OUT: None}
    return pd.DataFrame(
        {
            "enformer_split": splits.to_numpy(),
            "held_out": pd.Series([names.get(int(fold), GENE_FOLDS) for fold in folds], dtype=object),
            "fold": pd.array([int(fold) if fold >= 0 else pd.NA for fold in folds], dtype="Int64"),
        }
    )


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
    from haploformer.stacking.across_genes import centre_features, predict_levels

    coverage, strands = _coverage(genes, predictions), genes["strand"].tolist()
    net = predict_levels(
        centre_features(coverage, strands), genes["level"].to_numpy(), _fold_numbers(genes), l1_ratio=options.l1_ratio
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
    return table[columns].reset_index(drop=True), _weight_rows(net, predictions, tracks)


def _coverage(genes: pd.DataFrame, predictions: TrackPredictions) -> NDArray[np.float32]:
    """Coverage (n_genes, n_bins, n_tracks) of each gene's window; windows of equal sequence are stored once."""
    window = predictions.windows.set_index("gene_id")["window"].loc[genes["gene_id"].tolist()].to_numpy()
    unique, place = np.unique(window, return_inverse=True)
    return predictions.rows(unique)[place]


def _fold_numbers(genes: pd.DataFrame) -> NDArray[np.int64]:
    from haploformer.stacking import gene_folds

    numbers = genes["fold"].fillna(gene_folds.LEFT_OUT).to_numpy(dtype=np.int64)
    return np.where(genes["held_out"] == ENFORMER_TEST, gene_folds.ENFORMER_TEST, numbers)


def _weight_rows(net: Any, predictions: TrackPredictions, tracks: pd.DataFrame) -> pd.DataFrame:
    """One row per net, bin and track with a weight."""
    bins, n_tracks = predictions.bins.centre, len(predictions.tracks)
    names = tracks.set_index("track")["description"]
    pieces = []
    for fold, fit in ((pd.NA, net.of_all), *enumerate(net.fits)):
        used = np.flatnonzero(fit.weights)
        number = predictions.tracks[used % n_tracks]
        pieces.append(
            pd.DataFrame(
                {
                    "fold": pd.array([fold] * len(used), dtype="Int64"),
                    "track": number,
                    "description": names.reindex(number).to_numpy(),
                    "bin": np.asarray(bins)[used // n_tracks],
                    "weight": fit.weights[used],
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


def score_across_genes(
    predicted: pd.DataFrame, genes: pd.DataFrame, predictions: TrackPredictions, options: AcrossGenesParameters
) -> pd.DataFrame:
    """r over genes of each model, in each way of holding genes out that has enough of them."""
    from haploformer.evaluation.across_genes import score_levels

    rng = np.random.default_rng(options.seed)
    locus = genes.set_index("gene_id")["locus"]
    tables = []
    for held_out in (GENE_FOLDS, ENFORMER_TEST):
        for model, rows in predicted[predicted["held_out"] == held_out].groupby("model", sort=False):
            if len(rows) < MIN_GENES:
                continue
            folds = rows["fold"].fillna(0).to_numpy(dtype=np.int64)
            sides = (rows[side].to_numpy() for side in ("predicted", "level"))
            loci = locus.loc[rows["gene_id"].tolist()].to_numpy(dtype=object)
            found = score_levels(*sides, folds, loci, rng)
            tables.append(found.assign(model=model, held_out=held_out, remark=REMARKS[held_out]))
    table = pd.concat(tables, ignore_index=True).assign(weights=predictions.attributes["weights"])
    return table[
        [
            *("model", "weights", "held_out", "quantity", "r", "low", "high"),
            *("n_genes", "n_loci", "n_constant_folds", "remark"),
        ]
    ]
