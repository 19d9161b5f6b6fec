"""What the rest of the project needs of a reference genome."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haploformer.genome.encoding import UNKNOWN, decode


class Reference(Protocol):
    """A reference genome, read on demand. ``name`` is what messages call it."""

    name: str

    @property
    def contig_lengths(self) -> Mapping[str, int]:
        """Length of each contig in bases, by canonical contig name."""
        ...

    def read(self, contig: str, start: int, end: int) -> NDArray[np.uint8]:
        """Codes of the bases [start, end), which lie on the contig."""
        ...


class NoReference:
    """Stands for the reference where none is to be looked at: alleles count as they are written, and nothing is checked.

    It has no contig and no base, so that no sequence can be built of it.
    """

    name = "no reference"
    sha256 = None
    contig_lengths: Mapping[str, int] = MappingProxyType({})

    def read(self, contig: str, start: int, end: int) -> NDArray[np.uint8]:
        """Refuse."""
        raise ValueError(f"{contig}:{start + 1}-{end}: there is no reference to read")


def fetch_padded(reference: Reference, contig: str, start: int, end: int) -> NDArray[np.uint8]:
    """Codes of [start, end); what lies off the contig is unknown.

    Parameters
    ----------
    start, end : int
        0-based half-open; may be negative or past the end of the contig.

    Returns
    -------
    uint8 (end - start,)
    """
    codes = np.full(end - start, UNKNOWN, np.uint8)
    low, high = max(start, 0), min(end, reference.contig_lengths[contig])
    if low < high:
        codes[low - start : high - start] = reference.read(contig, low, high)
    return codes


class ReferenceText:
    """Bases of a reference as text, for places that are asked for in their order: one read serves many.

    Parameters
    ----------
    reference : Reference
    length : int
        Bases read at once.
    """

    def __init__(self, reference: Reference, *, length: int = 1 << 16) -> None:
        self.reference = reference
        self.length = length
        self._place = ("", 0, 0)
        self._text = ""

    def at(self, contig: str, start: int, end: int) -> str:
        """Upper-case bases [start, end); N for what is unknown or off the contig."""
        held, first, last = self._place
        if contig != held or start < first or end > last:
            first, last = start, start + max(end - start, self.length)
            self._text = decode(fetch_padded(self.reference, contig, first, last))
            self._place = (contig, first, last)
        return self._text[start - first : end - first]
