"""The variants whose effects are asked for: a cohort's, a file's, or those that are named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.vcf import VcfFile
from haploformer.genome.audit import AuditCounts, AuditKey, audit_table
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.intervals import Interval, merge_intervals
from haploformer.genome.reference import Reference
from haploformer.genome.variant_frequencies import ALLELE_COLUMNS
from haploformer.genome.variant_selection import choose_variants, require_reference
from haploformer.genome.variants import NO_SEQUENCE, RECORD_COLUMNS, allele_class, named_alleles

#: What stands for all of the stored variants.
COHORT = "cohort"

_WHERE = "parameters:variant_effects.variants"


@dataclass(frozen=True)
class ChosenVariants:
    """Alleles that name a sequence, and what they come from.

    Attributes
    ----------
    variants : DataFrame
        Columns of `RECORD_COLUMNS`, a row per allele, sorted by place within a contig.
    source : str
    provenance : dict
        JSON values.
    counts : AuditCounts
        Records and alleles left out so far.
    """

    variants: pd.DataFrame
    source: str
    provenance: dict[str, Any]
    counts: AuditCounts

    def inside(self, used: pd.DataFrame) -> NDArray[np.bool_]:
        """Which of the alleles are among those that lie in a window, bool (n_variants,); ``used`` as of `audit`."""
        places = (pd.MultiIndex.from_frame(table[ALLELE_COLUMNS]) for table in (self.variants, used))
        found: NDArray[np.bool_] = next(places).isin(next(places))
        return found

    def audit(self, used: pd.DataFrame) -> pd.DataFrame:
        """Alleles kept and left out.

        Parameters
        ----------
        used : DataFrame
            `ALLELE_COLUMNS` of those that lie in a window.
        """
        counts = Counter(self.counts)
        for row, kept in zip(self.variants.itertuples(), self.inside(used), strict=True):
            outcome = ("kept", "used") if kept else ("dropped", "in no gene's window")
            counts[AuditKey(self.source, row.contig, allele_class(row.ref, row.alt), *outcome)] += 1
        return audit_table(counts)


def read_chosen_variants(
    entries: Sequence[str],
    file: Path | None,
    genotypes: Genotypes,
    reference: Reference,
    windows: pd.DataFrame,
    *,
    filters: Sequence[str] = (),
    repair_ref: bool = False,
) -> ChosenVariants:
    """The alleles that are asked for, each one's REF compared with the reference.

    Parameters
    ----------
    entries : sequence of str
        `COHORT`, or as `haploformer.genome.variant_selection.choose_variants` takes them; not used where there is a file.
    file : Path, optional
        VCF or BCF.
    genotypes : Genotypes
        Of the cohort.
    windows : DataFrame
        ``contig, start, end`` of the genes' windows: only there a file is read.
    filters, repair_ref
        As `haploformer.formats.vcf.VcfFile.read` takes them.

    Raises
    ------
    InputError
        If a REF differs, a named variant is not known, or no variant is left.
    """
    source = str(genotypes.provenance.get("source", "genotypes"))
    known = genotypes.provenance
    provenance: dict[str, Any] = {name: known[name] for name in ("source", "sha256") if name in known}
    counts: AuditCounts = Counter()
    if file is not None:
        vcf = VcfFile(file)
        intervals = merge_intervals(Interval(w.contig, max(w.start, 0), w.end) for w in windows.itertuples())
        records, read = vcf.read_sites(intervals, reference, filters=filters, repair_ref=repair_ref)
        counts.update({key: n for key, n in read.items() if key.outcome == "dropped"})
        source, provenance = vcf.name, {"source": vcf.name, "sha256": vcf.sha256}
    else:
        records = genotypes.records
    counts += _alleles_without_sequence(records, source)
    variants = named_alleles(records)
    if file is None and list(entries) != [COHORT]:
        variants = choose_variants(entries, variants, where=_WHERE, source=source)
        source, counts = _WHERE, Counter()
        provenance = {"source": f"{len(entries):,} named", "genotypes": provenance}
    if len(variants) == 0:
        raise InputError(source, "no variant names a sequence", f"give others in {_WHERE.removeprefix('parameters:')}")
    require_reference(variants, reference, source=source)
    return ChosenVariants(variants[RECORD_COLUMNS], source, provenance, counts)


def _alleles_without_sequence(records: pd.DataFrame, source: str) -> AuditCounts:
    counts: AuditCounts = Counter()
    for contig, ref, alts in zip(records["contig"], records["ref"], records["alt"], strict=True):
        for alt in alts.split(","):
            if (kind := allele_class(ref, alt)) in NO_SEQUENCE:
                counts[AuditKey(source, contig, kind, "dropped", "names no sequence")] += 1
    return counts
