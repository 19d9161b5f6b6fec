"""Which positions of the convolution tower are computed: every distinct content of a receptive field, once.

After stem and tower, token t depends on bases [128 t - 259, 128 t + 386] and on nothing else. At each of the seven levels a
position is known by the content of its receptive field and by how far that hangs over the window's edges; positions that
are alike, of any windows, share one entry. An entry is computed from six entries of the level below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haploformer.enformer.geometry import BIN_SIZE
from haploformer.genome.encoding import UNKNOWN
from haploformer.genome.snp_windows import SnpWindows

#: Levels that each halve the length: the stem's pooling and the tower's six.
N_LEVELS = 7

#: Bases that a position of the first level sees, and positions below that one of a later level sees.
FIRST_BASES, CHILDREN = 16, 6

#: The child of a position that would lie outside of the window.
OUTSIDE = -1

#: Odd, drawn at random once; content is told by polynomials in them modulo 2**64, 128 bits together.
_MULTIPLIERS = (0xB8F0D5B1C9A4E6D3, 0x9D3C7E21F54A88B7)
_OVERHANG = (0xD6E8FEB86659FD93, 0xA0761D6478BD642F)


def receptive_field(level: int) -> tuple[int, int]:
    """First and last base that position 0 of a level depends on; position i has them 2**level * i further."""
    first, last = 0, 0
    for _ in range(level - 1):
        first, last = 2 * first - 2, 2 * last + 3
    return 2 * first - 7, 2 * last + 8


@dataclass(frozen=True)
class TowerPlan:
    """The distinct positions of each level, and what they are computed from.

    Attributes
    ----------
    tokens : int64 (n_windows, n_tokens)
        The entry of the last level that each token is.
    children : tuple of int64 (n_entries, 6)
        Of levels 2 to 7: entries of the level below, `OUTSIDE` for none.
    first_bases : uint8 (n_entries, 16)
        Of level 1: base codes; what lies outside of the window is unknown, hence zeros, as the library pads it.
    """

    tokens: NDArray[np.int64]
    children: tuple[NDArray[np.int64], ...]
    first_bases: NDArray[np.uint8]

    @property
    def n_entries(self) -> list[int]:
        """Distinct positions of each level, the first level first."""
        return [len(self.first_bases), *(len(of) for of in self.children)]


def plan_tower(codes: NDArray[np.uint8]) -> TowerPlan:
    """Find the distinct positions of all levels, from the last to the first.

    Parameters
    ----------
    codes : uint8 (n_windows, length)
        Base codes, the length a multiple of 128.
    """
    n_windows, length = codes.shape
    if length % BIN_SIZE:
        raise ValueError(f"windows of {length} bases, not a multiple of {BIN_SIZE}")
    return _plan(_Content(codes), n_windows, length)


def plan_tower_from_alleles(windows: SnpWindows) -> TowerPlan:
    """As `plan_tower` of these windows, from their alleles alone: a field is told by its place and what is carried in it.

    Only what is alike at different places, as unknown bases are, is not found to be so.

    Parameters
    ----------
    windows : SnpWindows
        Of a length that is a multiple of 128.
    """
    length = len(windows.reference)
    if length % BIN_SIZE:
        raise ValueError(f"windows of {length} bases, not a multiple of {BIN_SIZE}")
    return _plan(_Alleles(windows), len(windows), length)


def _plan(content: _Keyed, n_windows: int, length: int) -> TowerPlan:
    n_tokens = length >> N_LEVELS
    row = np.repeat(np.arange(n_windows), n_tokens)
    position = np.tile(np.arange(n_tokens), n_windows)
    children: list[NDArray[np.int64]] = []
    tokens: NDArray[np.int64] = np.empty((n_windows, 0), np.int64)
    valid: NDArray[np.bool_] = np.empty((0, CHILDREN), bool)
    for level in range(N_LEVELS, 0, -1):
        entry, chosen = _distinct(content, level, row, position)
        row, position = row[chosen], position[chosen]
        if level == N_LEVELS:
            tokens = entry.reshape(n_windows, n_tokens)
        else:
            below = np.full(valid.shape, OUTSIDE, np.int64)
            below[valid] = entry
            children.append(below)
        if level > 1:
            places = 2 * position[:, None] - 2 + np.arange(CHILDREN)  # (n_entries, 6)
            valid = (places >= 0) & (places < length >> (level - 1))
            row, position = np.broadcast_to(row[:, None], places.shape)[valid], places[valid]
    bases = content.bases(row, 2 * position - 7, FIRST_BASES)
    return TowerPlan(tokens, tuple(children[::-1]), bases)


class _Keyed(Protocol):
    """Content of some windows."""

    def keys(self, row: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Key of [start, end) of the windows ``row``, 128 bits, uint64 (2, n); places of one length and one level."""
        ...

    def bases(self, row: NDArray[np.int64], start: NDArray[np.int64], n: int) -> NDArray[np.uint8]:
        """Base codes of ``n`` bases from ``start`` on, unknown beyond the edges; (n_places, n)."""
        ...


