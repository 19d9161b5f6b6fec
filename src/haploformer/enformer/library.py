"""The engine ``library``: enformer-pytorch as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

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
        Windows per forward.
    """

    name = "library"
    precision = "float32"

    def __init__(self, module: nn.Module, geometry: Geometry, *, batch_size: int) -> None:
        self.module = module.eval()
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
        for start in range(0, len(rows), self.batch_size):
            batch = rows[start : start + self.batch_size]
            x = torch.from_numpy(windows.one_hot(batch))  # (batch, length, 4)
            if x.shape[1] != self.geometry.window:
                raise ValueError(f"windows of {x.shape[1]} bases, the model takes {self.geometry.window}")
            with torch.inference_mode():
                y = self.module(x)[HEAD]  # (batch, n_bins, n_tracks)
            out[start : start + len(batch)] = y.numpy()[:, list(bins)][:, :, list(tracks)]
        return out
