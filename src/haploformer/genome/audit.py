"""Counts of what was kept and what was left out: nothing is dropped silently."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
from haploformer.genome.haplotypes import GeneHaplotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.variants import record_class

#: Alleles counted at once, in bytes; the sums over them take several times as much.
BLOCK_BYTES = 2**20


class AuditKey(NamedTuple):
    """What a count of records is about."""

    source: str
    contig: str | None
    record_class: str
    outcome: str
    reason: str


AuditCounts = Counter[AuditKey]


def audit_table(counts: AuditCounts) -> pd.DataFrame:
    """The counts as a table: ``source, contig, record_class, outcome, reason, count``, sorted."""
    rows = [(*key, n) for key, n in sorted((+counts).items(), key=lambda item: [str(part) for part in item[0]])]
    return pd.DataFrame(rows, columns=[*AuditKey._fields, "count"])


def audit_individuals(
    genotypes: Genotypes, *, n_imputed: NDArray[np.int64] | None = None, batch: int | None = None
) -> pd.DataFrame:
    """Calls of each person over all records.

    Parameters
    ----------
    n_imputed : int64 (n_individuals,), optional
        Calls that are imputed; none if not given.

    Returns
    -------
    DataFrame
        ``individual_id, n_variants, n_missing, n_half_missing, n_imputed, n_haploid, n_heterozygous, n_alternative,
        n_private``: calls with both, one of two alleles missing; that were missing before they were imputed; with one
        copy; with two different alleles; with any ALT; ALT alleles that nobody else carries.
    """
    n = len(genotypes.individual_ids)
    batch = batch or max(1, BLOCK_BYTES // (2 * max(n, 1)))
    counts = {name: np.zeros(n, np.int64) for name in ("missing", "half", "haploid", "het", "alt", "private")}
    for start in range(0, len(genotypes), batch):
        alleles = np.asarray(genotypes.alleles[slice(start, start + batch)])
        missing = (alleles == MISSING).sum(-1)
        haploid = (alleles == ABSENT).any(-1)
        counts["missing"] += (missing + haploid == 2).sum(0)
        counts["half"] += ((missing == 1) & ~haploid).sum(0)
        counts["haploid"] += haploid.sum(0)
        counts["het"] += ((alleles[..., 0] != alleles[..., 1]) & (missing == 0) & ~haploid).sum(0)
        counts["alt"] += (alleles > 0).any(-1).sum(0)
        for index in range(1, int(alleles.max(initial=0)) + 1):
            carries = (alleles == index).any(-1)
            counts["private"] += (carries & (carries.sum(1, keepdims=True) == 1)).sum(0)
    return pd.DataFrame(
        {
            "individual_id": list(genotypes.individual_ids),
            "n_variants": len(genotypes),
            "n_missing": counts["missing"],
            "n_half_missing": counts["half"],
            "n_imputed": np.zeros(n, np.int64) if n_imputed is None else n_imputed,
            "n_haploid": counts["haploid"],
            "n_heterozygous": counts["het"],
            "n_alternative": counts["alt"],
            "n_private": counts["private"],
        }
    )


def audit_window(genotypes: Genotypes, window: Interval, found: GeneHaplotypes) -> dict[str, int]:
    """Variants by class and haplotypes of one window: the columns of ``window_audit`` but the gene and the N share."""
    local = genotypes.select(*window)
    classes = Counter(
        record_class(ref, alt) for ref, alt in zip(local.records["ref"], local.records["alt"], strict=True)
    )
    return {
        "n_snp": classes["snp"],
        "n_mnp": classes["mnp"],
        "n_insertion": classes["insertion"],
        "n_deletion": classes["deletion"],
        "n_missing": found.n_missing,
        "n_overlapping": found.n_overlapping,
        "n_haplotypes": int((found.window >= 0).sum()),
        "n_distinct": len(set(found.window[found.window >= 0].tolist())),
    }