def _distinct(
    content: _Keyed, level: int, row: NDArray[np.int64], position: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The entry that each position is, and a position of each entry; entries are ordered by place, for locality."""
    first, last = receptive_field(level)
    start = (position << level) + first
    keys = content.keys(row, start, start + last - first + 1)
    _, chosen, entry = np.unique(keys[0], return_index=True, return_inverse=True)
    if not np.array_equal(keys[1], keys[1][chosen][entry]):
        # Half of the key is not enough: two contents that differ share it.
        _, chosen, entry = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    order = np.lexsort([row[chosen], position[chosen]])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[entry], chosen[order]


class _Content:
    """Keys of the bases between any two places of some windows, from sums that begin at the window's start."""

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        self.codes = codes
        n_windows, length = codes.shape
        self._sums = np.zeros((2, n_windows, length + 1), np.uint64)
        self._inverse = np.empty((2, length + 1), np.uint64)
        values = codes + np.uint8(1)
        for i, multiplier in enumerate(_MULTIPLIERS):
            powers = _powers(multiplier, length)
            self._inverse[i] = _powers(pow(multiplier, -1, 1 << 64), length + 1)
            for row in range(n_windows):
                np.cumsum(values[row] * powers, out=self._sums[i, row, 1:])

    def keys(self, row: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Key of [start, end) of the windows ``row``, the parts beyond the edges known by their lengths; (2, n)."""
        low, high = np.clip(start, 0, self.codes.shape[1]), np.clip(end, 0, self.codes.shape[1])
        left, right = (np.uint64(m) for m in _OVERHANG)
        overhang = (low - start).astype(np.uint64) * left ^ (end - high).astype(np.uint64) * right
        keys: NDArray[np.uint64] = (self._sums[:, row, high] - self._sums[:, row, low]) * self._inverse[:, low]
        return np.bitwise_xor(keys, overhang)

    def bases(self, row: NDArray[np.int64], start: NDArray[np.int64], n: int) -> NDArray[np.uint8]:
        """Base codes of ``n`` bases from ``start`` on, unknown beyond the edges; (n_places, n)."""
        places = start[:, None] + np.arange(n)
        inside = (places >= 0) & (places < self.codes.shape[1])
        found = np.full(places.shape, UNKNOWN, np.uint8)
        found[inside] = self.codes[np.broadcast_to(row[:, None], places.shape)[inside], places[inside]]
        return found


class _Alleles:
    """Keys of what some windows carry between two places, from sums over alleles that have a random number each."""

    def __init__(self, windows: SnpWindows) -> None:
        self.windows = windows
        n_windows, n_alleles = windows.carried.shape
        labels = np.random.default_rng(_MULTIPLIERS[0]).integers(0, 1 << 64, (2, 1, n_alleles), np.uint64)
        self._sums = np.zeros((2, n_windows, n_alleles + 1), np.uint64)
        np.cumsum(np.where(windows.carried, labels, 0), axis=2, dtype=np.uint64, out=self._sums[:, :, 1:])
        #: Alleles before each place.
        self._before = np.searchsorted(windows.positions, np.arange(len(windows.reference) + 1))

    def keys(self, row: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.uint64]:
        """See `_Keyed`."""
        first, last = self._alleles(start), self._alleles(end)
        place = start.astype(np.uint64) * np.array(_OVERHANG, np.uint64)[:, None]
        keys: NDArray[np.uint64] = self._sums[:, row, last] - self._sums[:, row, first]
        return np.bitwise_xor(keys, place)

    def _alleles(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return self._before[np.clip(places, 0, len(self._before) - 1)]

    def bases(self, row: NDArray[np.int64], start: NDArray[np.int64], n: int) -> NDArray[np.uint8]:
        """See `_Keyed`."""
        windows = self.windows
        beyond = np.full(n, UNKNOWN, np.uint8)
        reference = np.concatenate([beyond, windows.reference, beyond])
        found: NDArray[np.uint8] = reference[(start + n)[:, None] + np.arange(n)]
        first, last = self._alleles(start), self._alleles(start + n)
        for i in range(int((last - first).max(initial=0))):
            allele = np.minimum(first + i, len(windows.positions) - 1)
            at = np.flatnonzero((first + i < last) & windows.carried[row, allele])
            found[at, windows.positions[allele[at]] - start[at]] = windows.alleles[allele[at]]
        return found


def _powers(multiplier: int, n: int) -> NDArray[np.uint64]:
    """The powers 0 to n - 1, modulo 2**64."""
    powers = np.full(n, multiplier, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, out=powers)
