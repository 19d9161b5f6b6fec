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
from haploformer.enformer.engine import Windows
from haploformer.enformer.exact import BASES_AT_ONCE, ExactEngine, threads_for
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.tower_plan import plan_tower
from haploformer.enformer.tracks import require_tracks

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

    def __init__(self, module: nn.Module, geometry: Geometry, *, batch_size: int, limit: float = 0.02) -> None:
        super().__init__(module, geometry, batch_size=batch_size)
        self.limit = limit
        self.precision = f"float32 reference, bfloat16 differences up to an error of {limit:g}"
        self._measured = _Facts()
        self._held: NDArray[np.uint8] = np.empty(0, np.uint8)
        with torch.inference_mode():
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
        self.geometry.check_bins(bins)
        require_tracks(tracks, self.geometry.n_tracks)
        self._measured = _Facts()
        chosen, reference = np.asarray(rows, np.int64), windows.reference_rows(rows)
        out = np.empty((len(chosen), len(bins), len(tracks)), np.float32)
        at_once = max(1, BASES_AT_ONCE // self.geometry.window)
        for of in np.unique(reference):
            places = np.flatnonzero(reference == of)
            for start in range(0, len(places), at_once):
                part = places[start : start + at_once]
                out[part] = self._predict_gene(windows, int(of), chosen[part], tracks=tracks, bins=bins)
        return out

    def _predict_gene(
        self, windows: Windows, reference: int, rows: NDArray[np.int64], *, tracks: Sequence[int], bins: Sequence[int]
    ) -> NDArray[np.float32]:
        codes = windows.codes([reference, *rows.tolist()])
        self.require_length(codes)
        plan = plan_tower(codes)
        numbers = torch.from_numpy(plan.tokens)
        with torch.inference_mode(), threads_for(self.geometry):
            tokens = self.tower.compute(plan)
            if not np.array_equal(self._held, codes[0]):
                self.hold(tokens[numbers[0]])
                self._held = codes[0].copy()
            wanted = {"bins": bins, "tracks": tracks}
            found = self._delta.compute(tokens, numbers[1:], batch_size=self.batch_size, **wanted)
            own = (plan.tokens[1:] != plan.tokens[0]).sum(1)
            if own.max(initial=0) > 0:
                sample = int(own.argmax())
                pair = numbers[[0, 1 + sample]]
                exact = self.trunk.compute(tokens, pair, batch_size=self.batch_size, **wanted)
                error = _error(found[sample], exact)
                self._measured.n_checked += 1
                self._measured.largest_error = max(self._measured.largest_error, error)
                if not error <= self.limit:
                    logger.warning(
                        "the difference of a window from its reference has an error of %.1f %%, %.1f %% are allowed: its "
                        "%d windows are predicted exactly",
                        *(100 * error, 100 * self.limit, len(rows)),
                    )
                    self._measured.n_exact += len(rows)
                    found = self.trunk.compute(tokens, numbers[1:], batch_size=self.batch_size, **wanted)
        return found.numpy()


def _error(found: Tensor, exact: Tensor) -> float:
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
