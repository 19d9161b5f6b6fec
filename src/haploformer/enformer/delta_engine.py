"""The engine ``delta``: differences from each gene's reference in half precision, their error measured as it goes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from haploformer.enformer.delta import DeltaTrunk
from haploformer.enformer.devices import CPU
from haploformer.enformer.engine import Windows
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.parts import Part

logger = logging.getLogger(__name__)


@dataclass
class _Facts:
    """What was measured while some windows were predicted."""

    n_checked: int = 0
    n_exact: int = 0
    largest_error: float = 0.0


class DeltaEngine(ExactEngine):
    """The exact tower, and the transformer on differences from the reference window of each gene.

    Of each gene's windows that are predicted at once, the one with the most tokens of its own is predicted exactly too.
    Where the error of its difference from the reference exceeds ``limit``, all of them are predicted exactly, and the log
    says so.

    Parameters
    ----------
    limit : float
        Largest error of a difference, relative to the largest difference of the window.
    """

    name = "delta"
    _by_gene = True

    def __init__(
        self,
        module: nn.Module,
        geometry: Geometry,
        *,
        batch_size: int,
        limit: float = 0.02,
        device: torch.device | str = CPU,
    ) -> None:
        super().__init__(module, geometry, batch_size=batch_size, device=device)
        self.limit = limit
        self.precision = f"float32 reference, bfloat16 differences up to an error of {limit:g}"
        self._measured = _Facts()
        self._held: NDArray[np.uint8] = np.empty(0, np.uint8)
        with torch.no_grad():
            self._delta = DeltaTrunk(self.trunk)

    @property
    def facts(self) -> dict[str, Any]:
        """Of the last `predict`: windows checked, the largest relative error of a difference, windows made exactly."""
        measured = self._measured
        return {
            "delta_checked": measured.n_checked,
            "delta_largest_error": measured.largest_error,
            "delta_limit": self.limit,
            "delta_exact": measured.n_exact,
        }

    def hold(self, tokens: Tensor) -> None:
        """Run a reference (n_tokens, dim) through the transformer, and hold what its haplotypes are compared with."""
        self._held = np.empty(0, np.uint8)
        self._delta.set_reference(tokens)

    def predict(
        self, windows: Windows, rows: Sequence[int], *, tracks: Sequence[int], bins: Sequence[int]
    ) -> NDArray[np.float32]:
        """See `InferenceEngine.predict`."""
        self._measured = _Facts()
        return super().predict(windows, rows, tracks=tracks, bins=bins)

    def _predict_part(self, part: Part, *, tracks: Sequence[int], bins: Sequence[int]) -> Tensor:
        assert part.reference is not None
        tokens, numbers = self.tower.compute(part.plan), torch.from_numpy(part.plan.tokens)
        if not np.array_equal(self._held, part.reference):
            self.hold(tokens[numbers[0].to(self.device)])
            self._held = part.reference
        asked: dict[str, Any] = {"bins": bins, "tracks": tracks, "batch_size": self.batch_size}
        found = self._delta.compute(tokens, numbers[1:], **asked)
        sample = most_of_its_own(part.plan.tokens)
        if sample is None:
            return found
        exact = self.trunk.compute(tokens, numbers[[0, 1 + sample]], **asked)
        error = difference_error(found[sample], exact)
        self._measured.n_checked += 1
        self._measured.largest_error = max(self._measured.largest_error, error)
        if error <= self.limit:
            return found
        logger.warning(
            "the difference of a window from its reference has an error of %.1f %%, %.1f %% are allowed: its %d windows "
            "are predicted exactly",
            *(100 * error, 100 * self.limit, len(found)),
        )
        self._measured.n_exact += len(found)
        return self.trunk.compute(tokens, numbers[1:], **asked)


def most_of_its_own(tokens: NDArray[np.int64]) -> int | None:
    """Which window has the most tokens that are not the reference's; None where no window has any.

    Parameters
    ----------
    tokens : int64 (1 + n_windows, n_tokens)
        The reference's before those of the windows.
    """
    own = (tokens[1:] != tokens[0]).sum(1)
    return int(own.argmax()) if own.max(initial=0) > 0 else None


def difference_error(found: Tensor, exact: Tensor) -> float:
    """Largest error of a window's difference from the reference, relative to the largest difference.

    Parameters
    ----------
    found : Tensor (n_bins, n_tracks)
    exact : Tensor (2, n_bins, n_tracks)
        The reference, and the window.
    """
    difference = (exact[1] - exact[0]).abs().max()
    return (
        float((found - exact[1]).abs().max() / difference) if difference > 0 else float((found - exact[1]).abs().max())
    )
