"""Records that lie elsewhere, and on which it depends all the same what becomes of records near a gene.

Of two alleles of a haplotype whose REF share bases the first is applied. A record that reaches into an interval is
therefore read together with those before it that share bases with it, those before these that share bases with them, and
so on. What comes later has no say: a long deletion does not hold what lies under it.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")


class OverlapStack(Generic[Item]):
    """Tells which records of a sorted stream are read, as soon as that is known.

    Parameters
    ----------
    limit : int
        So many records are held at most; if there are more on which something may depend, all are read.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._contig: str | None = None
        #: End and item of records elsewhere: each shares bases with the next, the last reaches beyond what has come.
        self._held: list[tuple[int, Item]] = []

    def add(self, contig: str, start: int, end: int, item: Item, *, is_near: bool) -> tuple[list[Item], list[Item]]:
        """The records, in their order, that are known to be read now that this one has come, and those known not to be.

        Parameters
        ----------
        contig : str
        start, end : int
            The bases of REF, 0-based half-open.
        item
            What stands for the record.
        is_near : bool
            Whether the record is to be read whatever others do.
        """
        far = self.close() if contig != self._contig else []
        self._contig = contig
        while self._held and self._held[-1][0] <= start:
            far.append(self._held.pop()[1])
        self._held.append((end, item))
        if not is_near and len(self._held) < self.limit:
            return [], far
        # The last one held shares bases with this record, which begins no earlier and before its end.
        return self.close(), far

    def close(self) -> list[Item]:
        """The records that are held, which no other can need any more."""
        held, self._held = self._held, []
        return [item for _, item in held]


def with_overlapped(
    starts: NDArray[np.int64], ends: NDArray[np.int64], near: NDArray[np.bool_], *, limit: int
) -> NDArray[np.bool_]:
    """Which records of a contig are read: those that are near, and those before them on which they depend.

    Parameters
    ----------
    starts, ends : int64 (n_records,)
        The bases of REF, 0-based half-open; ``starts`` ascend.
    near : bool (n_records,)
    limit : int
        As in `OverlapStack`.
    """
    read = near.copy()
    if len(starts) == 0:
        return read
    is_first = np.ones(len(starts), bool)
    is_first[1:] = starts[1:] >= np.maximum.accumulate(ends)[:-1]
    group = np.cumsum(is_first) - 1
    size = np.bincount(group)
    n_near = np.bincount(group, weights=near)
    in_question = ((n_near > 0) & (n_near < size)) | (size >= limit)
    stack: OverlapStack[int] = OverlapStack(limit)
    for row in np.flatnonzero(in_question[group]).tolist():
        kept, _ = stack.add("", int(starts[row]), int(ends[row]), row, is_near=bool(near[row]))
        read[kept] = True
    return read
