"""Which output bins are kept of each prediction, and how they are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

CENTRE, ALL, EACH, EACH_CENTRE = "centre", "all", "each", "each_centre"


@dataclass(frozen=True)
class KeptBins:
    """What is stored of the bins of one track.

    Attributes
    ----------
    keep : str
        ``centre``: the mean over the centre bins. ``all``: that, then the mean over all bins. ``each``: every bin.
        ``each_centre``: each of the centre bins.
    centre : tuple of int
        The centre bins.
    n_bins : int
        Bins of the model's output.
    """

    keep: Literal["centre", "all", "each", "each_centre"]
    centre: tuple[int, ...]
    n_bins: int

    def __post_init__(self) -> None:
        if not self.centre:
            raise ValueError("no output bin given")

    @classmethod
    def of_attributes(cls, attributes: Mapping[str, Any]) -> KeptBins:
        """What a store of predictions holds, by its attributes."""
        return cls(attributes["kept_bins"], tuple(attributes["bins"]), attributes["n_bins"])

    @property
    def identity(self) -> dict[str, Any]:
        """What stored predictions say of their bins. JSON values."""
        return {
            "bins": list(self.centre),
            "kept_bins": self.keep,
            "n_bins": self.n_bins,
            "transform": self.transform,
        }

    @property
    def dimension(self) -> str | None:
        """Name of the stored dimension of bins; None where there is one number per track."""
        return {CENTRE: None, ALL: "bin_set", EACH: "bin", EACH_CENTRE: "bin"}[self.keep]

    @property
    def n_stored(self) -> int:
        """Numbers stored per window and track."""
        return {CENTRE: 1, ALL: 2, EACH: self.n_bins, EACH_CENTRE: len(self.centre)}[self.keep]

    @property
    def transform(self) -> str:
        """What the stored numbers are, in words."""
        means = {
            CENTRE: "mean of coverage over the bins",
            ALL: "mean of coverage over the bins, then mean over all bins",
            EACH: "coverage of every bin",
            EACH_CENTRE: "coverage of each of the bins",
        }
        return means[self.keep]

    @property
    def wanted(self) -> list[int]:
        """The bins that the model must give."""
        return list(self.centre) if self.keep in {CENTRE, EACH_CENTRE} else list(range(self.n_bins))

    def row_shape(self, n_tracks: int) -> tuple[int, ...]:
        """Shape of one stored row: (n_tracks,) or (n_stored, n_tracks)."""
        return (n_tracks,) if self.dimension is None else (self.n_stored, n_tracks)

    def reduce(self, predictions: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is stored of predictions of the bins `wanted`.

        Parameters
        ----------
        predictions : float32 (n_windows, n_wanted, n_tracks)

        Returns
        -------
        float32 (n_windows, n_tracks) or (n_windows, n_stored, n_tracks)
            Means are summed in float64.
        """
        if self.keep == CENTRE:
            return _mean(predictions)
        if self.keep == ALL:
            return np.stack([_mean(predictions[:, list(self.centre)]), _mean(predictions)], axis=1)
        return predictions

    def mean(self, rows: NDArray[np.float32], *, over: str = CENTRE) -> NDArray[np.float32]:
        """Means over bins from stored rows.

        Parameters
        ----------
        rows : float32 (n_windows, n_tracks) or (n_windows, n_stored, n_tracks)
        over : str
            ``centre`` or ``all``.

        Returns
        -------
        float32 (n_windows, n_tracks)

        Raises
        ------
        ValueError
            If the mean over all bins is asked for and only the centre is stored.
        """
        if over not in {CENTRE, ALL}:
            raise ValueError(f"mean over {over!r}: must be {CENTRE} or {ALL}")
        if self.keep == EACH:
            return _mean(rows[:, list(self.centre)] if over == CENTRE else rows)
        if self.keep == ALL:
            return rows[:, 0 if over == CENTRE else 1]
        if over == ALL:
            raise ValueError("only the mean over the centre bins is stored: set enformer.bins to all or each")
        return _mean(rows) if self.keep == EACH_CENTRE else rows


def _mean(predictions: NDArray[np.float32]) -> NDArray[np.float32]:
    return predictions.mean(axis=1, dtype=np.float64).astype(np.float32)
