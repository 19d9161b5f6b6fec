"""The distinct haplotypes of a cohort in one window, found from their alleles: no sequence is built.

A haplotype is a list of edits to the reference. The TSS base keeps its offset whatever happens upstream: each side of the
window is filled outwards from the TSS, with every edit met on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.edits import (
    AlleleEdits,
    Edit,
    EditTable,
    first_come,
    pair_edits,
    pair_number,
    split_at,
)
from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.placement import Placement, Stretch
from haploformer.genome.reference import Reference, fetch_padded

#: Alleles that are held at once, in bytes: the memory does not grow with the cohort.
BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class GeneHaplotypes:
    """The distinct haplotypes of one gene's window.

    Attributes
    ----------
    placement : Placement (n_distinct,)
        The window of each, the reference (no edits) first.
    window : int64 (n_individuals, 2)
        Which distinct haplotype each copy is; -1 where there is no second copy. (n_individuals, 1) for the mean of
        both copies.
    n_overlapping : int
        Alleles left out because an earlier one of the same haplotype covers them.
    n_missing : int
        Missing alleles read as reference.
    n_not_snp : int
        Calls that are left out of a mean of copies, because an allele is no SNP.
    """

    placement: Placement
    window: NDArray[np.int64]
    n_overlapping: int
    n_missing: int
    n_not_snp: int = 0

    def __len__(self) -> int:
        return len(self.placement)

    @property
    def keys(self) -> list[str]:
        """Content key of each distinct haplotype."""
        return self.placement.keys

    def codes(self, rows: Sequence[int], *, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Base codes of some distinct haplotypes, uint8 (n_rows, length), built in ``out`` if it is given."""
        return self.placement.codes(rows, out=out)

    def edits(self, row: int) -> list[Edit]:
        """What makes a distinct haplotype of the reference, sorted by place."""
        return self.placement.edits(row)


