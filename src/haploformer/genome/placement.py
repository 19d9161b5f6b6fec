"""Where each base of an edited window comes from, for many haplotypes at once: their bases, and their keys.

A base of the reference at ``x`` lands in the window at ``x - window start + shift``. The shift is 0 at the TSS and changes
by the growth of each edit met on the way outwards, so that the TSS base keeps its place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haploformer.genome.content_keys import (
    MULTIPLIERS,
    key_texts,
    modular_inverse,
    multiply,
    powers_at,
    prefix_residues,
    reduce_residue,
    residue,
    split_powers,
    subtract,
)
from haploformer.genome.edits import Edit, EditTable
from haploformer.genome.encoding import complement, reverse_complement
from haploformer.genome.snp_windows import SnpWindows

#: Edits of the haplotypes that are laid out at once: the arrays stay in the processor's cache, and small for any cohort.
PART_EDITS = 2**15


@dataclass(frozen=True)
class Stretch:
    """A window's reference bases with a margin on either side, from which haplotypes are filled.

    Attributes
    ----------
    start : int
        0-based position of the first base of ``codes``.
    tss : int
        0-based; splits the window into the side that ends before it and the side that begins with it.
    left, right : int
        Bases of the window before the TSS, and from it on.
    codes : uint8 (length,)
    reverse : bool
        Whether the window is read from the other strand.
    """

    start: int
    tss: int
    left: int
    right: int
    codes: NDArray[np.uint8]
    reverse: bool = False

    @property
    def length(self) -> int:
        """Bases of the window."""
        return self.left + self.right

    @property
    def window_start(self) -> int:
        """Place of the window's first base in ``codes``."""
        return self.tss - self.left - self.start


