"""Elastic net over the variants of a cis window, as in PrediXcan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.linear_model import enet_path

from haploformer.baselines.training import Candidates, TrainingSet

#: Lambdas of one call of coordinate descent where variants outnumber people: more calls, with fewer variants in each.
_LAMBDAS_AT_ONCE = 2

#: The grid of lambda in units of its absolute penalty, lambda * l1_ratio: what a correlation with expression must exceed.
_LARGEST_PENALTY, _SMALLEST_PENALTY = 0.6, 0.015

#: Share of the expression's squares below which the duality gap counts as none: scikit-learn's own.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class ElasticNet:
    """Path of elastic nets over a fixed grid of lambda.

    The objective is ``|y - Xw|^2 / 2n + lambda * (l1_ratio * |w|_1 + (1 - l1_ratio) * |w|^2 / 2)`` with y and the
    columns of X at mean 0 and sd 1. The weights are then all zero from some lambda of at most ``1 / l1_ratio`` on, so
    that the grid need not look at the data: it is the same for every gene and training set, and lambda can be compared
    between them.

    Attributes
    ----------
    l1_ratio : float
        Share of the absolute penalty (glmnet's alpha); PrediXcan uses 0.5.
    n_lambdas : int
        Size of the geometric grid.
    lambda_max, lambda_min : float, optional
        Its ends, ``0.6 / l1_ratio`` and ``0.015 / l1_ratio`` if not given. At ``lambda_max`` the net is empty unless a
        variant correlates by more than ``lambda_max * l1_ratio`` with expression. On 59 GEUVADIS genes (343 people) and
        on simulations of 150 to 670 people with a heritability up to 0.8, with an ``l1_ratio`` of 0.5, fewer than 1 in
        200 choices fell on the last value, or would have fallen beyond it.
    min_maf : float
        In training people.
    name : str
        The model's name in every table.
    criterion : str
        See ``DosageModel``.
    max_iter : int
        Sweeps over the variants for one lambda; one that has not converged by then is counted.

    Raises
    ------
    ValueError
        If an option lies outside its range.

    References: Friedman et al. 2010; Gamazon et al. 2015 (PrediXcan); docs/methods.md, "Genetic baselines".
    """

    l1_ratio: float = 0.5
    n_lambdas: int = 27
    lambda_max: float | None = None
    lambda_min: float | None = None
    min_maf: float = 0.01
    name: str = "elastic_net"
    criterion: Literal["squared_error", "correlation"] = "squared_error"
    max_iter: int = 10_000

    def __post_init__(self) -> None:
        if not 0 < self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio is {self.l1_ratio}; expected over 0 and at most 1")
        largest, smallest = self._ends
        if self.n_lambdas < 2 or not 0 < smallest < largest:
            raise ValueError(
                f"{self.n_lambdas} lambdas from {largest} to {smallest}; expected at least two, from the larger to the "
                "smaller, over 0"
            )

    @property
    def _ends(self) -> tuple[float, float]:
        largest = _LARGEST_PENALTY / self.l1_ratio if self.lambda_max is None else self.lambda_max
        smallest = _SMALLEST_PENALTY / self.l1_ratio if self.lambda_min is None else self.lambda_min
        return largest, smallest

    @property
    def lambdas(self) -> NDArray[np.float64]:
        """Float64 (n_lambdas,), falling."""
        return np.geomspace(*self._ends, self.n_lambdas)

    @property
    def n_candidates(self) -> int:
        """One candidate per lambda."""
        return self.n_lambdas

    def fit_candidates(self, training: TrainingSet) -> Candidates:
        """Weights of the standardised variants for each lambda, by scikit-learn; see ``DosageModel``."""
        n_train, n_variants = training.dosages.shape
        lambdas = self.lambdas
        # Thousands of short paths: checking the options of each would take a quarter of the time.
        with config_context(skip_parameter_validation=True):
            if n_variants > n_train:
                weights, n_unfinished = self._screened_path(training, lambdas)
            else:
                everything = np.arange(n_variants)
                weights, n_unfinished = self._path(training, everything, lambdas, np.zeros(n_variants))
        return Candidates.of(weights, lambdas, n_unfinished=n_unfinished)

    def _screened_path(self, training: TrainingSet, lambdas: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
        """The path of many variants (n_variants, n_lambdas), a few lambdas and the variants that matter there at a time.

        Variants that the strong rule rules out (Tibshirani et al. 2012) are left out, looked at afterwards, and come in
        where they should have: the path is that of all variants, in two thirds of the time.
        """
        penalty = self.l1_ratio * lambdas
        weights, n_unfinished = np.zeros((len(training.correlation), len(penalty))), 0
        gradient = training.correlation
        # Above these the net is empty.
        start = int(np.searchsorted(-penalty, -np.abs(gradient).max()))
        reached, last = penalty[max(start - 1, 0)], weights[:, 0]
        for first in range(start, len(penalty), _LAMBDAS_AT_ONCE):
            part = slice(first, first + _LAMBDAS_AT_ONCE)
            within = (last != 0) | (np.abs(gradient) >= 2 * penalty[part][-1] - reached)
            missed, n_open = within, 0
            while missed.any():
                within = within | missed
                chosen = np.flatnonzero(within)
                weights[chosen, part], n_open = self._path(training, chosen, lambdas[part], last[chosen])
                gradients = training.correlation[:, None] - training.linkage[:, chosen] @ weights[chosen, part]
                missed = (np.abs(gradients) > penalty[part]).any(axis=1) & ~within
            n_unfinished += n_open
            gradient, reached, last = gradients[:, -1], penalty[part][-1], weights[:, part][:, -1]
        return weights, n_unfinished

    def _path(
        self,
        training: TrainingSet,
        chosen: NDArray[np.intp],
        lambdas: NDArray[np.float64],
        first: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], int]:
        """Weights (n_chosen, n_lambdas) of a net of these variants, beginning at the weights ``first``.

        And at how many lambdas coordinate descent had not converged; scikit-learn warns of each, which other threads
        would not let through reliably.
        """
        if not len(chosen):
            return np.zeros((0, len(lambdas))), 0
        n = len(training.expression)
        # With the products given, a sweep costs variants instead of people, and nothing is checked or copied again.
        _, weights, gaps = enet_path(
            np.asfortranarray(training.dosages[:, chosen]),
            training.expression,
            l1_ratio=self.l1_ratio,
            alphas=lambdas,
            precompute=n * training.linkage[np.ix_(chosen, chosen)],
            Xy=n * training.correlation[chosen],
            coef_init=first,
            check_input=False,
            max_iter=self.max_iter,
            tol=_TOLERANCE,
        )
        open_gap = _TOLERANCE * (training.expression @ training.expression) / n
        return weights, int((gaps > open_gap).sum())
