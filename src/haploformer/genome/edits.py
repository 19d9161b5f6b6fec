"""What each allele of a table of records does to the reference, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.genome.encoding import UNKNOWN, decode, encode, encode_edit, pair_letter
from haploformer.genome.variants import NO_SEQUENCE, allele_class


class Edit(NamedTuple):
    """Reference bases [start, end) of the contig replaced by ``alt``; 0-based, shared first bases trimmed."""

    start: int
    end: int
    alt: str


def make_edit(pos: int, ref: str, alt: str) -> Edit:
    """The edit of one allele, the bases that REF and ALT share at their start trimmed away.

    Parameters
    ----------
    pos : int
        1-based position of the first base of ``ref``.
    """
    shared = 0
    while shared < min(len(ref), len(alt)) and ref[shared].upper() == alt[shared].upper():
        shared += 1
    start = pos - 1 + shared
    return Edit(start, start + len(ref) - shared, alt[shared:].upper())


@dataclass(frozen=True)
class EditTable:
    """Edits as arrays.

    Attributes
    ----------
    start, end : int64 (n_edits,)
        Replaced bases of the contig, 0-based half-open.
    first : int64 (n_edits + 1,)
        The bases put in by edit i are ``codes[first[i]:first[i + 1]]``.
    codes : uint8
        Base codes, pairs of bases included.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    first: NDArray[np.int64]
    codes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def n_bases(self) -> NDArray[np.int64]:
        """Bases that each edit puts in (n_edits,)."""
        return np.diff(self.first)

    @property
    def growth(self) -> NDArray[np.int64]:
        """By how much each edit makes the sequence longer (n_edits,)."""
        return self.n_bases - (self.end - self.start)

    def take(self, rows: NDArray[np.int64]) -> EditTable:
        """The edits of some rows, in that order."""
        n_bases = self.n_bases[rows]
        first = np.concatenate([[0], np.cumsum(n_bases)]).astype(np.int64)
        source = np.repeat(self.first[rows] - first[:-1], n_bases) + np.arange(first[-1])
        return EditTable(self.start[rows], self.end[rows], first, self.codes[source])

    def to_edits(self) -> list[Edit]:
        """Each edit by itself."""
        letters = decode(self.codes)
        bounds = zip(self.start.tolist(), self.end.tolist(), self.first.tolist(), self.first[1:].tolist(), strict=False)
        return [Edit(start, end, letters[a:b]) for start, end, a, b in bounds]

    @staticmethod
    def of(edits: Sequence[Edit]) -> EditTable:
        """A table of edits."""
        lengths = np.array([len(edit.alt) for edit in edits], np.int64)
        return EditTable(
            np.array([edit.start for edit in edits], np.int64),
            np.array([edit.end for edit in edits], np.int64),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            encode_edit("".join(edit.alt for edit in edits)),
        )


@dataclass(frozen=True)
class AlleleEdits:
    """The edit of each allele that names a sequence, in file order.

    Attributes
    ----------
    record, allele : int64 (n_edits,)
        Row of the record and index of the allele; of a mean of copies, the number of the pair (`pair_number`).
    first_base, last_base : int64 (n_edits,)
        The REF of the record, 0-based and inclusive.
    anchored : bool (n_edits,)
        An insertion or a deletion behind a first base that REF and ALT share.
    table : EditTable (n_edits,)
    """

    record: NDArray[np.int64]
    allele: NDArray[np.int64]
    first_base: NDArray[np.int64]
    last_base: NDArray[np.int64]
    anchored: NDArray[np.bool_]
    table: EditTable

    def of_records(self, first: int, last: int) -> AlleleEdits:
        """The edits of records [first, last), which become records 0, 1, ..."""
        rows = np.arange(*np.searchsorted(self.record, [first, last]))
        found = self.take(rows)
        return replace(found, record=found.record - first)

    def of_chosen(self, chosen: NDArray[np.bool_]) -> AlleleEdits:
        """The edits of some records (n_records,), which keep their numbers."""
        return self if chosen.all() else self.take(np.flatnonzero(chosen[self.record]))

    def take(self, rows: NDArray[np.int64]) -> AlleleEdits:
        """The edits of some rows, in that order."""
        return AlleleEdits(
            record=self.record[rows],
            allele=self.allele[rows],
            first_base=self.first_base[rows],
            last_base=self.last_base[rows],
            anchored=self.anchored[rows],
            table=self.table.take(rows),
        )


def allele_edits(records: pd.DataFrame) -> AlleleEdits:
    """The edits of all alleles of a table of records (``pos``, ``ref``, ``alt``)."""
    pos, ref, alt = records["pos"].to_numpy(np.int64), records["ref"].tolist(), records["alt"].tolist()
    plain = np.fromiter((len(r) == 1 == len(a) for r, a in zip(ref, alt, strict=True)), bool, len(ref))
    rows = np.flatnonzero(plain)
    codes = np.stack([encode("".join(texts[i] for i in rows)) for texts in (ref, alt)])
    snp = (codes < UNKNOWN).all(0) & (codes[0] != codes[1])
    plain[rows[~snp]] = False
    rows, bases = rows[snp], codes[1][snp]

    others = [
        (i, index, name)
        for i in np.flatnonzero(~plain).tolist()
        for index, name in enumerate(alt[i].split(","), start=1)
        if allele_class(ref[i], name) not in NO_SEQUENCE
    ]
    snps = EditTable(pos[rows] - 1, pos[rows], np.arange(len(rows) + 1), bases)
    table = _join(snps, EditTable.of([make_edit(int(pos[i]), ref[i], name) for i, _, name in others]))
    record = np.concatenate([rows, np.array([i for i, *_ in others], np.int64)])
    allele = np.concatenate([np.ones(len(rows), np.int64), np.array([index for _, index, _ in others], np.int64)])
    n_bases = np.concatenate([np.ones(len(rows), np.int64), np.array([len(ref[i]) for i, *_ in others], np.int64)])
    anchored = np.concatenate([np.zeros(len(rows), bool), np.array([_anchored(ref[i], a) for i, _, a in others], bool)])
    first_base = pos[record] - 1
    found = AlleleEdits(record, allele, first_base, first_base + n_bases - 1, anchored, table)
    return found.take(np.lexsort([allele, record]))


