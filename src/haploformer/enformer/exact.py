"""The engine ``exact``: what enformer-pytorch computes, every distinct part of it once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from haploformer.enformer.devices import CPU, inference, module_on
from haploformer.enformer.engine import Windows
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.model import HEAD
from haploformer.enformer.parts import Part, planned_parts
from haploformer.enformer.tower import SharedTower
from haploformer.enformer.tracks import require_tracks
from haploformer.enformer.trunk import SharedTrunk


class ExactEngine:
    """Tower on distinct receptive fields, transformer on distinct windows, outputs that are wanted only.

    Parameters
    ----------
    module : nn.Module
        An Enformer in evaluation mode.
    geometry : Geometry
    batch_size : int
        Windows at once in the transformer; halved where they do not fit the memory.
    device : torch.device
        Where to compute. On any but the CPU, the next windows are planned while the device computes.
    """

    name = "exact"
    precision = "float32"

    #: Whether windows are computed gene by gene, each with its reference.
    _by_gene = False

    def __init__(
        self, module: nn.Module, geometry: Geometry, *, batch_size: int, device: torch.device | str = CPU
    ) -> None:
        self.geometry = geometry
        self.batch_size = batch_size
        self.device = torch.device(device)
        with torch.no_grad():
            module = module_on(module, self.device)
            self.tower = SharedTower(module)
            self.trunk = SharedTrunk(module, geometry, HEAD)

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
        parts = planned_parts(
            windows,
            rows,
            length=self.geometry.window,
            with_reference=self._by_gene,
            ahead=self.device.type != "cpu",
        )
        with inference(self.geometry):
            for part in parts:
                out[part.places] = self._predict_part(part, tracks=tracks, bins=bins).numpy()
        return out

    def _predict_part(self, part: Part, *, tracks: Sequence[int], bins: Sequence[int]) -> Tensor:
        """Coverage of the part's windows (n_windows, n_bins, n_tracks), on the CPU."""
        tokens, numbers = self.tower.compute(part.plan), torch.from_numpy(part.plan.tokens)
        return self.trunk.compute(tokens, numbers, bins=bins, tracks=tracks, batch_size=self.batch_size)
