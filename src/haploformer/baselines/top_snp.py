"""The single variant that goes best with expression in the training people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TopSnp:
    """Least squares on the one variant of largest absolute correlation.

    Attributes
    ----------
    min_maf : float
        In training people.
    name : str
        The model's name in every table.

    References: docs/methods.md, "Genetic baselines".
    """

    min_maf: float = 0.01
    name: str = "top_snp"

    @property
    def n_candidates(self) -> int:
        """One: nothing is tuned."""
        return 1

    def fit_candidates(self, dosages: NDArray[np.float64], expression: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the standardised variants; see ``DosageModel``. Of equally good variants the first one wins."""
        correlation = dosages.T @ expression / len(expression)
        weights = np.zeros((dosages.shape[1], 1))
        best = int(np.abs(correlation).argmax())
        weights[best, 0] = correlation[best]
        return weights
