"""Steps of ``sequence_build``: every person's two sequences of every gene's window."""

from __future__ import annotations

import logging
from collections import Counter

import pandas as pd

from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.genome.haplotype_windows import HaplotypeWindows
from haploformer.parameters import DataPrepParameters, EnformerParameters, SequenceBuildParameters

logger = logging.getLogger(__name__)


def build_tss_windows(
    genes: pd.DataFrame,
    reference: FastaReference,
    variants: StoredGenotypes,
    enformer: EnformerParameters,
    options: SequenceBuildParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The model's input window of each gene; windows of unknown sequence are refused, or left out and counted."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.genome.audit import AuditKey, audit_table
    from haploformer.genome.windows import checked_windows, variable_windows

    length, checked = PRESETS[enformer.preset].window, options.checked_window
    windows, known = checked_windows(genes, reference, length=length, **options.window_rules)
    kept = variable_windows(known, variants.genotypes, min_variants=options.min_variants, checked_length=checked)
    outcomes = {
        ("kept", "used"): len(kept),
        ("dropped", f"over {100 * options.max_n_share:g} % unknown bases"): len(windows) - len(known),
        ("dropped", f"under {options.min_variants} variants"): len(known) - len(kept),
    }
    counts = Counter({AuditKey(reference.name, None, "window", *outcome): n for outcome, n in outcomes.items()})
    return kept, audit_table(counts)


def build_windows_of_new_people(
    genes: pd.DataFrame,
    reference: FastaReference,
    variants: StoredGenotypes,
    enformer: EnformerParameters,
    options: SequenceBuildParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`build_tss_windows` of people whom models are applied to: windows in which nobody varies are there, too."""
    return build_tss_windows(genes, reference, variants, enformer, options.of_new_people())


def collect_haplotypes(
    windows: pd.DataFrame,
    variants: StoredGenotypes,
    reference: FastaReference,
    data_prep: DataPrepParameters,
    options: SequenceBuildParameters,
) -> tuple[HaplotypeWindows, pd.DataFrame]:
    """Every distinct haplotype of every window, once, and who carries it."""
    from haploformer.genome.audit import audit_window
    from haploformer.genome.haplotype_windows import combine_genes, describe_haplotypes, require_phase
    from haploformer.genome.haplotypes import collect_gene_haplotypes
    from haploformer.genome.intervals import Interval
    from haploformer.genome.windows import read_reversed

    genotypes, policy = variants.genotypes, data_prep.phase
    require_phase(genotypes, policy=policy)
    mean = policy == "mean"
    collected, audit = [], []
    turned = read_reversed(windows, strand=options.strand, source="gene_annotation")
    for gene, reverse in zip(windows.itertuples(), turned, strict=True):
        interval = Interval(gene.contig, gene.start, gene.end)
        found = collect_gene_haplotypes(
            genotypes, reference, interval, gene.tss, max_missing=options.max_missing, mean=mean, reverse=reverse
        )
        collected.append(found)
        audit.append({"gene_id": gene.gene_id, **audit_window(genotypes, interval, found), "n_share": gene.n_share})
    if n_not_snp := sum(found.n_not_snp for found in collected):
        logger.warning("%d calls of other variants than SNPs are left out of the means of copies", n_not_snp)
    provenance = {
        "n_calls_left_out": n_not_snp,
        "genotypes": genotypes.provenance,
        "reference": {"source": reference.name, "sha256": reference.sha256},
        "haplotypes": describe_haplotypes(genotypes, policy=policy, strand=options.strand),
    }
    haplotypes = combine_genes(windows, collected, genotypes.individual_ids, provenance=provenance)
    logger.info(
        "%d genes, %d chromosome copies, %d distinct windows", len(windows), len(haplotypes.haplotypes), len(haplotypes)
    )
    return haplotypes, pd.DataFrame(audit)
