"""The engine ``screening``: exact tokens, the transformer to first order round each gene's reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from haploformer.enformer.delta_engine import difference_error, most_of_its_own
from haploformer.enformer.devices import CPU
from haploformer.enformer.engine import Windows
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.first_order import FirstOrderTrunk
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.parts import Part
from haploformer.errors import InputError

#: Tracks that are screened at once: each costs a backward pass per gene, two forward passes' worth.
MOST_TRACKS = 64


def require_few_tracks(tracks: Sequence[int]) -> None:
    """Raise InputError if there are more than `MOST_TRACKS`."""
    if len(tracks) > MOST_TRACKS:
        raise InputError(
            "parameters:enformer.engine",
            f"{len(tracks):,} tracks are asked for, and screening takes a backward pass per gene for each of them: "
            f"{MOST_TRACKS} at most",
            "ask for the tissue's tracks only, or set enformer.engine: exact",
        )


@dataclass
class _Facts:
    """What was measured while some windows were predicted."""

    n_checked: int = 0
    n_right_sign: int = 0
    n_below_zero: int = 0
    largest_error: float = 0.0


class ScreeningEngine(ExactEngine):
    """The exact tower, and the transformer linearised round the reference window of each gene: for screening.

    What it predicts is the mean over the wanted bins. Single bins are not told apart: each has the reference's coverage and
    the difference of the mean. Of each gene's windows that are predicted at once, the one with the most tokens of its own
    is predicted exactly too, and the error of its difference is measured.
    """

    name = "screening"
    precision = "float32, first order round the reference"
    _by_gene = True

    def __init__(
        self, module: nn.Module, geometry: Geometry, *, batch_size: int, device: torch.device | str = CPU
    ) -> None:
        super().__init__(module, geometry, batch_size=batch_size, device=device)
        self._first_order = FirstOrderTrunk(self.trunk)
        self._measured = _Facts()
        self._held: tuple[bytes, list[int], list[int]] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Of the last `predict`.

        ``screening_checked`` windows were predicted exactly too; ``screening_right_sign`` of them differ from the reference
        in the same direction (mean over tracks); ``screening_largest_error`` is the error of a difference, relative to the
        largest difference of a track; ``screening_below_zero`` means of a window and track were negative and are 0.
        """
        measured = self._measured
        return {
            "screening_checked": measured.n_checked,
            "screening_right_sign": measured.n_right_sign,
            "screening_largest_error": measured.largest_error,
            "screening_below_zero": measured.n_below_zero,
        }

    def predict(
        self, windows: Windows, rows: Sequence[int], *, tracks: Sequence[int], bins: Sequence[int]
    ) -> NDArray[np.float32]:
        """See `InferenceEngine.predict`; the mean over ``bins`` is meant.

        Raises
        ------
        InputError
            If more than `MOST_TRACKS` tracks are asked for.
        """
        require_few_tracks(tracks)
        self._measured = _Facts()
        return super().predict(windows, rows, tracks=tracks, bins=bins)

    def _predict_part(self, part: Part, *, tracks: Sequence[int], bins: Sequence[int]) -> Tensor:
        assert part.reference is not None
        tokens, numbers = self.tower.compute(part.plan), torch.from_numpy(part.plan.tokens).to(self.device)
        asked: dict[str, Any] = {"bins": bins, "tracks": tracks}
        sample = most_of_its_own(part.plan.tokens)
        if sample is None:
            return self.trunk.compute(tokens, numbers[1:], batch_size=self.batch_size, **asked)
        self._hold(tokens[numbers[0]], part.reference, **asked)
        reference = self._first_order.coverage
        differences = self._first_order.differences(tokens, numbers)
        exact = self.trunk.compute(tokens, numbers[[1 + sample]], batch_size=1, **asked)
        self._check(differences[sample].cpu(), (exact[0] - reference.cpu()).mean(0))
        lowest = -reference.mean(0, dtype=torch.float64)
        # Coverage is never negative, and logarithms are taken of it.
        self._measured.n_below_zero += int((differences < lowest).sum())
        return (reference + differences.clamp(min=lowest)[:, None]).float().cpu()

    def _hold(self, tokens: Tensor, codes: NDArray[np.uint8], *, bins: Sequence[int], tracks: Sequence[int]) -> None:
        """Linearise round a reference, unless that is what is held."""
        wanted = (codes.tobytes(), list(bins), list(tracks))
        if self._held != wanted:
            self._held = None
            self._first_order.set_reference(tokens, bins=bins, tracks=tracks)
            self._held = wanted

    def _check(self, found: Tensor, exact: Tensor) -> None:
        """Compare differences (n_tracks,) of one window from the reference."""
        error = difference_error(found[None], torch.stack([torch.zeros_like(exact), exact])[:, None])
        self._measured.n_checked += 1
        self._measured.n_right_sign += int(torch.sign(found.mean()) == torch.sign(exact.mean()))
        self._measured.largest_error = max(self._measured.largest_error, error)
