"""The engine ``exact``: what enformer-pytorch computes, every distinct part of it once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from haploformer.enformer.engine import Windows
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.model import HEAD
from haploformer.enformer.tower import SharedTower
from haploformer.enformer.tower_plan import plan_tower
from haploformer.enformer.tracks import require_tracks
from haploformer.enformer.trunk import SharedTrunk

#: Bases of the windows that share a tower: what bounds the memory of its plan (16 bytes a base).
BASES_AT_ONCE = 64 * 196_608

#: Tokens of fewer numbers are computed by one thread: their products are shorter than the threads' meeting after each.
_ONE_THREAD_DIM = 256


@contextmanager
def threads_for(geometry: Geometry) -> Iterator[None]:
    """As many threads as the sizes are worth, and afterwards those of before."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if geometry.dim < _ONE_THREAD_DIM else before)
        yield
    finally:
        torch.set_num_threads(before)


class ExactEngine:
    """Tower on distinct receptive fields, transformer on distinct windows, outputs that are wanted only.

    Parameters
    ----------
    module : nn.Module
        An Enformer in evaluation mode.
    geometry : Geometry
    batch_size : int
        Windows at once in the transformer.
    """

    name = "exact"
    precision = "float32"

    def __init__(self, module: nn.Module, geometry: Geometry, *, batch_size: int) -> None:
        self.geometry = geometry
        self.batch_size = batch_size
        with torch.inference_mode():
            self.tower = SharedTower(module.eval())
            self.trunk = SharedTrunk(module, geometry, HEAD)

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured by the last `predict`: nothing."""
        return {}

    def require_length(self, codes: NDArray[np.uint8]) -> None:
        """Raise ValueError unless the windows (n_windows, length) have the model's length."""
        if codes.shape[1] != self.geometry.window:
            raise ValueError(f"windows of {codes.shape[1]} bases, the model takes {self.geometry.window}")

    def predict(
        self, windows: Windows, rows: Sequence[int], *, tracks: Sequence[int], bins: Sequence[int]
    ) -> NDArray[np.float32]:
        """See `InferenceEngine.predict`."""
        self.geometry.check_bins(bins)
        require_tracks(tracks, self.geometry.n_tracks)
        out = np.empty((len(rows), len(bins), len(tracks)), np.float32)
        at_once = max(1, BASES_AT_ONCE // self.geometry.window)
        for start in range(0, len(rows), at_once):
            codes = windows.codes(rows[start : start + at_once])  # (n, length)
            self.require_length(codes)
            plan = plan_tower(codes)
            with torch.inference_mode(), threads_for(self.geometry):
                coverage = self.trunk.compute(
                    self.tower.compute(plan),
                    torch.from_numpy(plan.tokens),
                    bins=bins,
                    tracks=tracks,
                    batch_size=self.batch_size,
                )
            out[start : start + len(codes)] = coverage.numpy()
        return out
