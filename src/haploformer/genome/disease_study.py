"""A study's disease variants: found near its protein-coding genes, each alone in their windows, every row counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from haploformer.errors import InputError
from haploformer.genome.audit import AuditCounts, AuditKey
from haploformer.genome.disease import (
    PlacedAssociations,
    ProteinCoding,
    place_associations,
    tabulate_associations,
    tabulate_clinvar,
)
from haploformer.genome.frequencies import EVERYBODY
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.harmonise import RefChecked, refuse_ref_mismatches
from haploformer.genome.reference import Reference
from haploformer.genome.variant_frequencies import ALLELE_COLUMNS, tabulate_frequencies
from haploformer.genome.variant_selection import require_reference, sort_variants
from haploformer.genome.variant_windows import EditedWindows, build_variant_windows
from haploformer.genome.variants import RECORD_COLUMNS, named_alleles
from haploformer.genome.windows import read_reversed

#: What messages and audits call the two kinds of files.
GWAS, CLINVAR = "GWAS catalog", "ClinVar"

#: Of a significance that is that of several variants together.
_TOGETHER = " (together with other variants)"


@dataclass(frozen=True, eq=False)
class FoundVariants:
    """Disease variants near genes, and what became of the rows that are not among them.

    Attributes
    ----------
    table : DataFrame, schema ``disease_variants``
        The associations first, then ClinVar's.
    placed : PlacedAssociations
    checked : RefChecked
        ClinVar's variants whose REF is the reference's.
    alleles : DataFrame
        `ALLELE_COLUMNS` of each row of ``placed``.
    """

    table: pd.DataFrame
    placed: PlacedAssociations
    checked: RefChecked
    alleles: pd.DataFrame


def find_disease_variants(
    associations: pd.DataFrame,
    clinvar: pd.DataFrame,
    genotypes: Genotypes,
    reference: Reference,
    genes: pd.DataFrame,
    *,
    length: int,
    trust_positions: bool | None = None,
) -> FoundVariants:
    """Variants of both files in the windows of genes.

    Parameters
    ----------
    associations : DataFrame, schema ``gwas_associations``
        About variants of the cohort: nothing else tells their alleles.
    clinvar : DataFrame, schema ``clinvar_variants``
        Each brings its own alleles, whose REF is compared with the reference.
    genes : DataFrame
        ``gene_id, gene_name, contig, tss, strand``.
    length : int
        Bases round the TSS.
    trust_positions : bool, optional
        As of `haploformer.genome.disease.place_associations`.

    Raises
    ------
    InputError
        If ClinVar's places are those of another build.
    """
    named = named_alleles(genotypes.records)
    placed = place_associations(associations, named, trust_positions=trust_positions)
    marked = clinvar["significance"].where(~clinvar["of_haplotype"], clinvar["significance"] + _TOGETHER)
    checked = refuse_ref_mismatches(clinvar.assign(significance=marked), reference, source=CLINVAR)
    alleles = named.loc[placed.table["variant"], ALLELE_COLUMNS].reset_index(drop=True)
    frequency = _frequencies(genotypes, named, [alleles, checked.table[ALLELE_COLUMNS]])
    tables = [
        tabulate_associations(placed.table, named, genes, length=length, alt_frequency=frequency),
        tabulate_clinvar(checked.table, named, genes, length=length, alt_frequency=frequency),
    ]
    there = [table for table in tables if len(table)] or tables[:1]
    return FoundVariants(pd.concat(there, ignore_index=True), placed, checked, alleles)


def _frequencies(genotypes: Genotypes, named: pd.DataFrame, wanted: Sequence[pd.DataFrame]) -> pd.Series:
    """ALT frequency of each of the cohort's alleles; NaN of those that nobody asks for."""
    asked = pd.concat(wanted, ignore_index=True).astype({"pos": "int64"})
    table = tabulate_frequencies(genotypes, asked, [None] * len(genotypes.individual_ids))
    everybody = table[table["population"] == EVERYBODY].set_index(ALLELE_COLUMNS)["alt_frequency"]
    return everybody.reindex(pd.MultiIndex.from_frame(named[ALLELE_COLUMNS])).astype("float64").reset_index(drop=True)


