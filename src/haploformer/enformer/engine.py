"""What an inference engine is: predicted coverage of windows, whatever algorithm computes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from haploformer.enformer.geometry import Geometry
from haploformer.genome.snp_windows import SnpWindows


class Windows(Protocol):
    """Sequences of one length, built on demand."""

    def __len__(self) -> int:
        """Number of windows."""
        ...

    def codes(self, rows: Sequence[int]) -> NDArray[np.uint8]:
        """Base codes (n_rows, length): 0 to 3 for A C G T, 4 unknown, 5 to 10 halves of two bases."""
        ...

    def reference_rows(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """The window of the reference that each of some windows is a haplotype of; itself where there is none."""
        ...

    def snps(self, rows: Sequence[int]) -> SnpWindows | None:
        """Some windows by their alleles, where they are known to differ from one reference by single bases."""
        ...

    def one_hot(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """One-hot form (n_rows, length, 4), order A C G T, unknown bases all zeros."""
        ...


class InferenceEngine(Protocol):
    """Predicts coverage from sequence."""

    name: str
    precision: str
    geometry: Geometry

    @property
    def facts(self) -> dict[str, Any]:
        """What the engine measured of its last predictions, stored beside them. JSON values."""
        ...

    def predict(
        self, windows: Windows, rows: Sequence[int], *, tracks: Sequence[int], bins: Sequence[int]
    ) -> NDArray[np.float32]:
        """Predicted coverage.

        Parameters
        ----------
        windows : Windows
            Sequences of the geometry's length.
        rows : sequence of int (n_windows,)
            Which of the windows.
        tracks, bins : sequence of int
            Outputs wanted; bins count from the first of the cropped output.

        Returns
        -------
        float32 (n_windows, n_bins, n_tracks)
            Coverage per 128-bp bin, not log-transformed.
        """
        ...
