"""Calls of a record of cyvcf2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.genotype_batch import MAX_ALLELE
from haploformer.genome.genotypes import ABSENT, MISSING

#: Alleles (n_individuals, 2), and how many heterozygotes are unphased.
Called = tuple[NDArray[np.int8], int]


def _calls(record: Any, path: Path) -> NDArray[np.int16]:
    """int16 (n_samples, ploidy + 1): allele indices, MISSING, ABSENT; the last column tells whether they are phased."""
    keys, where = record.FORMAT or [], f"{path}:{record.CHROM}:{record.POS}"
    if keys.count("GT") > 1:
        raise InputError(where, f"FORMAT is {':'.join(keys)}: GT stands {keys.count('GT')} times", "correct the record")
    if "GT" in keys and keys[0] != "GT":
        # Trailing fields may be left out. Where every sample leaves out GT, htslib ends the process when asked for it.
        calls = [cell.split(":")[keys.index("GT")] for cell in str(record).rstrip("\n").split("\t")[9:]]
        if set(calls) == {"."}:
            return np.tile(np.array([MISSING, 0], np.int16), (len(calls), 1))
    try:
        return record.genotype.array()
    except Exception as error:  # cyvcf2 raises a bare exception
        raise InputError(where, "the record has no GT", "give a VCF with genotypes") from error


def require_equal_calls(twin: Any, record: Any, path: Path) -> None:
    """Raise InputError if two records with the same REF and ALT have different calls."""
    if not np.array_equal(_calls(twin, path), _calls(record, path)):
        raise InputError(
            f"{path}:{record.CHROM}:{record.POS}",
            "the record stands twice, with the same REF and ALT and different calls",
            "leave one of them out",
        )


class Columns:
    """Where the samples wanted stand among those that are read."""

    def __init__(self, there: Sequence[str], wanted: Sequence[str]) -> None:
        place = {sample: i for i, sample in enumerate(there)}
        self.samples = list(wanted)
        self.numbers = np.array([place[sample] for sample in wanted], np.int64)


def called_alleles(record: Any, columns: Columns, path: Path) -> Called:
    """Alleles (n_individuals, 2) of the samples wanted, and how many heterozygotes are unphased."""
    # A copy, for cyvcf2 may use the buffer again.
    calls = _calls(record, path)[columns.numbers]
    called, phased = calls[:, :-1], calls[:, -1] == 1
    where = f"{path}:{record.CHROM}:{record.POS}"
    if called.shape[1] > 2 and (called[:, 2:] != ABSENT).any():
        n_alleles = (called != ABSENT).sum(axis=1)
        sample = columns.samples[int(n_alleles.argmax())]
        raise InputError(
            where,
            f"the call of sample {sample} has {n_alleles.max()} alleles",
            "leave out samples that are not diploid",
        )
    highest = int(called.max(initial=0))
    if highest > min(len(record.ALT), MAX_ALLELE):
        sample = columns.samples[int((called == highest).any(1).argmax())]
        raise InputError(
            where,
            f"sample {sample} carries allele {highest}, the record has {len(record.ALT)} ALT"
            + (f" (at most {MAX_ALLELE} are read)" if highest > MAX_ALLELE else ""),
            "correct the record or leave it out",
        )
    alleles = np.full((len(called), 2), ABSENT, np.int8)
    alleles[:, : called.shape[1]] = called[:, :2]
    # A lone dot is a call that is missing as a whole; it does not say that there is no second copy.
    first, second = alleles[:, 0], alleles[:, 1]
    second[(first == MISSING) & (second == ABSENT)] = MISSING
    unphased = (first != second) & (first >= 0) & (second >= 0) & ~phased
    return alleles, int(unphased.sum())
