"""Steps of ``data_prep``: from the users' files to audited tables."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from haploformer.formats.expression_bed import ExpressionBed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_batch import GenotypeFile
from haploformer.formats.genotype_store import GenotypeStream, StoredGenotypes
from haploformer.formats.phasing import Phasing
from haploformer.genome.audit import AuditCounts
from haploformer.parameters import (
    BaselinesParameters,
    DataPrepParameters,
    EnformerParameters,
    EvaluationParameters,
    SelectParameters,
)

logger = logging.getLogger(__name__)

#: What messages and audits call the covariates, whose file the table does not name.
COVARIATES = "covariate table"


def select_genes(
    bed: ExpressionBed, annotation: pd.DataFrame, options: DataPrepParameters, select: SelectParameters
) -> pd.DataFrame:
    """Genes on the chosen chromosomes; of those the ones that are named, if any are."""
    from haploformer.genome import genes
    from haploformer.genome.selection import choose_genes

    on_chromosomes = genes.select_genes(bed.genes, annotation, chromosomes=options.chromosomes, source=bed.name)
    return choose_genes(on_chromosomes, select.genes, source=bed.name)


def select_individuals(
    bed: ExpressionBed,
    genotype_file: GenotypeFile,
    covariate_table: pd.DataFrame,
    panel: pd.DataFrame,
    options: DataPrepParameters,
    select: SelectParameters,
) -> pd.DataFrame:
    """People who are in all files; of those the ones who are named, if any are."""
    from haploformer.genome import individuals
    from haploformer.genome.selection import choose_individuals

    sample_of = _samples_by_individual(genotype_file, options)
    return individuals.select_individuals(
        choose_individuals(bed.individual_ids, select.individuals, source=bed.name),
        list(sample_of),
        bed.individual_ids if covariate_table.empty else covariate_table["individual_id"].unique().tolist(),
        panel,
        policy=options.individuals,
        sources={"expression": bed.name, "genotypes": genotype_file.name, "covariates": COVARIATES},
        sample_of=sample_of,
    )


def select_genotyped_individuals(
    genotype_file: GenotypeFile, panel: pd.DataFrame, options: DataPrepParameters, select: SelectParameters
) -> pd.DataFrame:
    """People with genotypes: a prediction needs nothing else of them."""
    from haploformer.genome import individuals
    from haploformer.genome.selection import choose_individuals

    sample_of = _samples_by_individual(genotype_file, options)
    chosen = choose_individuals(list(sample_of), select.individuals, source=genotype_file.name)
    return individuals.describe_individuals(chosen, panel, sample_of)


def prepare_expression(bed: ExpressionBed, genes: pd.DataFrame, individuals: pd.DataFrame) -> pd.DataFrame:
    """Measured expression of the study's genes and people, long; a gene that is the same in everybody is left out."""
    from haploformer.errors import InputError

    chosen = _choose_expression(bed, genes, individuals)
    constant = _constant_genes(chosen)
    if len(constant) == len(chosen):
        raise InputError(
            bed.name,
            f"expression is the same in all {chosen.shape[1]} individuals, in each of {len(chosen)} genes",
            "give expression that differs between people",
        )
    if constant:
        logger.warning(
            "%d of %d genes are left out: their expression is the same in everybody (first: %s)",
            len(constant),
            len(chosen),
            constant[0],
        )
    return chosen.drop(index=constant).stack().rename("expression").reset_index()


def _choose_expression(bed: ExpressionBed, genes: pd.DataFrame, individuals: pd.DataFrame) -> pd.DataFrame:
    """Expression of the study, genes in rows and people in columns."""
    wide = pd.DataFrame(bed.values, index=bed.genes["gene_id"], columns=pd.Index(bed.individual_ids, dtype=object))
    chosen = wide.loc[genes["gene_id"].tolist(), individuals["individual_id"].tolist()]
    return chosen.rename_axis(index="gene_id", columns="individual_id")


def _constant_genes(expression: pd.DataFrame) -> list[str]:
    """Genes in which nobody differs by more than rounding."""
    spread = expression.max(axis=1) - expression.min(axis=1)
    return expression.index[spread <= 1e-12 * expression.abs().max(axis=1)].tolist()


