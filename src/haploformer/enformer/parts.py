"""The windows that are asked for, cut into parts that share a tower each, and planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haploformer.enformer.engine import Windows
from haploformer.enformer.geometry import BIN_SIZE
from haploformer.enformer.tower_plan import TowerPlan, plan_tower, plan_tower_from_alleles
from haploformer.genome.snp_windows import SnpWindows

#: What bounds the windows that share a tower: bytes that are held while they are planned.
PLAN_BYTES = 192 * 2**20

#: Distinct positions of the first level that a tower may have, in those of one window. Haplotypes of a gene have 1.1 to
#: 1.4 times those of one, with indels 8 times at most; sequences that share nothing have them all.
MOST_TOWERS = 8

#: Bytes per window: a base's, where windows are planned from sequences; an allele's and a token's, where from alleles.
_BASE_BYTES, _ALLELE_BYTES, _TOKEN_BYTES = 16, 16, 64


@dataclass(frozen=True)
class Part:
    """Windows that share a tower.

    Attributes
    ----------
    places : int64 (n_windows,)
        Which of the windows that were asked for.
    plan : TowerPlan
        Of these windows, the reference's before them where it is wanted.
    reference : uint8 (length,), optional
        Base codes of the reference's window.
    """

    places: NDArray[np.int64]
    plan: TowerPlan
    reference: NDArray[np.uint8] | None


@dataclass(frozen=True)
class _Job:
    """A part not yet planned.

    Attributes
    ----------
    places : int64 (n_windows,)
        As in `Part`.
    rows : list of int
        The windows, the reference before them where it is wanted.
    snps : SnpWindows, optional
        The same windows, where they are known by their alleles.
    """

    windows: Windows
    length: int
    places: NDArray[np.int64]
    rows: list[int]
    snps: SnpWindows | None

    def parts(self) -> list[Part]:
        """The windows planned, in several parts where they have too little in common."""
        part = self.plan()
        middle = len(self.places) // 2
        if middle == 0 or part.plan.n_entries[0] <= MOST_TOWERS * (self.length // 2):
            return [part]
        return [half for places in (slice(None, middle), slice(middle, None)) for half in self.take(places).parts()]

    def take(self, places: slice) -> _Job:
        """Some of the windows, each behind the reference where it is wanted."""
        n_first = len(self.rows) - len(self.places)
        of = [*range(n_first), *range(n_first, len(self.rows))[places]]
        rows, alleles = [self.rows[i] for i in of], None if self.snps is None else self.snps.take(of)
        return _Job(self.windows, self.length, self.places[places], rows, alleles)

    def plan(self) -> Part:
        """Find what is distinct in the windows."""
        with_reference = len(self.rows) > len(self.places)
        if self.snps is not None:
            self._require_length(len(self.snps.reference))
            plan, reference = plan_tower_from_alleles(self.snps), self.snps.reference
        else:
            codes = self.windows.codes(self.rows)
            self._require_length(codes.shape[1])
            plan, reference = plan_tower(codes), codes[0].copy()
        return Part(self.places, plan, reference if with_reference else None)

    def _require_length(self, length: int) -> None:
        if length != self.length:
            raise ValueError(f"windows of {length} bases, the model takes {self.length}")


def planned_parts(
    windows: Windows, rows: Sequence[int], *, length: int, with_reference: bool, ahead: bool
) -> Iterator[Part]:
    """Plan the windows, part by part.

    Parameters
    ----------
    rows : sequence of int
        Which of the windows.
    length : int
        Bases that the model takes.
    with_reference : bool
        Whether a part is of one gene, with the window of its reference before the others.
    ahead : bool
        Whether a thread plans the next part while the caller computes the last one.

    Raises
    ------
    ValueError
        If windows have another length.
    """
    jobs = _cut(windows, rows, length, with_reference=with_reference)
    if not ahead:
        for job in jobs:
            yield from job.parts()
        return
    with ThreadPoolExecutor(1) as worker:
        planned = worker.submit(jobs[0].parts) if jobs else None
        for following in [*jobs[1:], None]:
            if planned is None:
                return
            found = planned.result()
            planned = None if following is None else worker.submit(following.parts)
            yield from found


def _cut(windows: Windows, rows: Sequence[int], length: int, *, with_reference: bool) -> list[_Job]:
    """By gene where windows are known by alleles, or their reference is wanted; the others all together."""
    chosen, reference = np.asarray(rows, np.int64), windows.reference_rows(rows)
    jobs: list[_Job] = []
    together: list[NDArray[np.int64]] = []
    for of in np.unique(reference).tolist():
        places, first = np.flatnonzero(reference == of), [of] if with_reference else []
        snps = windows.snps([*first, *chosen[places].tolist()])
        if snps is None and not with_reference:
            together.append(places)
        else:
            jobs += _pieces(windows, chosen, places, first, length, snps)
    if together:
        jobs += _pieces(windows, chosen, np.sort(np.concatenate(together)), [], length, None)
    return jobs


def _pieces(
    windows: Windows,
    chosen: NDArray[np.int64],
    places: NDArray[np.int64],
    first: list[int],
    length: int,
    snps: SnpWindows | None,
) -> list[_Job]:
    """Some windows, as many at once as the memory of planning allows."""
    of_window = _BASE_BYTES * length
    if snps is not None:
        of_window = _ALLELE_BYTES * len(snps.positions) + _TOKEN_BYTES * (length // BIN_SIZE)
    at_once = max(1, PLAN_BYTES // of_window)
    whole = _Job(windows, length, places, [*first, *chosen[places].tolist()], snps)
    return [whole.take(slice(start, start + at_once)) for start in range(0, len(places), at_once)]
