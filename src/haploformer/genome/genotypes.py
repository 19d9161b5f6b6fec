"""Called alleles of a cohort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.edits import AlleleEdits, allele_edits
from haploformer.genome.intervals import Interval
from haploformer.genome.variants import named_alleles

#: Allele index of a missing call, and of the second copy of a haploid call.
MISSING = -1
ABSENT = -2


class AlleleArray(Protocol):
    """int8 (n_records, n_individuals, 2), in memory or on disk; slicing its first axis gives a numpy array."""

    shape: tuple[int, ...]

    def __getitem__(self, rows: slice, /) -> Any:
        """The alleles of some records."""
        ...


@dataclass(frozen=True)
class Genotypes:
    """Records and the alleles that each person carries.

    Attributes
    ----------
    records : DataFrame (n_records,)
        ``contig`` (canonical), ``pos`` (1-based), ``variant_id``, ``ref``, ``alt`` (comma-joined), in file order,
        sorted by ``pos`` within a contig.
    individual_ids : sequence of str (n_individuals,)
    alleles : int8 (n_records, n_individuals, 2)
        Allele index: 0 = REF, i = i-th ALT, -1 = missing, -2 = no second copy (haploid). Haplotype 0, then 1.
    n_unphased : int
        Heterozygous calls written without a phase.
    provenance : dict
        What the genotypes come from, JSON values.
    intervals : tuple of Interval, optional
        Where records were looked for; None: everywhere.
    """

    records: pd.DataFrame
    individual_ids: Sequence[str]
    alleles: AlleleArray
    n_unphased: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)
    intervals: tuple[Interval, ...] | None = None

    def __len__(self) -> int:
        return len(self.records)

    def require_covered(self, interval: Interval) -> None:
        """Raise InputError if records were not looked for in all of the interval: none there would mean nothing."""
        if not self.covers(interval):
            contig, start, end = interval
            raise InputError(
                str(self.provenance.get("source", "genotypes")),
                f"the stored variants do not cover {contig}:{max(start, 0) + 1}-{end}, "
                "they were read for smaller windows or other genes",
                "read them again with these parameters: kedro run --pipelines data_prep",
            )

    def covers(self, interval: Interval) -> bool:
        """Whether records were looked for in all of the interval that can lie on a contig."""
        if self.intervals is None:
            return True
        contig, start, end = interval
        return any(c == contig and s <= max(start, 0) and end <= e for c, s, e in self.intervals)

    def row_range(self, contig: str, start: int, end: int) -> tuple[int, int]:
        """Rows [first, last) of the records with ``pos`` in the 0-based half-open interval; (0, 0) if none."""
        begin, stop = self._rows_of_contig.get(contig, (0, 0))
        first, last = np.searchsorted(self._first_base[begin:stop], [start, end])
        return begin + int(first), begin + int(last)

    @cached_property
    def edits(self) -> AlleleEdits:
        """What each allele does to the reference."""
        return allele_edits(self.records)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each record's REF ends, 0-based exclusive (n_records,)."""
        lengths = np.fromiter(map(len, self.records["ref"]), np.int64, len(self))
        return self._first_base + lengths

    @cached_property
    def longest_ref(self) -> int:
        """Bases of the longest REF, at least 1."""
        return int((self.ends - self._first_base).max(initial=1))

    @cached_property
    def group_start(self) -> NDArray[np.int64]:
        """The first row of those that each record hangs together with by REF alleles that share bases (n_records,)."""
        starts = np.ones(len(self), bool)
        for begin, stop in self._rows_of_contig.values():
            reached = np.maximum.accumulate(self.ends[begin:stop])
            starts[begin + 1 : stop] = self._first_base[begin + 1 : stop] >= reached[:-1]
        return np.flatnonzero(starts)[np.cumsum(starts) - 1]

    @cached_property
    def _first_base(self) -> NDArray[np.int64]:
        return self.records["pos"].to_numpy(np.int64) - 1

    @cached_property
    def _rows_of_contig(self) -> dict[str, tuple[int, int]]:
        contigs = self.records["contig"].to_numpy()
        edges = [0, *(np.flatnonzero(contigs[1:] != contigs[:-1]) + 1).tolist(), len(contigs)]
        return {contigs[a]: (a, b) for a, b in pairwise(edges) if a < b}

    def select(self, contig: str, start: int, end: int) -> Genotypes:
        """The records whose first base lies in [start, end), their alleles in memory."""
        first, last = self.row_range(contig, start, end)
        alleles = np.asarray(self.alleles[slice(first, last)], dtype=np.int8)
        records = self.records.iloc[first:last].reset_index(drop=True)
        return Genotypes(records, self.individual_ids, alleles.reshape(last - first, len(self.individual_ids), 2))


def count_other_copies(genotypes: Genotypes, *, batch: int = 2048) -> Iterator[NDArray[np.float32]]:
    """Each person's copies that are not REF, record by record, in batches.

    Yields
    ------
    float32 (n_records_of_batch, n_individuals)
        0 to 2; NaN where an allele of the call is missing. A haploid call counts once.
    """
    for first in range(0, len(genotypes), batch):
        alleles = np.asarray(genotypes.alleles[slice(first, first + batch)])
        copies = (alleles > 0).sum(-1).astype(np.float32)
        copies[(alleles == MISSING).any(-1)] = np.nan
        yield copies


def count_copies(
    alleles: NDArray[np.int8], record: NDArray[np.int64], allele: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Each person's copies of some alleles.

    Parameters
    ----------
    alleles : int8 (n_records, n_individuals, 2)
        As of `Genotypes`.
    record, allele : int64 (n,)
        Row and index of each allele; index 0 is REF.

    Returns
    -------
    float32 (n_individuals, n)
        0, 1 or 2; NaN where an allele of the call is missing. A haploid call counts once.
    """
    called = alleles[record]  # (n, n_individuals, 2)
    copies = (called == allele[:, None, None]).sum(-1).astype(np.float32)
    copies[(called == MISSING).any(-1)] = np.nan
    return np.ascontiguousarray(copies.T)


def count_alleles(alleles: NDArray[np.int8], record: NDArray[np.int64]) -> NDArray[np.int8]:
    """How many alleles each person's calls have, int8 (n_individuals, n): 2, 1 where haploid; parameters as above."""
    return np.ascontiguousarray((alleles[record] != ABSENT).sum(-1, dtype=np.int8).T)


def alt_dosages(genotypes: Genotypes) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Counts of each ALT allele that names a sequence (no ``*``, symbolic or breakend allele).

    Returns
    -------
    variants : DataFrame (n_alleles,)
        One row per record and ALT allele: ``contig, pos, variant_id, ref, alt``.
    dosages : float32 (n_individuals, n_alleles)
        0, 1 or 2; NaN where an allele of the call is missing. A haploid call counts once.
    """
    named = named_alleles(genotypes.records)
    alleles = np.asarray(genotypes.alleles[slice(None)])
    dosages = count_copies(alleles, named["record"].to_numpy(np.int64), named["allele"].to_numpy(np.int64))
    return named.drop(columns=["record", "allele"]), dosages
