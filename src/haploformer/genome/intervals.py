"""Half-open, 0-based intervals on contigs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Interval(NamedTuple):
    """Bases ``start`` to ``end`` - 1 of a contig, 0-based."""

    contig: str
    start: int
    end: int


#: The largest position that a .tbi index can hold; no contig is longer.
LONGEST_CONTIG = 2**29 - 1


def whole_contig(contig: str) -> Interval:
    """All of a contig, however long it is."""
    return Interval(contig, 0, LONGEST_CONTIG)


def merge_intervals(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted intervals that cover the same bases, none touching another."""
    merged: list[Interval] = []
    for interval in sorted(intervals):
        if merged and merged[-1].contig == interval.contig and interval.start <= merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return merged


def group_by_contig(intervals: Iterable[Interval]) -> dict[str, list[Interval]]:
    """The intervals of each contig, in the order given."""
    of_contig: dict[str, list[Interval]] = {}
    for interval in intervals:
        of_contig.setdefault(interval.contig, []).append(interval)
    return of_contig


def reach_into(pos: NDArray[np.int64], n_bases: NDArray[np.int64], intervals: Iterable[Interval]) -> NDArray[np.bool_]:
    """Which records, from 1-based positions on, have a base in one of the intervals, all of which are on their contig."""
    inside = np.zeros(len(pos), bool)
    for interval in intervals:
        inside |= (pos - 1 < interval.end) & (pos - 1 + n_bases > interval.start)
    return inside