@dataclass(frozen=True)
class Placement:
    """The windows of some haplotypes, laid out but not built.

    Attributes
    ----------
    stretch : Stretch
    table : EditTable
        Sorted by place, none across the TSS (`haploformer.genome.edits.split_at`).
    first : int64 (n_haplotypes + 1,)
        Haplotype i carries ``carried[first[i]:first[i + 1]]``.
    carried : int64
        Rows of ``table``, ascending within a haplotype, none overlapping another.
    """

    stretch: Stretch
    table: EditTable
    first: NDArray[np.int64]
    carried: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first) - 1

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Placement:
        """The windows of some haplotypes, in that order."""
        rows = np.asarray(rows, np.int64)
        n = self.first[rows + 1] - self.first[rows]
        first = np.concatenate([[0], np.cumsum(n)])
        place = np.repeat(self.first[rows] - first[:-1], n) + np.arange(first[-1])
        return Placement(self.stretch, self.table, first, self.carried[place])

    def edits(self, row: int) -> list[Edit]:
        """The edits of one haplotype, sorted by place."""
        return self.table.take(self.carried[self.first[row] : self.first[row + 1]]).to_edits()

    def reach(self) -> tuple[int, int]:
        """Start and end of the reference bases from which the windows are filled."""
        starts, ends = zip(*(self._layout(part).reach() for part in range(self._n_parts)), strict=True)
        return min(starts), max(ends)

    def codes(
        self, rows: Sequence[int] | NDArray[np.int64] | None = None, *, out: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """Bases of some windows, of all by default.

        Parameters
        ----------
        rows : sequence of int, optional
        out : uint8 (at least n_rows, length), optional
            Where to build them: a buffer that is used again stays in the processor's cache.

        Returns
        -------
        uint8 (n_rows, length)
        """
        chosen: list[int] = np.asarray(range(len(self)) if rows is None else rows, np.int64).tolist()
        windows = np.empty((len(chosen), self.stretch.length), np.uint8) if out is None else out[: len(chosen)]
        # By row, so that no part is laid out twice.
        for i in sorted(range(len(chosen)), key=chosen.__getitem__):
            part = bisect_right(self._cuts, chosen[i]) - 1
            self._layout(part).build(chosen[i] - self._cuts[part], windows[i])
        if self.stretch.reverse:
            windows[:] = reverse_complement(windows)
        return windows

    def snps(self, rows: Sequence[int] | NDArray[np.int64]) -> SnpWindows | None:
        """Some windows by their alleles; None where an edit of theirs changes the length."""
        chosen = self.take(rows)
        edits, number = np.unique(chosen.carried, return_inverse=True)
        table = self.table.take(edits)
        if (table.growth != 0).any():
            return None
        by_edit = np.zeros((len(chosen), len(edits)), bool)
        by_edit[np.repeat(np.arange(len(chosen)), np.diff(chosen.first)), number] = True
        edit = np.repeat(np.arange(len(edits)), table.n_bases)
        within = np.arange(len(edit)) - table.first[edit]
        start, length, codes = self.stretch.window_start, self.stretch.length, table.codes
        reference = self.stretch.codes[start : start + length]
        positions = table.start[edit] + within - self.stretch.start - start
        if self.stretch.reverse:
            reference, positions, codes = reverse_complement(reference), length - 1 - positions, complement(codes)
        return SnpWindows.of(reference, positions, codes, by_edit[:, edit])

    @cached_property
    def keys(self) -> list[str]:
        """Content key of each window, equal to `haploformer.genome.content_keys.sequence_key` of its bases."""
        multipliers = [modular_inverse(m) for m in MULTIPLIERS] if self.stretch.reverse else list(MULTIPLIERS)
        parts = [self._layout(part).residues(multipliers) for part in range(self._n_parts)]
        residues = np.concatenate([np.zeros((len(multipliers), 0), np.uint64), *parts], axis=1)
        if self.stretch.reverse:
            last = np.array([self.stretch.length - 1])
            turn = np.concatenate([powers_at(multiplier, last) for multiplier in MULTIPLIERS])
            residues = multiply(residues, np.broadcast_to(turn[:, None], residues.shape))
        return key_texts(residues)

    @property
    def _n_parts(self) -> int:
        return len(self._cuts) - 1

    @cached_property
    def _cuts(self) -> list[int]:
        """The haplotypes with which the parts begin that are laid out at once, and the end."""
        inner = np.searchsorted(self.first, np.arange(PART_EDITS, self.first[-1], PART_EDITS))
        cuts: list[int] = np.unique(np.concatenate([[0], inner, [len(self)]])).tolist()
        return cuts

    @cached_property
    def _laid_out(self) -> dict[int, _Layout]:
        """The part that was laid out last."""
        return {}

    def _layout(self, part: int) -> _Layout:
        layout = self._laid_out.get(part)
        if layout is None:
            first, last = self._cuts[part], self._cuts[part + 1]
            begin, end = self.first[first], self.first[last]
            layout = _Layout(self.stretch, self.table, self.first[first : last + 1] - begin, self.carried[begin:end])
            self._laid_out.clear()
            self._laid_out[part] = layout
        return layout


@dataclass(frozen=True)
class _Layout:
    """Where each base of some haplotypes comes from; attributes as in `Placement`."""

    stretch: Stretch
    table: EditTable
    first: NDArray[np.int64]
    carried: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first) - 1

    def reach(self) -> tuple[int, int]:
        _, source, _, n = self._runs
        return self.stretch.start + int(source.min()), self.stretch.start + int((source + n).max())

    def build(self, row: int, window: NDArray[np.uint8]) -> None:
        """Put the bases of a haplotype, on the reference's strand, into ``window`` (length,)."""
        reference, put = self.stretch.codes, self._put
        for source, target, n in self._runs_of_row[row]:
            window[target : target + n] = reference[source : source + n]
        first, last = self._first_put[row], self._first_put[row + 1]
        window[put.target[first:last]] = put.codes[first:last]

    def residues(self, multipliers: Sequence[int]) -> NDArray[np.uint64]:
        """Polynomial of each window, uint64 (n_multipliers, n_haplotypes)."""
        stretch, (row, source, target, n) = self.stretch, self._runs
        values = self._values(stretch.codes)
        at_source, at_end = np.split(prefix_residues(values, np.concatenate([source, source + n]), multipliers), 2, 1)
        moves = np.stack([powers_at(multiplier, target - source) for multiplier in multipliers])
        parts = multiply(subtract(at_end, at_source), moves)

        put = self._put
        replaced = np.where(put.source >= 0, values[put.source], 0).astype(np.float64)
        change = self._values(put.codes) - replaced
        residues = []
        for multiplier, part in zip(multipliers, parts, strict=True):
            limbs = split_powers(multiplier, stretch.length)
            low, high = (_from_signed(_float_sums(put.row, change * limb[put.target], len(self))) for limb in limbs)
            residues.append(reduce_residue(_sum_by_row(row, part, len(self)) + residue(low, high)))
        return np.stack(residues)

    def _values(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return (complement(codes) if self.stretch.reverse else codes) + np.uint8(1)

    @cached_property
    def _row(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    @cached_property
    def _shifts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Shift of the bases right before and right behind each carried edit."""
        growth = np.concatenate([[0], np.cumsum(self.table.growth[self.carried])])
        is_left = np.concatenate([[0], np.cumsum(self.table.end[self.carried] <= self.stretch.tss)])
        # The running sum at the TSS, for each haplotype.
        at_tss = growth[self.first[:-1] + is_left[self.first[1:]] - is_left[self.first[:-1]]]
        origin = at_tss[self._row]
        return growth[:-1] - origin, growth[1:] - origin

    @cached_property
    def _runs(self) -> tuple[NDArray[np.int64], ...]:
        """Runs of reference bases: ``row``, ``source`` in the stretch, ``target`` in the window, and how many.

        Only an edit that changes the length ends a run; others lie on it.
        """
        stretch, table = self.stretch, self.table
        cuts = np.flatnonzero(table.growth[self.carried] != 0)
        edit, row = self.carried[cuts], self._row[cuts]
        before, behind = (shift[cuts] for shift in self._shifts)
        n = len(self) + len(cuts)
        place = np.arange(len(cuts)) + row
        begin, stop = np.zeros(n, np.int64), np.full(n, len(stretch.codes), np.int64)
        shift, rows = np.zeros(n, np.int64), np.repeat(np.arange(len(self)), np.bincount(row, minlength=len(self)) + 1)
        stop[place], begin[place + 1] = table.start[edit] - stretch.start, table.end[edit] - stretch.start
        shift[place], shift[place + 1] = before, behind

        offset = shift - stretch.window_start
        begin, stop = np.maximum(begin, -offset), np.minimum(stop, stretch.length - offset)
        kept = begin < stop
        runs = rows[kept], begin[kept], (begin + offset)[kept], (stop - begin)[kept]
        self._require_filled(runs)
        return runs

    @cached_property
    def _runs_of_row(self) -> list[list[tuple[int, int, int]]]:
        """Source, target and length of each haplotype's runs."""
        row, *runs = self._runs
        ends = np.cumsum(np.bincount(row, minlength=len(self))).tolist()
        listed = list(zip(*(part.tolist() for part in runs), strict=True))
        return [listed[first:last] for first, last in pairwise([0, *ends])]

    @cached_property
    def _first_put(self) -> list[int]:
        """The bases put into haplotype i are ``_put[first[i]:first[i + 1]]``."""
        return [0, *np.cumsum(np.bincount(self._put.row, minlength=len(self))).tolist()]

    def _require_filled(self, runs: tuple[NDArray[np.int64], ...]) -> None:
        filled = _float_sums(runs[0], runs[3], len(self))
        filled += np.bincount(self._put.row[self._put.source < 0], minlength=len(self))
        assert (filled == self.stretch.length).all(), "the stretch is too short to fill the windows"

    @cached_property
    def _put(self) -> _PutBases:
        """Every base that an edit puts into a window."""
        table, stretch = self.table, self.stretch
        n_bases = table.n_bases[self.carried]
        total = int(n_bases.sum())
        within = np.arange(total) - np.repeat(np.cumsum(n_bases) - n_bases, n_bases)
        edit = np.repeat(self.carried, n_bases)
        source = table.start[edit] - stretch.start + within
        target = source - stretch.window_start + np.repeat(self._shifts[0], n_bases)
        inside = (target >= 0) & (target < stretch.length)
        return _PutBases(
            row=np.repeat(self._row, n_bases)[inside],
            target=target[inside],
            codes=table.codes[(table.first[edit] + within)[inside]],
            source=np.where(table.growth[edit] == 0, source, -1)[inside],
        )


@dataclass(frozen=True)
class _PutBases:
    """Bases put in: the haplotype, the place in its window, the base, and the place of the reference base that it lies on.

    ``source`` is -1 for bases of edits that change the length, which lie on none.
    """

    row: NDArray[np.int64]
    target: NDArray[np.int64]
    codes: NDArray[np.uint8]
    source: NDArray[np.int64]


def _float_sums(row: NDArray[np.int64], parts: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Sums by row, exact for whole numbers while they stay below 2**53."""
    return np.asarray(np.bincount(row, weights=parts, minlength=n), np.float64)


def _sum_by_row(row: NDArray[np.int64], parts: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
    """Sums of residues by row, by halves."""
    low = _float_sums(row, parts & np.uint64((1 << 31) - 1), n)
    high = _float_sums(row, parts >> np.uint64(31), n)
    return residue(low.astype(np.uint64), high.astype(np.uint64))


def _from_signed(total: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Residue of whole numbers between -2**53 and 2**53."""
    return np.mod(total.astype(np.int64), np.int64((1 << 61) - 1)).astype(np.uint64)
