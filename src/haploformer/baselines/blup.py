"""Best linear unbiased prediction from all variants of a cis window, their share of variance by REML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from haploformer.baselines.reml import blup_weights, decompose, fit_reml
from haploformer.baselines.training import Candidates, TrainingSet


@dataclass(frozen=True)
class Blup:
    """Mixed model in which every variant has a small effect. Where REML finds no share of variance, the mean.

    Attributes
    ----------
    min_maf : float
        In training people.
    name : str
        The model's name in every table.

    References: Henderson 1975; Yang et al. 2011; docs/methods.md, "Genetic baselines".
    """

    min_maf: float = 0.01
    name: str = "blup"
    criterion: Literal["squared_error", "correlation"] = "squared_error"

    @property
    def n_candidates(self) -> int:
        """One: the variance ratio comes from the likelihood of the training people."""
        return 1

    def fit_candidates(self, training: TrainingSet) -> Candidates:
        """Weights of the standardised variants; see ``DosageModel``. The setting is h2."""
        spectrum = decompose(training)
        h2 = fit_reml(spectrum).h2
        return Candidates.of(blup_weights(spectrum, h2)[:, None], [h2])
