"""Windows that differ from one reference by single bases, as alleles: no sequence is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SnpWindows:
    """A reference window, and who carries which other base.

    Attributes
    ----------
    reference : uint8 (length,)
        Base codes.
    positions : int64 (n_alleles,)
        Places in the window, ascending; several alleles of one place stand side by side.
    alleles : uint8 (n_alleles,)
        Base codes, each another than the reference's, none twice at a place.
    carried : bool (n_windows, n_alleles)
        Of one place, a window carries one allele at most.
    """

    reference: NDArray[np.uint8]
    positions: NDArray[np.int64]
    alleles: NDArray[np.uint8]
    carried: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.carried)

    def take(self, rows: Sequence[int] | NDArray[np.int64] | slice) -> SnpWindows:
        """Some of the windows, in that order."""
        return replace(self, carried=self.carried[rows])

    @staticmethod
    def of(
        reference: NDArray[np.uint8],
        positions: NDArray[np.int64],
        alleles: NDArray[np.uint8],
        carried: NDArray[np.bool_],
    ) -> SnpWindows:
        """From alleles in any order, of which some may lie off the window, be the reference's, or stand there twice."""
        kept = np.flatnonzero((positions >= 0) & (positions < len(reference)))
        kept = kept[reference[positions[kept]] != alleles[kept]]
        place = positions[kept] * 256 + alleles[kept]
        distinct, column = np.unique(place, return_inverse=True)
        joined = np.zeros((len(carried), len(distinct)), bool)
        order = np.argsort(column, kind="stable")
        if len(order):
            first = np.flatnonzero(np.diff(column[order], prepend=-1))
            joined = np.logical_or.reduceat(carried[:, kept[order]], first, axis=1)
        return SnpWindows(reference, distinct // 256, (distinct % 256).astype(np.uint8), joined)