def prepare_covariates(covariate_table: pd.DataFrame, individuals: pd.DataFrame) -> pd.DataFrame:
    """Covariates of the study's people, long."""
    kept = covariate_table["individual_id"].isin(individuals["individual_id"])
    return covariate_table[kept].reset_index(drop=True)


def phase_genotypes(
    genotype_file: GenotypeFile, reference: FastaReference, genes: pd.DataFrame, options: DataPrepParameters
) -> Phasing:
    """What Beagle is to phase: everybody on the genes' chromosomes; nothing if another policy is chosen."""
    if options.phase != "phase":
        return Phasing(genotype_file, reference)
    from haploformer.formats.beagle import find_beagle
    from haploformer.formats.genetic_map import read_genetic_map

    how, contigs = options.beagle, tuple(sorted(set(genes["contig"])))
    beagle = find_beagle(
        jar=None if how.jar is None else Path(how.jar),
        seed=how.seed,
        threads=how.threads,
        memory_gib=how.memory_gib,
        genetic_map=None if how.map is None else read_genetic_map(Path(how.map), contigs),
    )
    return Phasing(genotype_file, reference, contigs, options.filters, beagle, options.repair_ref)


def read_genotypes(
    genotype_file: GenotypeFile,
    reference: FastaReference,
    genes: pd.DataFrame,
    individuals: pd.DataFrame,
    options: DataPrepParameters,
    enformer: EnformerParameters,
    baselines: BaselinesParameters,
) -> GenotypeStream:
    """Alleles of the study's people at every variant near a gene, read once, handed on in batches."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.formats.phasing import describe_phasing
    from haploformer.genome.windows import covering_intervals

    intervals = covering_intervals(genes, [PRESETS[enformer.preset].window, *baselines.windows], margin=options.margin)
    people = individuals["individual_id"].tolist()
    batches = genotype_file.read(
        intervals,
        individuals["sample_id"].tolist(),
        reference,
        filters=options.filters,
        repair_ref=options.repair_ref,
        individual_ids=people,
    )
    provenance = {
        "source": genotype_file.name,
        "sha256": genotype_file.sha256,
        "filters": list(options.filters),
        "repair_ref": options.repair_ref,
    }
    if baselines.reference == "none":
        provenance["ref_compared"] = False
    if not genotype_file.names_ref:
        provenance["ref_named"] = False
    provenance |= describe_phasing(genotype_file)
    return GenotypeStream(batches, people, provenance, tuple(intervals))


def audit_inputs(
    bed: ExpressionBed,
    genotype_file: GenotypeFile,
    covariate_table: pd.DataFrame,
    annotation: pd.DataFrame,
    genes: pd.DataFrame,
    individuals: pd.DataFrame,
    variants: StoredGenotypes,
    options: DataPrepParameters,
    select: SelectParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was kept and left out of each file, and each person's calls."""
    from haploformer.genome.audit import AuditKey, audit_individuals, audit_table

    counts = count_study(bed, genotype_file, covariate_table, annotation, genes, individuals, options, select)
    if not variants.genotypes.provenance.get("ref_compared", True):
        key = AuditKey(genotype_file.name, None, "REF", "kept", "not applicable: baselines.reference is none")
        counts[key] = len(variants.genotypes)
    table = pd.concat([audit_table(counts), variants.audit], ignore_index=True)
    kept, dropped = (int(variants.audit["count"][variants.audit["outcome"] == o].sum()) for o in ("kept", "dropped"))
    logger.info("%d of %d genes are on the chosen chromosomes", len(genes), len(bed.genes))
    logger.info("%d of %d individuals are in all files", len(individuals), len(bed.individual_ids))
    logger.info("%d variants on the genes' chromosomes: %d kept, %d left out", kept + dropped, kept, dropped)
    if n_imputed := int(variants.n_imputed.sum()):
        logger.info("%d calls were missing and are imputed by Beagle", n_imputed)
    return table, audit_individuals(variants.genotypes, n_imputed=variants.n_imputed)


