"""What a training set does to measurements: the one shape in which every model and score gets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Residuals of values (n_individuals,) or (n_individuals, k) under the coefficients of some training people.
Residualise: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class FoldAdjustment(Protocol):
    """What was fitted to the training people of one fold, for everybody."""

    def normalise(self, expression: NDArray[np.float64]) -> NDArray[np.float64]:
        """Measured expression (n_individuals,) or (n_individuals, k) on the scale that the training people give."""
        ...

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Residuals on covariates of dosages, predictions or normalised expression, of the same shape."""
        ...


#: From a training set, bool (n_individuals,), to what is fitted to it.
Adjust: TypeAlias = Callable[[NDArray[np.bool_]], FoldAdjustment]


@dataclass(frozen=True)
class LeftAsIs:
    """No covariates, and the scale as it is."""

    def normalise(self, expression: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same values."""
        return expression

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same values."""
        return values