def build_disease_windows(
    table: pd.DataFrame,
    gene_windows: pd.DataFrame,
    reference: Reference,
    *,
    strand: str,
    both_strands: bool,
    provenance: dict[str, Any],
) -> tuple[pd.DataFrame, EditedWindows]:
    """The window of each gene and disease variant, and the rows of the table that have one.

    Parameters
    ----------
    table : DataFrame, schema ``disease_variants``
    gene_windows : DataFrame
        ``gene_id, contig, start, end, tss, strand``; only genes of the table are built.
    strand : str
        ``sequence_build.strand``.
    both_strands, provenance
        As of `haploformer.genome.variant_windows.build_variant_windows`.

    Raises
    ------
    InputError
        If a REF differs from the reference, or nothing is left.
    """
    if table.empty:
        raise InputError(
            f"{GWAS}, {CLINVAR}",
            "no row is about a variant in the window of a protein-coding gene of the study",
            "check the build of the files and the chromosomes of the study; see the log for what became of the rows",
        )
    variants = sort_variants(table[RECORD_COLUMNS].drop_duplicates(ALLELE_COLUMNS))
    require_reference(variants, reference, source=f"{GWAS}, {CLINVAR}")
    windows = gene_windows[gene_windows["gene_id"].isin(table["gene_id"])].reset_index(drop=True)
    made = build_variant_windows(
        windows,
        variants,
        reference,
        reverse=read_reversed(windows, strand=strand, source="gene_annotation"),
        both_strands=both_strands,
        provenance=provenance,
    )
    pair = ["gene_id", *ALLELE_COLUMNS]
    changed = pd.MultiIndex.from_frame(table[pair]).isin(pd.MultiIndex.from_frame(made.table[pair]))
    return table[changed].reset_index(drop=True), made


def select_by_significance(clinvar: pd.DataFrame, wanted: Sequence[str] | None) -> pd.DataFrame:
    """Variants with one of the significances; all where none is asked for.

    Parameters
    ----------
    wanted : sequence of str, optional
        Words of ClinVar in any case, blanks or underscores; of ``Pathogenic/Likely pathogenic`` either is one.
    """
    if wanted is None:
        return clinvar
    asked = {_spaced(word) for word in wanted}
    parts = clinvar["significance"].fillna("").astype(str).str.split("[/,;|]")
    return clinvar[[any(_spaced(part) in asked for part in of_row) for of_row in parts]]


def _spaced(word: str) -> str:
    return word.replace("_", " ").strip().lower()


def count_disease_rows(
    found: FoundVariants,
    used: pd.DataFrame,
    coding: ProteinCoding,
    *,
    gwas_left_out: Mapping[str, int],
    clinvar_left_out: Mapping[str, int],
) -> AuditCounts:
    """What became of each row of both files, and of each gene.

    Parameters
    ----------
    used : DataFrame
        `ALLELE_COLUMNS` of the variants that have a window.
    gwas_left_out, clinvar_left_out : mapping of reason to int
        Rows that were left out before variants were looked for.

    Returns
    -------
    AuditCounts
        Of ``association`` and ``variant``, all counts add up to the rows of the file. ``place`` and ``risk allele`` are
        about the associations that were found.
    """
    counts: AuditCounts = Counter()
    placement, checked = found.placed.counts, found.checked

    def add(source: str, kind: str, outcome: str, told: Mapping[str, int]) -> None:
        counts.update({AuditKey(source, None, kind, outcome, reason): n for reason, n in told.items()})

    left_out = {**gwas_left_out, "no variant of the cohort": placement.n_unknown}
    near = _count_near(found.alleles, found.table, used)
    add(GWAS, "association", "dropped", left_out | {k: n for k, n in near.items() if k != "used"})
    add(GWAS, "association", "kept", {"used": near["used"]})
    place = {
        "found by rsid": placement.n_by_rsid - placement.n_other_place,
        "found by rsid, elsewhere than the file says": placement.n_other_place,
        "found by place": placement.n_by_position,
    }
    add(GWAS, "place", "kept", place)
    risk = {"as written": placement.n_risk_as_written, "on the other strand": placement.n_risk_other_strand}
    unknown = {
        "the strand cannot be told": placement.n_risk_ambiguous,
        "not told": placement.n_risk_not_told,
        "no allele of the variant": placement.n_risk_other,
    }
    add(GWAS, "risk allele", "kept", risk)
    add(GWAS, "risk allele", "dropped", unknown)
    refused = {
        **clinvar_left_out,
        "the reference lacks the contig": checked.n_outside,
        "names no sequence": checked.n_without_alleles,
        "REF differs from the reference": checked.n_refused,
    }
    near = _count_near(checked.table, found.table, used)
    add(CLINVAR, "variant", "dropped", refused | {k: n for k, n in near.items() if k != "used"})
    add(CLINVAR, "variant", "kept", {"used": near["used"]})
    add("genes", "gene", "kept", {"codes for a protein": len(coding.genes)})
    add("genes", "gene", "dropped", {"codes for none": coding.n_other, "not annotated": coding.n_unknown})
    return +counts


def _count_near(rows: pd.DataFrame, near: pd.DataFrame, used: pd.DataFrame) -> dict[str, int]:
    """Of rows with alleles, how many are used, change nothing in a window, and lie in none."""
    keys = pd.MultiIndex.from_frame(rows[ALLELE_COLUMNS].astype({"pos": "int64"}))
    in_window, is_used = (
        keys.isin(pd.MultiIndex.from_frame(table[ALLELE_COLUMNS].astype({"pos": "int64"}))) for table in (near, used)
    )
    return {
        "used": int(is_used.sum()),
        "changes nothing in the window": int(np.sum(in_window & ~is_used)),
        "in no window of a protein-coding gene": int(np.sum(~in_window & ~is_used)),
    }
