"""The engine ``library``: enformer-pytorch as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from haploformer.enformer.devices import CPU, full_float32, in_batches, module_on
from haploformer.enformer.engine import Windows
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.model import HEAD
from haploformer.enformer.tracks import require_tracks


class LibraryEngine:
    """The plain forward of enformer-pytorch: slow, obvious, the reference of every other engine.

    Parameters
    ----------
    module : nn.Module
        An Enformer in evaluation mode.
    geometry : Geometry
    batch_size : int
        Windows per forward, fewer where they do not fit the memory.
    device : torch.device
        Where to compute.
    """

    name = "library"
    precision = "float32"

    def __init__(
        self, module: nn.Module, geometry: Geometry, *, batch_size: int, device: torch.device | str = CPU
    ) -> None:
        self.device = torch.device(device)
        self.module = module_on(module, self.device)
        self.geometry = geometry
        self.batch_size = batch_size

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured by the last `predict`: nothing."""
        return {}

    def predict(
        self, windows: Windows, rows: Sequence[int], *, tracks: Sequence[int], bins: Sequence[int]
    ) -> NDArray[np.float32]:
        """See `InferenceEngine.predict`."""
        self.geometry.check_bins(bins)
        require_tracks(tracks, self.geometry.n_tracks)
        out = np.empty((len(rows), len(bins), len(tracks)), np.float32)

        def forward(batch: Tensor) -> Tensor:
            x = torch.from_numpy(windows.one_hot([rows[i] for i in batch.tolist()]))  # (batch, length, 4)
            if x.shape[1] != self.geometry.window:
                raise ValueError(f"windows of {x.shape[1]} bases, the model takes {self.geometry.window}")
            y: Tensor = self.module(x.to(self.device))[HEAD]  # (batch, n_bins, n_tracks)
            return y[:, list(bins)][:, :, list(tracks)]

        if len(rows):
            with torch.inference_mode(), full_float32():
                out[:] = in_batches(forward, torch.arange(len(rows)), self.batch_size).numpy()
        return out
