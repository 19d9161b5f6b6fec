"""Windows for engines: random bases, and haplotypes of one reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haploformer.genome.encoding import one_hot
from haploformer.genome.snp_windows import SnpWindows


@dataclass(frozen=True)
class CodeWindows:
    """Windows held as base codes (n_windows, length)."""

    held: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.held)

    def codes(self, rows: Sequence[int]) -> NDArray[np.uint8]:
        return self.held[list(rows)]

    def reference_rows(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """All are haplotypes of the first."""
        return np.zeros(len(rows), np.int64)

    def snps(self, rows: Sequence[int]) -> SnpWindows | None:
        """Sequences are all that is known."""
        return None

    def one_hot(self, rows: Sequence[int]) -> NDArray[np.float32]:
        return one_hot(self.codes(rows))


def related_windows(length: int, rng: np.random.Generator, *, n: int = 6) -> CodeWindows:
    """A reference with unknown bases at its start and within, and haplotypes of it: SNPs, indels, both edges, pairs."""
    reference = rng.integers(0, 4, length).astype(np.uint8)
    reference[: length // 40] = reference[length // 3 : length // 3 + 50] = 4
    found = [reference]
    for i in range(1, n):
        codes = reference.copy()
        codes[rng.integers(0, length, 4)] = rng.integers(0, 4, 4)
        if i % 3 == 1:
            # Everything behind is moved, by a number that is no multiple of anything.
            at, moved = length // 2 + i, int(rng.integers(1, 40))
            codes[at:] = np.concatenate([rng.integers(0, 4, moved).astype(np.uint8), codes[at : length - moved]])
        if i % 3 == 2:
            codes[0], codes[-1] = (codes[0] + 1) % 4, (codes[-1] + 1) % 4
            codes[length // 4] = 5 + i % 6
        found.append(codes)
    return CodeWindows(np.stack(found))


@dataclass(frozen=True)
class AlleleWindows(CodeWindows):
    """Haplotypes of the first window that differ from it by single bases, known by their alleles, too."""

    def snps(self, rows: Sequence[int]) -> SnpWindows | None:
        reference, chosen = self.held[0], self.held[list(rows)]
        place, code = np.unique(np.argwhere(chosen != reference)[:, 1:], axis=0)[:, 0], np.arange(11)
        positions, alleles = np.repeat(place, len(code)), np.tile(code, len(place)).astype(np.uint8)
        carried = chosen[:, positions] == alleles
        kept = carried.any(0)
        return SnpWindows.of(reference, positions[kept], alleles[kept], carried[:, kept])


def snp_windows(
    length: int, rng: np.random.Generator, *, n: int = 6, every: int = 150, unknown: int = 50
) -> AlleleWindows:
    """Haplotypes with common SNPs, of which some have three alleles, and SNPs at both ends and at unknown bases."""
    reference = rng.integers(0, 4, length).astype(np.uint8)
    reference[length // 3 : length // 3 + unknown] = 4
    places = np.unique(np.concatenate([[0, 1, length // 3 + 9, length - 1], rng.integers(0, length, length // every)]))
    codes = np.repeat(reference[None], n, axis=0)
    for row in codes[1:]:
        carried = rng.random(len(places)) < 0.4
        row[places[carried]] = (reference[places[carried]] + 1) % 4
        third = places[(rng.random(len(places)) < 0.2) & (places % 3 == 0)]
        row[third] = (reference[third] + 2) % 4
    return AlleleWindows(codes)