def _anchored(ref: str, alt: str) -> bool:
    """Whether the alleles share their first base, and one of them holds nothing but what both share at either end."""
    shorter, longer = sorted((ref.upper(), alt.upper()), key=len)
    shared = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    return len(shorter) < len(longer) and shared > 0 and longer.endswith(shorter[shared:])


def pair_number(low: NDArray[np.int16], high: NDArray[np.int16]) -> NDArray[np.int16]:
    """A number for each unordered pair of alleles, ``low <= high``; 0 for two REF alleles."""
    return (high * (high + 1) // 2 + low).astype(np.int16)


def pair_edits(records: pd.DataFrame) -> AlleleEdits:
    """The edits of a person's two alleles averaged: of SNPs alone, a base or half of two bases."""
    found: list[tuple[int, int, Edit]] = []
    columns = (records[name].tolist() for name in ("pos", "ref", "alt"))
    for i, (pos, ref, alts) in enumerate(zip(*columns, strict=True)):
        bases = [ref, *alts.split(",")]
        snps = [0, *(index for index, base in enumerate(bases) if index and allele_class(ref, base) == "snp")]
        for b in snps[1:]:
            for a in snps[: snps.index(b) + 1]:
                found.append((i, b * (b + 1) // 2 + a, Edit(pos - 1, pos, pair_letter(bases[a], bases[b]))))
    table = EditTable.of([edit for *_, edit in found])
    return AlleleEdits(
        np.array([i for i, *_ in found], np.int64),
        np.array([number for _, number, _ in found], np.int64),
        table.start,
        table.start,
        np.zeros(len(table), bool),
        table,
    )


def split_at(table: EditTable, tss: int) -> tuple[EditTable, NDArray[np.int64]]:
    """Cut the edits that lie across the TSS in two; the bases put in fill the left side first.

    Returns
    -------
    EditTable
        Sorted by place; no edit of it has bases on both sides.
    origin : int64
        The row of ``table`` that each comes from.
    """
    edits: list[Edit] = []
    across = np.flatnonzero((table.start < tss) & (table.end > tss))
    if len(across) == 0 and (np.diff(table.start) > 0).all():
        return table, np.arange(len(table))
    for edit in table.take(across).to_edits():
        before = tss - edit.start
        edits += [Edit(edit.start, tss, edit.alt[:before]), Edit(tss, edit.end, edit.alt[before:])]
    whole = np.setdiff1d(np.arange(len(table)), across)
    joined = _join(table.take(whole), EditTable.of(edits))
    origin = np.concatenate([whole, np.repeat(across, 2)])
    order = np.lexsort([joined.end, joined.start])
    return joined.take(order), origin[order]


def first_come(carried: NDArray[np.bool_], edits: AlleleEdits) -> NDArray[np.int64]:
    """Take back, in place, each allele whose REF touches that of an earlier one of the same haplotype.

    The first in file order stays. Bases that are touched are those of REF as written, the shared first base of an indel
    included; but an indel may stand behind a base that a substitution or a deletion ends with, as in bcftools consensus
    (1.24), whose rule this is.

    Parameters
    ----------
    carried : bool (n_edits, n_haplotypes)
        In file order.

    Returns
    -------
    int64 (n_haplotypes,)
        Alleles taken back.
    """
    n = carried.shape[1]
    taken_back = np.zeros(n, np.int64)
    reached, after_insertion = np.full(n, np.iinfo(np.int64).min), np.zeros(n, bool)
    grows = edits.table.growth > 0
    for i in np.flatnonzero(_may_touch(edits)):
        behind = (edits.first_base[i] == reached) & edits.anchored[i] & ~after_insertion
        kept = carried[i] & ((edits.first_base[i] > reached) | behind)
        taken_back += carried[i] & ~kept
        carried[i] = kept
        reached[kept] = edits.last_base[i]
        after_insertion[kept] = grows[i]
    return taken_back


def _may_touch(edits: AlleleEdits) -> NDArray[np.bool_]:
    """Which edits are of a record whose REF touches that of another (n_edits,)."""
    reach = np.maximum.accumulate(edits.last_base)
    # Groups of edits that hang together; one that is of a single record has no conflict.
    starts = np.ones(len(edits.record), bool)
    starts[1:] = edits.first_base[1:] > reach[:-1]
    group = np.cumsum(starts) - 1
    several = np.zeros(group[-1] + 1 if len(group) else 0, bool)
    differs = ~starts[1:] & (edits.record[1:] != edits.record[:-1])
    several[group[1:][differs]] = True
    return several[group]


def _join(*tables: EditTable) -> EditTable:
    offsets = np.cumsum([0, *(len(table.codes) for table in tables)])
    return EditTable(
        np.concatenate([table.start for table in tables]),
        np.concatenate([table.end for table in tables]),
        np.concatenate([[0], *(table.first[1:] + o for table, o in zip(tables, offsets, strict=False))]).astype(
            np.int64
        ),
        np.concatenate([table.codes for table in tables]),
    )
