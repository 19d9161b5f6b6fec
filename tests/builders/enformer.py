"""Windows for engines: random bases, and haplotypes of one reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haploformer.genome.encoding import one_hot


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
