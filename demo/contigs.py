"""The demo's chromosomes, laid end to end on one line while it is simulated.

Positions within the generator are places on that line; what is written names the contig and the position on it.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from demo.settings import CONTIGS

#: First place of each contig on the line.
OFFSETS = dict(zip(CONTIGS, accumulate(CONTIGS.values(), initial=0), strict=False))

#: Bases of the line.
LENGTH = sum(CONTIGS.values())

#: Places at which a contig other than the first begins.
BOUNDARIES = tuple(OFFSETS.values())[1:]


class Place(NamedTuple):
    """A contig and a 0-based position on it."""

    contig: str
    position: int


def locate(position: int) -> Place:
    """Where a place on the line lies."""
    contig = next(name for name, offset in reversed(OFFSETS.items()) if offset <= position)
    return Place(contig, int(position) - OFFSETS[contig])
