"""Steps of ``apply``: models of everybody in one cohort predict the people of another."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from haploformer.formats.gene_beds import GeneBeds
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import (
    ApplyParameters,
    DataPrepParameters,
    EnformerParameters,
    SelectParameters,
    SequenceBuildParameters,
)

logger = logging.getLogger(__name__)


def select_trained_genes(
    trained_genes: pd.DataFrame, options: DataPrepParameters, select: SelectParameters
) -> pd.DataFrame:
    """Of the genes that there are models of, those on the chosen chromosomes; of those the ones that are named, if any."""
    from haploformer.genome.genes import select_genes
    from haploformer.genome.selection import choose_genes

    source = "final_genes"
    on_chromosomes = select_genes(trained_genes, trained_genes, chromosomes=options.chromosomes, source=source)
    return choose_genes(on_chromosomes, select.genes, source=source)


def match_weights(
    weights: pd.DataFrame,
    facts: dict[str, Any],
    genes: pd.DataFrame,
    variants: StoredGenotypes,
    options: ApplyParameters,
) -> pd.DataFrame:
    """Find each variant that has a weight; what share of them is there is told first, and must reach the floor."""
    from haploformer.baselines.applied import matched_shares, require_matched_shares
    from haploformer.genome.weighted_variants import find_weighted_variants

    chosen = weights[weights["gene_id"].isin(genes["gene_id"])].reset_index(drop=True)
    key = ["contig", "pos", "ref", "alt"]
    wanted = chosen.drop_duplicates(key)
    source = variants.genotypes.provenance["source"]
    provenance = variants.genotypes.provenance
    compared, named = (facts.get(name, True) and provenance.get(name, True) for name in ("ref_compared", "ref_named"))
    found = find_weighted_variants(wanted, variants.genotypes, source=source, ref_compared=compared, ref_named=named)
    columns = found.columns.tolist()
    matched = chosen.merge(wanted[key].join(found), on=key, how="left")[[*chosen.columns, *columns]]
    shares = matched_shares(matched)
    for row in shares.itertuples():
        logger.info(
            "%s: %.1f %% of its variants matched (%d of %d, %.1f %% by weight), %d turned round, %d set aside",
            *(row.model, 100 * row.matched_share, row.n_matched, row.n_wanted, 100 * row.weighted_share),
            *(row.n_turned, row.n_ambiguous),
        )
    require_matched_shares(shares, floor=options.min_matched_share, source=source)
    return matched


def apply_dosage_models(
    matched: pd.DataFrame, models: pd.DataFrame, genes: pd.DataFrame, variants: StoredGenotypes
) -> tuple[pd.DataFrame, pd.DataFrame, GeneBeds]:
    """Expression that dosages alone predict: a long table, what was matched, and tables for other programs."""
    from haploformer.baselines.applied import apply_models
    from haploformer.predicted_expression import applied_rows

    applied = apply_models(matched, models[models["gene_id"].isin(genes["gene_id"])], variants.genotypes)
    predicted = applied_rows(applied.predicted, variants.genotypes.individual_ids)
    return predicted, applied.audit, GeneBeds(genes, predicted)


def describe_applied_enformer(
    trained: dict[str, Any],
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    enformer: EnformerParameters,
    sequence_build: SequenceBuildParameters,
    data_prep: DataPrepParameters,
) -> dict[str, Any]:
    """Which Enformer these people's predictions come from; another than the stack's is refused."""
    from haploformer.trained_models import describe_enformer, require_same_enformer

    facts = describe_enformer(predictions.attributes, tracks, enformer, sequence_build, data_prep)
    require_same_enformer(trained, facts)
    return facts


def apply_all_models(
    matched: pd.DataFrame,
    models: pd.DataFrame,
    stack_weights: pd.DataFrame,
    track_weights: pd.DataFrame,
    enformer_facts: dict[str, Any],
    enformer: pd.DataFrame,
    enformer_all_tracks: pd.DataFrame,
    enformer_all_bins: pd.DataFrame,
    track_predictions: TrackPredictions,
    genes: pd.DataFrame,
    variants: StoredGenotypes,
) -> tuple[pd.DataFrame, pd.DataFrame, GeneBeds]:
    """Expression that dosages, Enformer and their stack predict: as `apply_dosage_models`."""
    from haploformer.baselines.applied import apply_models
    from haploformer.predicted_expression import applied_rows
    from haploformer.stacking.applied import apply_stacks, gather_enformer

    people = list(variants.genotypes.individual_ids)
    applied = apply_models(matched, models[models["gene_id"].isin(genes["gene_id"])], variants.genotypes)
    coverage = gather_enformer([enformer, enformer_all_tracks, enformer_all_bins], genes["gene_id"].tolist(), people)
    stacked = apply_stacks(
        stack_weights[stack_weights["gene_id"].isin(genes["gene_id"])],
        track_weights,
        applied.predicted | coverage.predicted,
        set(models.loc[models["n_weights"] == 0, ["gene_id", "model"]].itertuples(index=False, name=None)),
        people,
        tracks_of=track_predictions.log_coverage,
        tracks=track_predictions.tracks,
    )
    predicted = applied_rows(applied.predicted | coverage.predicted | stacked.predicted, people)
    audit = pd.concat([applied.audit, coverage.audit, stacked.audit], ignore_index=True)
    logger.info("Enformer's weights: %s", enformer_facts["weights"])
    return predicted, audit, GeneBeds(genes, predicted)
