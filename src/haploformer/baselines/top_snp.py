"""The single variant that goes best with expression in the training people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from haploformer.baselines.training import Candidates, TrainingSet


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
    criterion: Literal["squared_error", "correlation"] = "squared_error"

    @property
    def n_candidates(self) -> int:
        """One: nothing is tuned."""
        return 1

    def fit_candidates(self, training: TrainingSet) -> Candidates:
        """Weights of the standardised variants; see ``DosageModel``. Of equally good variants the first one wins."""
        weights = np.zeros((len(training.correlation), 1))
        best = int(np.abs(training.correlation).argmax())
        weights[best, 0] = training.correlation[best]
        return Candidates.of(weights)