@dataclass(frozen=True)
class _Calls:
    """Who carries which edit, as bits.

    Attributes
    ----------
    packed : uint8 (n_bytes, n_columns)
        A column per chromosome copy, or per person for a mean of copies.
    bit : int64 (n_edits,)
        The bit of each edit.
    missing : int64 (n_columns of copies,)
        Missing alleles of each copy.
    absent : bool (n_columns of copies,)
        Where there is no second copy: most of the calls there are haploid.
    """

    packed: NDArray[np.uint8]
    bit: NDArray[np.int64]
    missing: NDArray[np.int64]
    absent: NDArray[np.bool_]
    n_not_snp: int

    def carried(self, columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Who of some columns carries which edit (n_edits, n_columns)."""
        return np.unpackbits(self.packed[:, columns], axis=0)[self.bit].astype(bool)


def collect_gene_haplotypes(
    genotypes: Genotypes,
    reference: Reference,
    window: Interval,
    tss: int,
    *,
    max_missing: float,
    mean: bool = False,
    reverse: bool = False,
) -> GeneHaplotypes:
    """All distinct haplotypes of a cohort in one window.

    Parameters
    ----------
    genotypes : Genotypes
        Phased calls, in memory or on disk.
    window : Interval
        The model's input, which holds ``tss``.
    max_missing : float
        Share of missing alleles over which a person's window is refused. Missing alleles are read as reference.
    mean : bool
        One window per person instead of two, in which a heterozygous SNP is half of each base: for calls without a
        phase. Other variants than SNPs are left out.
    reverse : bool
        Read the window from the other strand.

    Raises
    ------
    InputError
        If a person's missing alleles exceed ``max_missing``, or records were not looked for where the window's bases
        come from.
    """
    genotypes.require_covered(window)
    reach = _reach(genotypes, window, tss)
    first, last = reach.first, reach.last
    inside = genotypes.ends[first:last] > reach.low
    edits = pair_edits(genotypes.records.iloc[first:last]) if mean else genotypes.edits.of_records(first, last)
    calls = _read_calls(genotypes, first, last, inside, edits, mean=mean)
    _require_calls(calls.missing, int(inside.sum()), genotypes, window, max_missing=max_missing)

    column, group = group_columns(calls.packed)
    carried = calls.carried(column)
    n_overlapping = first_come(carried, edits)
    # Records before the stretch only take the place of others that reach into it.
    within = np.flatnonzero(edits.table.end > reach.low)
    carried = carried[within]
    # The placement's first row is the reference: whoever carries nothing has it.
    carries = carried.any(0)
    stretch = _stretch(reach, reference, window, tss, reverse=reverse)
    placement = _place(stretch, edits.table.take(within), carried[:, carries], tss)
    differ = len(within) == len(edits.table) and not n_overlapping.any() and _all_differ(placement)
    number = np.arange(len(placement)) if differ else number_keys(placement.keys)
    if number.max() + 1 < len(placement):
        placement = placement.take(np.unique(number, return_index=True)[1])
    _require_covered(genotypes, window, placement)

    rows = number[np.where(carries, np.cumsum(carries), 0)[group]]
    present = np.ones(len(rows), bool) if mean else ~calls.absent
    rows[~present] = -1
    return GeneHaplotypes(
        placement=placement,
        window=rows.reshape(len(genotypes.individual_ids), -1),
        n_overlapping=int(n_overlapping[group][present].sum()),
        n_missing=int(calls.missing.sum()),
        n_not_snp=calls.n_not_snp,
    )


def may_be_refused(
    sites: Genotypes,
    window: Interval,
    tss: int,
    *,
    n_missing: NDArray[np.integer],
    n_haploid: NDArray[np.integer],
    max_missing: float,
) -> bool:
    """Whether `collect_gene_haplotypes` could refuse a window for its calls. False is sure, whatever lies beyond it.

    Parameters
    ----------
    sites : Genotypes
        The records; nobody's calls are looked at.
    n_missing, n_haploid : int (n_individuals,)
        Missing alleles, and calls of one allele, of each person at the records that reach into the window.
    """
    reach = _reach(sites, window, tss)
    if not sites.covers(Interval(window.contig, reach.start, reach.end)):
        return True
    starts = sites.records["pos"].to_numpy()[reach.first : reach.last] - 1
    ends = sites.ends[reach.first : reach.last]
    n_records = int((ends > reach.low).sum())
    n_beyond = n_records - int(((ends > window.start) & (starts < window.end)).sum())
    # At worst all calls beyond the window are missing; who has one copy there has one copy whatever they are.
    n_lone = np.where(2 * n_haploid > n_records, 0, n_haploid)
    return bool((_missing_share(n_missing + n_lone + 2 * n_beyond, n_records) > max_missing).any())


def group_columns(packed: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group identical columns.

    Parameters
    ----------
    packed : uint8 (n_bytes, n_columns)

    Returns
    -------
    first : int64 (n_groups,)
        A column of each group, in order of first appearance.
    group : int64 (n_columns,)
        The group of each column.
    """
    n_bytes, n_columns = packed.shape
    # A column without bytes is like any other.
    content = np.ascontiguousarray(packed.T).view(f"V{n_bytes}").ravel().tolist() if n_bytes else [b""] * n_columns
    first_of: dict[bytes, int] = {}
    leader = [first_of.setdefault(column, i) for i, column in enumerate(content)]
    first = np.array(list(first_of.values()), np.int64)
    return first, np.searchsorted(first, leader)


def _all_differ(placement: Placement) -> bool:
    """Whether different edits are sure to make different sequences: SNPs alone, each in the window, at its own place."""
    stretch, table = placement.stretch, placement.table
    place = table.start - stretch.start
    return bool(
        (table.n_bases == 1).all()
        and (table.growth == 0).all()
        and (np.diff(table.start) > 0).all()
        and ((place >= stretch.window_start) & (place < stretch.window_start + stretch.length)).all()
        and (stretch.codes[place] != table.codes).all()
    )


def number_keys(keys: Sequence[str]) -> NDArray[np.int64]:
    """The number of each key among the distinct ones, in order of first appearance (n_keys,)."""
    number_of: dict[str, int] = {}
    return np.array([number_of.setdefault(key, len(number_of)) for key in keys], np.int64)


@dataclass(frozen=True)
class _Reach:
    """What can matter in a window: records [first, last), of which those count that end after the base ``low``.

    ``start`` and ``end`` are the reference's bases from which a window can be filled.
    """

    first: int
    last: int
    low: int
    start: int
    end: int


def _reach(genotypes: Genotypes, window: Interval, tss: int) -> _Reach:
    """Deletions draw bases, and with them more records, from beyond the window's ends: at most as many as lie under one."""
    low, high = window.start, window.end
    while True:
        first, last = genotypes.row_range(window.contig, low - genotypes.longest_ref, high)
        table = genotypes.edits.of_records(first, last).table
        lost_left, lost_right = _bases_under_deletions(table, tss)
        if window.start - lost_left >= low and window.end + lost_right <= high:
            break
        low, high = min(low, window.start - lost_left), max(high, window.end + lost_right)
    inside = np.flatnonzero(genotypes.ends[first:last] > low)
    # One that ends before the stretch may stand in the way of the next, which reaches into it.
    first = int(genotypes.group_start[first + inside[0]]) if len(inside) else last
    # An edit that reaches over an end of the stretch is to lie in it as a whole.
    start, end = int(table.start[table.end > low].min(initial=low)), int(table.end.max(initial=high))
    return _Reach(first, last, low, start, end)


def _stretch(reach: _Reach, reference: Reference, window: Interval, tss: int, *, reverse: bool) -> Stretch:
    codes = fetch_padded(reference, window.contig, reach.start, reach.end)
    return Stretch(reach.start, tss, tss - window.start, window.end - tss, codes, reverse)


def _bases_under_deletions(table: EditTable, tss: int) -> tuple[int, int]:
    """How many bases left and right of the TSS lie under an edit that shortens the sequence."""
    shorter = table.growth < 0
    order = np.argsort(table.start[shorter], kind="stable")
    start, end = table.start[shorter][order], np.maximum.accumulate(table.end[shorter][order])
    # Of each only what no earlier one covers.
    start = np.maximum(start, np.concatenate([start[:1], end[:-1]]))
    left = np.minimum(end, tss) - np.minimum(start, tss)
    right = np.maximum(end, tss) - np.maximum(start, tss)
    return int(np.maximum(left, 0).sum()), int(np.maximum(right, 0).sum())


def _read_calls(
    genotypes: Genotypes,
    first: int,
    last: int,
    inside: NDArray[np.bool_],
    edits: AlleleEdits,
    *,
    mean: bool,
) -> _Calls:
    n = 2 * len(genotypes.individual_ids)
    missing, lone, n_called = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    packed: list[NDArray[np.uint8]] = [np.zeros((0, n // 2 if mean else n), np.uint8)]
    bit: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    n_bytes = n_not_snp = 0
    step = max(1, BLOCK_BYTES // max(n, 1))
    for start in range(first, last, step):
        stop = min(start + step, last)
        alleles = np.asarray(genotypes.alleles[slice(start, stop)], np.int8).reshape(stop - start, n)
        counted = alleles[inside[start - first : stop - first]]
        if counted.min(initial=0) < 0:
            missing += (counted == MISSING).sum(0)
            lone += (counted == ABSENT).sum(0)
        n_called += (counted != MISSING).sum(0)
        values = _pairs(alleles) if mean else alleles
        rows = slice(*np.searchsorted(edits.record, [start - first, stop - first]))
        allele = edits.allele[rows].astype(values.dtype)
        bits = values[edits.record[rows] - (start - first)] == allele[:, None]
        if mean:
            n_not_snp += int((values[inside[start - first : stop - first]] > 0).sum() - bits.sum())
        packed.append(np.packbits(bits, axis=0))
        bit.append(8 * n_bytes + np.arange(len(bits)))
        n_bytes += len(packed[-1])
    # A copy is not there where most of its calls are haploid; elsewhere a lone allele leaves the other one missing.
    absent = 2 * lone > n_called
    return _Calls(np.concatenate(packed), np.concatenate(bit), missing + lone * ~absent, absent, n_not_snp)


def _pairs(alleles: NDArray[np.int8]) -> NDArray[np.int16]:
    """Number of each person's pair of alleles; missing is reference, a lone copy stands for both."""
    first = alleles[:, ::2]
    second = np.where(alleles[:, 1::2] == ABSENT, first, alleles[:, 1::2])
    low, high = np.maximum(np.minimum(first, second), 0), np.maximum(np.maximum(first, second), 0)
    return pair_number(low.astype(np.int16), high.astype(np.int16))


def _place(stretch: Stretch, table: EditTable, carried: NDArray[np.bool_], tss: int) -> Placement:
    """The reference's window and that of each column of ``carried`` (n_edits, n_columns)."""
    split, origin = split_at(table, tss)
    row, edit = np.nonzero(np.ascontiguousarray(carried[origin].T))
    n_carried = np.bincount(row, minlength=carried.shape[1])
    return Placement(stretch, split, np.concatenate([[0, 0], np.cumsum(n_carried)]), edit)


def _require_covered(genotypes: Genotypes, window: Interval, placement: Placement) -> None:
    """Deletions draw bases, and with them variants, from beyond the window: they must have been looked for there."""
    start, end = placement.reach()
    if genotypes.covers(Interval(window.contig, start, end)):
        return
    beyond = max(window.start - start, end - window.end)
    raise InputError(
        f"{genotypes.provenance.get('source', 'genotypes')}:{window.contig}:{window.start + 1}-{window.end}",
        f"deletions draw {beyond:,} bases into the window, from where no variants were read",
        f"set data_prep.margin to at least {beyond} and read them again: kedro run --pipelines data_prep",
    )


def _require_calls(
    missing: NDArray[np.int64], n_records: int, genotypes: Genotypes, window: Interval, *, max_missing: float
) -> None:
    share = _missing_share(missing.reshape(-1, 2).sum(1), n_records)
    if share.max(initial=0) <= max_missing:
        return
    worst = int(share.argmax())
    raise InputError(
        f"{genotypes.provenance.get('source', 'genotypes')}:{window.contig}:{window.start + 1}-{window.end}",
        f"{100 * share[worst]:.1f} % of the alleles of {genotypes.individual_ids[worst]} are missing, "
        f"{100 * max_missing:.1f} % are allowed",
        "leave the person out, impute the genotypes, or raise sequence_build.max_missing",
    )


def _missing_share(n_missing: NDArray[np.integer], n_records: int) -> NDArray[np.float64]:
    """Share of a person's alleles that is missing (n_individuals,)."""
    return n_missing / max(2 * n_records, 1)
