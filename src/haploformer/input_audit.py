"""What the inputs of a cohort hold, counted: the audit that `validate` writes and prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from haploformer.expression.design import used_covariates
from haploformer.formats.genotype_batch import RecordAudit
from haploformer.genome.audit import AuditCounts, AuditKey, audit_table
from haploformer.genome.genes import without_version
from haploformer.genome.reference import NoReference


@dataclass(frozen=True)
class CheckedStudy:
    """What the checks of genotypes, genes and people found.

    Attributes
    ----------
    genes : DataFrame, schema ``genes``
    individuals : DataFrame, schema ``individuals``
    windows : DataFrame
        As `haploformer.genome.windows.build_windows` makes them, before any is left out.
    records : RecordAudit
        Records of the genes' contigs, and the people's calls near the genes.
    counts : AuditCounts
        Genes and people of each file, kept and left out, by the file's name in the catalog; empty where the run asks
        nobody to be in several files.
    """

    genes: pd.DataFrame
    individuals: pd.DataFrame
    windows: pd.DataFrame
    records: RecordAudit
    counts: AuditCounts


@dataclass(frozen=True)
class CheckedInputs:
    """A run's inputs after all checks, before its first step.

    Attributes
    ----------
    files : DataFrame
        One row per input: ``input`` (name in the catalog), ``kind, file, n_bytes, compression, indices, checksum``; a
        null ``file`` where the run goes on without it.
    study : CheckedStudy
    """

    files: pd.DataFrame
    study: CheckedStudy


def audit_inputs(
    inputs: Mapping[str, Any],
    study: CheckedStudy,
    *,
    max_n_share: float,
    tissue: Sequence[str],
    covariates: str = "all",
) -> AuditCounts:
    """What each input of a cohort's run holds, and what of it the run uses; the source is the name in the catalog.

    Parameters
    ----------
    inputs : mapping
        What a cohort's run reads beside expression and genotypes, loaded, by the names of the catalog.
    study : CheckedStudy
    max_n_share : float
        Share of unknown bases that a window may have.
    tissue : sequence of str
        The tissue's tracks.
    covariates : str
        Which are used: ``expression.covariates``.
    """
    counts: AuditCounts = Counter(study.counts)
    counts += _count_calls(study.records, inputs["reference_genome"])
    counts += _count_reference(inputs["reference_genome"], study, max_n_share)
    counts += _count_tables(inputs, study, covariates)
    counts += _count_tracks(inputs["track_table"], tissue)
    return counts


def _count_calls(records: RecordAudit, reference: Any) -> AuditCounts:
    """Variants, agreement of REF, and calls of the study's people near its genes."""
    counts = Counter({key._replace(source="genotype_file"): n for key, n in records.counts.items()})
    phased = records.n_heterozygous - records.n_unphased
    plain = records.n_calls - records.n_heterozygous - records.n_missing
    compared = ("REF", f"compared with {reference.name}: equal", records.n_compared)
    if isinstance(reference, NoReference):
        n_variants = sum(n for key, n in counts.items() if key.outcome == "kept")
        compared = ("REF", "not applicable: baselines.reference is none", n_variants)
    for kind, reason, n in (
        compared,
        ("call", "heterozygous, phased", phased),
        ("call", "heterozygous, without a phase", records.n_unphased),
        ("call", "with a missing allele", records.n_missing),
        ("call", "one allele", plain),
    ):
        counts[AuditKey("genotype_file", None, kind, "kept", reason)] += n
    return counts


def _count_reference(reference: Any, study: CheckedStudy, max_n_share: float) -> AuditCounts:
    """Contigs with and without genes, their bases, and the genes whose window has too many unknown ones."""
    used, source = set(study.genes["contig"]), "reference_genome"
    counts: AuditCounts = Counter()
    for contig, length in reference.contig_lengths.items():
        if contig in used:
            counts[AuditKey(source, contig, "base", "kept", "on a contig with genes")] += length
        else:
            counts[AuditKey(source, None, "contig", "dropped", "no gene on it")] += 1
    known = int((study.windows["n_share"] <= max_n_share).sum())
    counts[AuditKey(source, None, "window", "kept", "known sequence")] += known
    counts[AuditKey(source, None, "window", "dropped", "N, or off the contig")] += len(study.windows) - known
    return counts


def _count_tables(inputs: Mapping[str, Any], study: CheckedStudy, covariates: str) -> AuditCounts:
    """Of the tables beside expression and genotypes, the rows that concern the study."""
    counts: AuditCounts = Counter()
    people = inputs["sample_panel"]["individual_id"].isin(study.individuals["individual_id"])
    annotated = without_version(inputs["gene_annotation"]["gene_id"]).isin(without_version(study.genes["gene_id"]))
    for source, kind, used in (("sample_panel", "individual", people), ("gene_annotation", "gene", annotated)):
        counts[AuditKey(source, None, kind, "kept", "used")] += int(used.sum())
        counts[AuditKey(source, None, kind, "dropped", "not in the study")] += int((~used).sum())
    pairs = inputs["relatedness_table"][["individual_id_1", "individual_id_2"]]
    known = pairs.isin(study.individuals["individual_id"].tolist()).all(axis=1)
    if len(pairs):
        counts[AuditKey("relatedness_table", None, "pair", "kept", "used")] += int(known.sum())
        counts[AuditKey("relatedness_table", None, "pair", "dropped", "not in the study")] += int((~known).sum())
    table = inputs["covariate_table"]
    n_used = len(used_covariates(table, covariates))
    counts[AuditKey("covariate_table", None, "covariate", "kept", "used")] += n_used
    n_left = table["covariate"].nunique() - n_used
    counts[AuditKey("covariate_table", None, "covariate", "dropped", "not in expression.covariates")] += n_left
    if inputs["known_answer"] is not None:
        n_known = inputs["known_answer"].truth["gene_id"].nunique()
        counts[AuditKey("known_answer", None, "gene", "kept", "known")] += n_known
    return counts


def _count_tracks(tracks: pd.DataFrame, tissue: Sequence[str]) -> AuditCounts:
    from haploformer.enformer.tracks import resolve_tracks

    n_tissue = len(resolve_tracks(tissue, tracks))
    counts: AuditCounts = Counter()
    counts[AuditKey("track_table", None, "track", "kept", "of the tissue")] += n_tissue
    counts[AuditKey("track_table", None, "track", "kept", "of other tissues")] += len(tracks) - n_tissue
    return counts


def validation_table(files: pd.DataFrame, counts: AuditCounts) -> pd.DataFrame:
    """One row per input and kind of thing in it, in the order of ``files`` (`CheckedInputs`); schema ``input_validation``.

    An input that the run goes on without keeps one row.
    """
    table = audit_table(counts).rename(columns={"source": "input"})
    joined = files.merge(table, on="input", how="left", sort=False)
    empty = joined["count"].isna()
    joined.loc[empty, ["record_class", "outcome", "reason"]] = ["file", "dropped", "not given"]
    joined.loc[empty & joined["file"].notna(), "reason"] = "nothing in it concerns the run"
    return joined.assign(count=joined["count"].fillna(0).astype(np.int64))
