"""By how much positions are shifted against the reference: all along a contig, or from some place on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import log
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from haploformer.genome.encoding import UNKNOWN, encode
from haploformer.genome.reference import Reference, fetch_padded

#: Shifts of up to this many bases to either side are tried.
MAX_SHIFT = 1000

#: What a record is worth where no shift is thought to fit: more than agreement by chance, less than that of a fitting one.
_NO_SHIFT = 0.8

#: What a change of the shift costs, in records: some agree by chance with any shift.
_CHANGE = 4.0

#: Bases of an allele that are compared.
_LONGEST = 50


class Site(NamedTuple):
    """A record's place and the alleles of which one should equal the reference."""

    contig: str
    pos: int
    alleles: tuple[str, ...]


class Stretch(NamedTuple):
    """Neighbouring sites of one shift: ``n_agree`` of ``n_sites`` equal the reference at ``pos + shift``.

    Where no shift fits, ``shift`` is None and ``n_agree`` are those that agree with none.
    """

    contig: str
    first: int
    last: int
    n_sites: int
    n_agree: int
    shift: int | None


class ShiftSearch(NamedTuple):
    """Stretches in the order of the sites, and the share of sites that agree by chance."""

    stretches: tuple[Stretch, ...]
    chance: float

    @property
    def n_sites(self) -> int:
        """Sites looked at."""
        return sum(stretch.n_sites for stretch in self.stretches)

    def is_beyond_chance(self, stretch: Stretch) -> bool:
        """Whether, with all shifts tried, fewer than one search in a million would find such a stretch by chance."""
        return stretch.n_agree * log(max(self.chance, 0.25)) < log(1e-6 / (2 * MAX_SHIFT + 1))


def search_shifts(sites: Sequence[Site], reference: Reference) -> ShiftSearch:
    """Divide the contigs into stretches of one shift each.

    Parameters
    ----------
    sites : sequence of Site
        Each contig in one piece, sorted by ``pos``; a few thousand are enough.

    References: the best path through shifts is Viterbi's (1967), with one more state for "none fits".
    """
    stretches: list[Stretch] = []
    chance = 0.0
    for contig, group in groupby(sites, key=lambda site: site.contig):
        here = list(group)
        agreement = shift_agreement(here, reference)
        chance += agreement.mean() * len(here)
        shifts = _best_path(agreement)
        breaks = np.flatnonzero(np.diff(shifts)) + 1
        for rows in np.split(np.arange(len(here)), breaks):
            column = int(shifts[rows[0]])
            shift = column - MAX_SHIFT if column < agreement.shape[1] else None
            n_agree = int(agreement[rows, MAX_SHIFT if shift is None else column].sum())
            stretches.append(Stretch(contig, here[rows[0]].pos, here[rows[-1]].pos, len(rows), n_agree, shift))
    return ShiftSearch(tuple(stretches), chance / max(len(sites), 1))


def shift_agreement(sites: Sequence[Site], reference: Reference) -> NDArray[np.bool_]:
    """Whether one of a site's alleles equals the reference at ``pos + shift``.

    Returns
    -------
    bool (n_sites, 2 * MAX_SHIFT + 1)
        Shifts from -MAX_SHIFT to MAX_SHIFT. Unknown bases agree with nothing.
    """
    agreement = np.zeros((len(sites), 2 * MAX_SHIFT + 1), bool)
    for row, site in zip(agreement, sites, strict=True):
        alleles = [encode(allele[:_LONGEST]) for allele in site.alleles]
        start = site.pos - 1 - MAX_SHIFT
        bases = fetch_padded(reference, site.contig, start, start + len(row) - 1 + max(map(len, alleles)))
        for codes in alleles:
            if len(codes) and not (codes == UNKNOWN).any():
                row |= (sliding_window_view(bases, len(codes))[: len(row)] == codes).all(-1)
    return agreement


def _best_path(agreement: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Column of the shift of each site, one past the last where none fits."""
    n_sites, n_shifts = agreement.shape
    gains = np.hstack([agreement.astype(float), np.full((n_sites, 1), _NO_SHIFT)])
    # Of equals, no shift at all.
    gains[:, MAX_SHIFT] += 1e-6
    score = gains[0].copy()  # (n_shifts + 1,)
    changed = np.zeros((n_sites, n_shifts + 1), bool)
    best = np.zeros(n_sites, np.int64)
    for i in range(1, n_sites):
        best[i] = score.argmax()
        from_best = score[best[i]] - _CHANGE
        changed[i] = score < from_best
        score = np.maximum(score, from_best) + gains[i]
    path = np.zeros(n_sites, np.int64)
    path[-1] = score.argmax()
    for i in range(n_sites - 1, 0, -1):
        path[i - 1] = best[i] if changed[i, path[i]] else path[i]
    return path
