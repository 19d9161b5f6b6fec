"""Steps of ``variant_effects``, ``haplotype_effects`` and ``mutagenesis``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.genome.haplotype_windows import HaplotypeWindows
from haploformer.genome.variant_windows import EditedWindows
from haploformer.parameters import (
    DataPrepParameters,
    EnformerParameters,
    SequenceBuildParameters,
    VariantEffectsParameters,
)
from haploformer.window_predictions import tissue_columns

logger = logging.getLogger(__name__)


def collect_variant_windows(
    windows: pd.DataFrame,
    variants: StoredGenotypes,
    reference: FastaReference,
    data_prep: DataPrepParameters,
    sequence_build: SequenceBuildParameters,
    options: VariantEffectsParameters,
) -> tuple[EditedWindows, pd.DataFrame]:
    """For every gene and every variant in its window, the window in which that variant alone is applied."""
    from haploformer.formats.variant_choice import read_chosen_variants
    from haploformer.genome.variant_selection import describe_outside
    from haploformer.genome.variant_windows import build_variant_windows
    from haploformer.genome.windows import read_reversed

    chosen = read_chosen_variants(
        options.variants,
        None if options.file is None else Path(options.file),
        variants.genotypes,
        reference,
        windows,
        filters=data_prep.filters,
        repair_ref=data_prep.repair_ref,
    )
    made = build_variant_windows(
        windows,
        chosen.variants,
        reference,
        reverse=read_reversed(windows, strand=sequence_build.strand, source="gene_annotation"),
        both_strands=options.strands == "both",
        provenance={
            "variants": chosen.provenance,
            "reference": {"source": reference.name, "sha256": reference.sha256},
            "haplotypes": "the reference with one allele of one variant in it; TSS pinned",
        },
    )
    if outside := describe_outside(chosen.variants, chosen.inside(made.table), where=chosen.source):
        logger.warning("%s: %s", chosen.source, outside)
    logger.info("%d genes, %d pairs of gene and variant, %d windows", len(windows), len(made.table), len(made))
    return made, chosen.audit(made.table)


def count_frequencies(windows: EditedWindows, variants: StoredGenotypes, individuals: pd.DataFrame) -> pd.DataFrame:
    """Frequencies of the variants in the cohort and in its populations."""
    from haploformer.genome.variant_frequencies import tabulate_frequencies

    genotypes = variants.genotypes
    population = individuals.set_index("individual_id")["population"]
    of_people = [None if pd.isna(name) else name for name in population.reindex(list(genotypes.individual_ids))]
    return tabulate_frequencies(genotypes, windows.table, of_people)


def tabulate_variant_effects(
    predictions: TrackPredictions,
    windows: pd.DataFrame,
    frequencies: pd.DataFrame,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> pd.DataFrame:
    """SAD, SADR and log fold change of every gene and variant."""
    from haploformer.effects.stored import tabulate_stored_effects

    everybody = frequencies[frequencies["population"] == "all"]
    tissue = tissue_columns(predictions, tracks, options)
    return tabulate_stored_effects(predictions, windows, tissue=tissue, frequencies=everybody)


def report_variant_effects(
    effects: pd.DataFrame,
    genes: pd.DataFrame,
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> tuple[Any, str]:
    """Effects against the distance to the TSS, as a figure and a page."""
    from haploformer import figures
    from haploformer.enformer.tracks import resolve_tracks

    figure = figures.plot_effects_by_distance(effects)
    named = effects.merge(genes[["gene_id", "gene_name"]], on="gene_id", how="left")
    tissue = resolve_tracks(options.tracks, tracks)
    return figure, figures.build_effects_page(named, figure, predictions.attributes, tissue=tissue)


def collect_left_out_windows(haplotypes: HaplotypeWindows, variants: StoredGenotypes) -> EditedWindows:
    """For each variant of each person's haplotypes, the haplotype without it."""
    from haploformer.genome.variant_windows import build_left_out_windows
    from haploformer.genome.variants import named_alleles

    genotypes = variants.genotypes
    source = str(genotypes.provenance.get("source", "genotypes"))
    wanted = haplotypes.haplotypes[["gene_id", "window"]].drop_duplicates()
    made = build_left_out_windows(haplotypes, named_alleles(genotypes.records), wanted, source=source)
    logger.info("%d variants left out of %d haplotypes, %d windows", len(made.table), len(wanted), len(made))
    return made


