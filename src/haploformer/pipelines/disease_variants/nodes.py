"""Steps of ``disease_variants``."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from haploformer.formats.clinvar import ClinvarVariants
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.formats.gwas_catalog import GwasAssociations
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.genome.variant_windows import EditedWindows
from haploformer.parameters import (
    DiseaseVariantsParameters,
    EnformerParameters,
    SequenceBuildParameters,
    VariantEffectsParameters,
)
from haploformer.window_predictions import tissue_columns

logger = logging.getLogger(__name__)


def collect_disease_variants(
    gwas: GwasAssociations,
    clinvar: ClinvarVariants,
    annotation: pd.DataFrame,
    genes: pd.DataFrame,
    windows: pd.DataFrame,
    variants: StoredGenotypes,
    reference: FastaReference,
    sequence_build: SequenceBuildParameters,
    effects: VariantEffectsParameters,
    options: DiseaseVariantsParameters,
) -> tuple[EditedWindows, pd.DataFrame, pd.DataFrame]:
    """Disease variants in the windows of protein-coding genes, each alone; every row of the files is counted."""
    from haploformer.genome import disease_study as study
    from haploformer.genome.audit import audit_table
    from haploformer.genome.disease import require_protein_coding, select_strong

    told = windows.merge(genes[["gene_id", "gene_name"]], on="gene_id")
    coding = require_protein_coding(told, annotation)
    strong = select_strong(gwas.table, max_pvalue=options.max_pvalue)
    significant = study.select_by_significance(clinvar.table, options.significance)
    found = study.find_disease_variants(
        strong,
        significant,
        variants.genotypes,
        reference,
        coding.genes,
        length=int((windows["end"] - windows["start"]).max()),
        trust_positions=options.trust_positions,
    )
    left_out = (
        gwas.left_out | {"p-value above the limit": len(gwas.table) - len(strong)},
        clinvar.left_out | {"another significance": len(clinvar.table) - len(significant)},
    )
    _log_counts(found)
    table, made = study.build_disease_windows(
        found.table,
        windows,
        reference,
        strand=sequence_build.strand,
        both_strands=effects.strands == "both",
        provenance=_describe_sources(gwas, clinvar, reference),
    )
    counts = study.count_disease_rows(found, table, coding, gwas_left_out=left_out[0], clinvar_left_out=left_out[1])
    return made, table, audit_table(counts)


def _describe_sources(gwas: GwasAssociations, clinvar: ClinvarVariants, reference: FastaReference) -> dict[str, Any]:
    given = {"gwas_catalog": gwas, "clinvar": clinvar}
    files = {name: {"source": it.name, "sha256": it.sha256} for name, it in given.items() if it.n_rows}
    return {
        "variants": {"source": " and ".join(str(file["source"]) for file in files.values())},
        **files,
        "reference": {"source": reference.name, "sha256": reference.sha256},
        "haplotypes": "the reference with one allele of one variant in it; TSS pinned",
    }


def _log_counts(found: Any) -> None:
    placed, checked = found.placed.counts, found.checked
    logger.info(
        "GWAS catalog: %d of %d rows are about a variant of the cohort (%d by place)",
        placed.n_by_rsid + placed.n_by_position,
        placed.n_rows,
        placed.n_by_position,
    )
    if placed.same_build is False:
        logger.warning("GWAS catalog: its places are of another build; only rsids are believed")
    if checked.n_refused:
        logger.warning("ClinVar: REF differs in %d rows (first: %s)", checked.n_refused, checked.first_refused)


def tabulate_disease_effects(
    predictions: TrackPredictions,
    variants: pd.DataFrame,
    windows: pd.DataFrame,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> pd.DataFrame:
    """Predicted effects beside traits and significances, the strongest first."""
    from haploformer.effects.disease import rank_disease_effects
    from haploformer.effects.stored import tabulate_stored_effects

    tissue = tissue_columns(predictions, tracks, options)
    return rank_disease_effects(variants, tabulate_stored_effects(predictions, windows, tissue=tissue))


def report_disease_effects(
    effects: pd.DataFrame,
    audit: pd.DataFrame,
    windows: pd.DataFrame,
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> tuple[Any, str]:
    """Loci to choose from, as a figure and a page."""
    from haploformer import figures
    from haploformer.enformer.tracks import resolve_tracks

    figure = figures.plot_disease_loci(effects, windows)
    tissue = resolve_tracks(options.tracks, tracks)
    return figure, figures.build_disease_page(effects, audit, figure, predictions.attributes, tissue=tissue)