def count_study(
    bed: ExpressionBed,
    genotype_file: GenotypeFile,
    covariate_table: pd.DataFrame,
    annotation: pd.DataFrame,
    genes: pd.DataFrame,
    individuals: pd.DataFrame,
    options: DataPrepParameters,
    select: SelectParameters,
) -> AuditCounts:
    """Genes and people of each file, kept and left out."""
    from haploformer.genome.genes import count_genes
    from haploformer.genome.individuals import count_individuals

    people = {
        bed.name: bed.individual_ids,
        genotype_file.name: list(_samples_by_individual(genotype_file, options)),
        COVARIATES: covariate_table["individual_id"].unique().tolist(),
    }
    if covariate_table.empty:
        del people[COVARIATES]
    contigs = set(select_genes(bed, annotation, options, SelectParameters())["contig"])
    constant = _constant_genes(_choose_expression(bed, genes, individuals))
    counts = count_genes(bed.genes, genes, annotation, source=bed.name, contigs=contigs, constant=constant)
    return counts + count_individuals(people, select.individuals)


def audit_genotypes(variants: StoredGenotypes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was kept and left out of the genotypes, and each person's calls."""
    from haploformer.genome.audit import audit_individuals

    return variants.audit, audit_individuals(variants.genotypes, n_imputed=variants.n_imputed)


def _samples_by_individual(genotype_file: GenotypeFile, options: DataPrepParameters) -> dict[str, str]:
    from haploformer.genome.individuals import samples_by_individual

    return samples_by_individual(
        genotype_file.sample_ids,
        rule=options.sample_ids,
        source=genotype_file.name,
        individual_of=genotype_file.individual_of,
    )


def group_people(
    individuals: pd.DataFrame, variants: StoredGenotypes, relatedness: pd.DataFrame, options: EvaluationParameters
) -> pd.DataFrame:
    """People who share a fold: duplicates and relatives by their calls, where these can tell, or by the table."""
    from haploformer.genome.genotypes import count_other_copies
    from haploformer.genome.kinship import MIN_CONTIGS, MIN_SNPS, estimate_kinship
    from haploformer.stacking.relatives import MIN_VARIANTS, genotype_identity, group_relatives

    people = individuals["individual_id"].tolist()
    identity = genotype_identity(count_other_copies(variants.genotypes), len(people))
    lowest = options.min_estimated_kinship
    kinship = None if lowest is None else estimate_kinship(variants.genotypes, min_kinship=lowest)
    groups = group_relatives(people, identity, relatedness, min_kinship=options.min_kinship, kinship=kinship)
    if kinship is not None and kinship.tested:
        logger.info("%d pairs of relatives by kinship, from %d pruned SNPs", len(kinship.pairs), kinship.n_snps)
    elif kinship is not None:
        logger.info(
            "kinship is not estimated: at most %d pruned SNPs on %d chromosomes, %d on %d are needed",
            *(kinship.n_snps, kinship.n_contigs, MIN_SNPS, MIN_CONTIGS),
        )
    n_grouped = int((groups["reason"] != "alone").sum())
    logger.info("%d of %d individuals share a fold with a duplicate or relative", n_grouped, len(people))
    if identity.n_variants < MIN_VARIANTS:
        logger.warning(
            "duplicates were not looked for: %d common variants, %d are needed", identity.n_variants, MIN_VARIANTS
        )
    return groups


def assign_person_folds(individuals: pd.DataFrame, groups: pd.DataFrame, options: EvaluationParameters) -> pd.DataFrame:
    """Outer folds by person, before anything is fitted."""
    from haploformer.stacking.folds import assign_person_folds

    return assign_person_folds(
        individuals["individual_id"].tolist(),
        individuals["population"].tolist(),
        n_folds=options.n_folds,
        seeds=options.fold_seeds,
        groups=groups.set_index("individual_id")["group"].loc[individuals["individual_id"].tolist()].tolist(),
    )


def hold_out_populations(
    individuals: pd.DataFrame, groups: pd.DataFrame, person_folds: pd.DataFrame, options: EvaluationParameters
) -> pd.DataFrame:
    """For each population, folds in which nobody of it is trained on."""
    from haploformer.stacking.folds import hold_out_populations

    of_person = dict(zip(groups["individual_id"], groups["group"], strict=True))
    table = hold_out_populations(person_folds, individuals, of_person, populations=options.held_out_populations)
    logger.info("held out one by one: %s", ", ".join(table["population"].unique()))
    return table
