"""What a model is fitted to, and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Standardised dosages and expression of some people; products of both are computed once for all models.

    Attributes
    ----------
    dosages : float64 (n_train, n_variants)
        At least one variant; adjusted for covariates, each at mean 0 and sd 1 (ddof 0).
    expression : float64 (n_train,)
        Adjusted for covariates, mean 0 and sd 1.
    positions : int64 (n_variants,)
        Of each variant on its chromosome, rising.
    n_degrees : int
        Degrees of freedom that the covariates and the mean leave.
    """

    dosages: NDArray[np.float64]
    expression: NDArray[np.float64]
    positions: NDArray[np.int64]
    n_degrees: int

    @cached_property
    def correlation(self) -> NDArray[np.float64]:
        """Correlation of each variant with expression (n_variants,)."""
        return self.dosages.T @ self.expression / len(self.expression)

    @cached_property
    def linkage(self) -> NDArray[np.float64]:
        """Correlation of the variants with each other (n_variants, n_variants)."""
        return self.dosages.T @ self.dosages / len(self.expression)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Sets of weights of one training set, the simplest first.

    Attributes
    ----------
    weights : float64 (n_variants, n_candidates)
        Of the standardised dosages.
    settings : float64 (n_candidates,)
        What makes the candidate: its lambda, its threshold of p, its heritability; NaN for none.
    fell_back : bool (n_candidates,)
        Whether no variant met the setting, so that something simpler stands in for it.
    n_unfinished : int
        Candidates whose fit had not converged.
    """

    weights: NDArray[np.float64]
    settings: NDArray[np.float64]
    fell_back: NDArray[np.bool_]
    n_unfinished: int = 0

    @classmethod
    def of(
        cls,
        weights: NDArray[np.float64],
        settings: Sequence[float] | NDArray[np.float64] | None = None,
        fell_back: NDArray[np.bool_] | None = None,
        *,
        n_unfinished: int = 0,
    ) -> Candidates:
        """Weights (n_variants, n_candidates) without settings, or without any that fell back, unless told."""
        n = weights.shape[1]
        return cls(
            weights,
            np.full(n, np.nan) if settings is None else np.asarray(settings, dtype=np.float64),
            np.zeros(n, dtype=bool) if fell_back is None else fell_back,
            n_unfinished,
        )