def tabulate_haplotype_effects(
    haplotypes: HaplotypeWindows,
    predictions: TrackPredictions,
    left_out: EditedWindows,
    left_out_predictions: TrackPredictions,
    effects: pd.DataFrame,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of each haplotype the exact difference from the reference, the sum of single effects, and each variant's share."""
    from haploformer.effects.same_predictions import require_same_predictions
    from haploformer.effects.stored import list_carried
    from haploformer.effects.tables import compare_additivity, single_effects, tabulate_haplotype_effects

    tissue = tissue_columns(predictions, tracks, options)
    carried = list_carried(haplotypes, predictions, left_out, left_out_predictions, tissue=tissue)
    require_same_predictions(effects, carried)
    table = tabulate_haplotype_effects(carried, single_effects(effects))
    return table, compare_additivity(table)


def report_haplotype_effects(
    effects: pd.DataFrame,
    additivity: pd.DataFrame,
    genes: pd.DataFrame,
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> tuple[Any, str]:
    """Sum of single effects against exact differences, as a figure and a page."""
    from haploformer import figures
    from haploformer.enformer.tracks import resolve_tracks

    named = effects.merge(genes[["gene_id", "gene_name"]], on="gene_id", how="left")
    figure = figures.plot_additivity(named)
    tissue = resolve_tracks(options.tracks, tracks)
    return figure, figures.build_haplotype_page(named, additivity, figure, predictions.attributes, tissue=tissue)


def collect_mutation_windows(
    genes: pd.DataFrame,
    windows: pd.DataFrame,
    reference: FastaReference,
    sequence_build: SequenceBuildParameters,
    options: VariantEffectsParameters,
) -> EditedWindows:
    """Windows with each of the three substitutions of each base of the chosen stretch."""
    from haploformer.genome.selection import choose_genes
    from haploformer.genome.variant_selection import mutate_stretch, require_stretch
    from haploformer.genome.variant_windows import build_variant_windows
    from haploformer.genome.windows import read_reversed

    wanted = options.mutagenesis
    gene_id = choose_genes(genes, None if wanted.gene is None else [wanted.gene], source="genes")["gene_id"].iloc[0]
    window = windows[windows["gene_id"] == gene_id]
    start, end = require_stretch(wanted.gene, wanted.start, wanted.end, window)
    return build_variant_windows(
        window,
        mutate_stretch(reference, window["contig"].iloc[0], start, end),
        reference,
        reverse=read_reversed(window, strand=sequence_build.strand, source="gene_annotation"),
        both_strands=options.strands == "both",
        provenance={
            "variants": {"source": f"all substitutions of {window['contig'].iloc[0]}:{start}-{end}"},
            "reference": {"source": reference.name, "sha256": reference.sha256},
            "haplotypes": "the reference with one base replaced",
        },
    )


def tabulate_mutations(
    predictions: TrackPredictions, windows: pd.DataFrame, tracks: pd.DataFrame, options: EnformerParameters
) -> pd.DataFrame:
    """SAD, SADR and log fold change of every substitution."""
    from haploformer.effects.stored import tabulate_stored_effects

    tissue = tissue_columns(predictions, tracks, options)
    return tabulate_stored_effects(predictions, windows, tissue=tissue)


def report_mutations(
    effects: pd.DataFrame,
    genes: pd.DataFrame,
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    options: EnformerParameters,
) -> tuple[Any, str]:
    """A heat map with a sequence logo, and a page."""
    from haploformer import figures
    from haploformer.enformer.tracks import resolve_tracks

    figure = figures.plot_mutagenesis(effects)
    named = effects.merge(genes[["gene_id", "gene_name"]], on="gene_id", how="left")
    tissue = resolve_tracks(options.tracks, tracks)
    return figure, figures.build_mutagenesis_page(named, figure, predictions.attributes, tissue=tissue)
