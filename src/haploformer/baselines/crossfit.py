"""Out-of-fold predictions at two levels: for scoring, and as features of the stack.

A training set is everybody outside some held-out folds H. For the outer fold k it is H = {k}. The stack of fold k is
trained on the other folds j with predictions of a model that saw neither: H = {j, k}, which serves the stack of j too.
A model with candidates (a path of lambdas) chooses for H by the squared error over each fold j outside H of the same
candidates fitted without H and j. So with five folds 5 + 10 + 10 fits serve everything, and no choice, frequency,
scale or coefficient ever rests on a person that it is then used for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haploformer.baselines.dosages import Residualise, check_dosages, standardise_dosages

#: From a training set, bool (n_individuals,), to the residuals of anything under its coefficients.
Adjust = Callable[[NDArray[np.bool_]], Residualise]

#: Share of its size by which adjusted expression must vary; below it the rest is rounding.
_VARIES = 1e-10


class DosageModel(Protocol):
    """A linear model of expression on dosages, with one or more candidates to choose from.

    Attributes
    ----------
    name : str
        Its name in every table.
    min_maf : float
        Variants below it in the training people are left out.
    n_candidates : int
        Sets of weights that ``fit_candidates`` returns.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def min_maf(self) -> float: ...  # noqa: D102

    @property
    def n_candidates(self) -> int: ...  # noqa: D102

    def fit_candidates(self, dosages: NDArray[np.float64], expression: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fit every candidate to the training people.

        Parameters
        ----------
        dosages : float64 (n_train, n_variants)
            At least one variant; each at mean 0 and sd 1.
        expression : float64 (n_train,)
            Mean 0 and sd 1.

        Returns
        -------
        float64 (n_variants, n_candidates)
            Of candidates with equal error the first one is chosen: put the simplest first.
        """
        ...


@dataclass(frozen=True, eq=False)
class DosageFit:
    """The model of one outer fold.

    Attributes
    ----------
    variants : int64 (n_usable,)
        Columns of the dosages that were usable in training, perhaps none.
    weights : float64 (n_usable,)
        Expression per unit of adjusted dosage of ALT.
    intercept : float
        Mean adjusted expression of the training people: what a model without weights predicts.
    candidate : int
        The chosen candidate, for an elastic net the place in ``lambdas``.
    """

    variants: NDArray[np.int64]
    weights: NDArray[np.float64]
    intercept: float
    candidate: int


@dataclass(frozen=True, eq=False)
class CrossPrediction:
    """Out-of-fold predictions of one gene, model and fold seed, on the adjusted expression scale.

    Attributes
    ----------
    outer : float64 (n_individuals,)
        By the model trained without the person's own fold.
    inner : float64 (n_folds, n_individuals)
        ``inner[k, i]``: by the model trained without fold k and without the fold of person i; NaN for the people of k.
    fits : tuple of DosageFit (n_folds,)
        The models behind ``outer``.
    """

    outer: NDArray[np.float64]
    inner: NDArray[np.float64]
    fits: tuple[DosageFit, ...]

    @property
    def n_without_variant(self) -> int:
        """Outer folds without a usable variant: their prediction is the training mean."""
        return sum(not len(fit.variants) for fit in self.fits)

    @property
    def n_constant(self) -> int:
        """Outer folds whose weights are all zero, those without a usable variant included."""
        return sum(not fit.weights.any() for fit in self.fits)


def cross_predict(
    model: DosageModel,
    dosages: NDArray[np.floating],
    expression: NDArray[np.float64],
    folds: NDArray[np.int64],
    adjust: Adjust,
) -> CrossPrediction:
    """Predict each person by models that never saw the person, for scoring and for stacking.

    Parameters
    ----------
    model : DosageModel
    dosages : floating (n_individuals, n_variants)
        Counts of the ALT allele in the gene's cis window, 0 to 2, NaN where missing. No variant is no error: the
        training mean is predicted.
    expression : float64 (n_individuals,)
        Measured, not adjusted, finite.
    folds : int (n_individuals,)
        Outer folds 0 to n_folds - 1. At least four, three for a model without candidates.
    adjust : callable
        Gives for a training set the residuals on covariates, by its coefficients. Applied to both sides.

    Returns
    -------
    CrossPrediction

    Raises
    ------
    ValueError
        If shapes differ, a value is impossible, or there are too few folds.

    References: docs/methods.md, "Folds and cross-fitting".
    """
    check_dosages(dosages)
    n_folds = _check_people(dosages, expression, folds, needed=3 + (model.n_candidates > 1))
    cross_fit = _CrossFit(model, dosages, expression, folds, adjust, n_folds)
    outer = np.empty(len(folds))
    inner = np.full((n_folds, len(folds)), np.nan)
    for k in range(n_folds):
        outer[folds == k] = cross_fit.predict(frozenset({k}), fold=k)
        for j in range(n_folds):
            if j != k:
                inner[k, folds == j] = cross_fit.predict(frozenset({j, k}), fold=j)
    return CrossPrediction(outer, inner, tuple(cross_fit.describe(k) for k in range(n_folds)))


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A linear model of something on dosages, fitted to everybody.

    Attributes
    ----------
    weights : float64 (n_variants,)
        Per copy of ALT, 0 where a variant is not used.
    intercept : float
        For a person without any ALT.
    out_of_fold : float64 (n_individuals,)
        What models of the same kind say of people whom they were not fitted to: how well the weights do on others.
    """

    weights: NDArray[np.float64]
    intercept: float
    out_of_fold: NDArray[np.float64]


def fit_surrogate(
    model: DosageModel, dosages: NDArray[np.floating], predicted: NDArray[np.floating], folds: NDArray[np.int64]
) -> Surrogate:
    """Fit to everybody, to stand for a prediction elsewhere; candidates are chosen by the error over folds.

    There are no covariates: what is fitted is a function of the sequence, which knows none.

    Parameters
    ----------
    model : DosageModel
    dosages : floating (n_individuals, n_variants)
        Counts of the ALT allele, NaN where missing.
    predicted : floating (n_individuals,)
        What the weights shall stand for.
    folds : int (n_individuals,)
        As of `cross_predict`.

    Returns
    -------
    Surrogate

    Raises
    ------
    ValueError
        As `cross_predict`.
    """
    check_dosages(dosages)
    values = np.asarray(predicted, np.float64)
    n_folds = _check_people(dosages, values, folds, needed=3 + (model.n_candidates > 1))
    cross_fit = _CrossFit(model, dosages, values, folds, _leave_as_is, n_folds)
    out_of_fold = np.empty(len(folds))
    for k in range(n_folds):
        out_of_fold[folds == k] = cross_fit.predict(frozenset({k}), fold=k)
    everybody = cross_fit.candidates(frozenset())
    weights = np.zeros(dosages.shape[1])
    weights[everybody.variants] = everybody.weights[:, cross_fit.choose(frozenset())]
    used = np.flatnonzero(weights)
    mean_dosage = np.nanmean(np.asarray(dosages[:, used], np.float64), axis=0)
    return Surrogate(weights, float(everybody.intercept - mean_dosage @ weights[used]), out_of_fold)


def _leave_as_is(train: NDArray[np.bool_]) -> Residualise:
    """No covariates."""
    return np.asarray


@dataclass(frozen=True, eq=False)
class _Candidates:
    """All candidates of one training set, and how they do on the folds held out."""

    variants: NDArray[np.int64]
    weights: NDArray[np.float64]  # (n_usable, n_candidates), expression per unit of adjusted dosage
    intercept: float
    predicted: dict[int, NDArray[np.float64]]  # held-out fold -> (n_people_of_fold, n_candidates)
    squared_error: dict[int, NDArray[np.float64]]  # held-out fold -> (n_candidates,)


class _CrossFit:
    """The fits of one gene, each training set fitted once."""

    def __init__(
        self,
        model: DosageModel,
        dosages: NDArray[np.floating],
        expression: NDArray[np.float64],
        folds: NDArray[np.int64],
        adjust: Adjust,
        n_folds: int,
    ) -> None:
        self.model, self.adjust = model, adjust
        self.dosages, self.expression = dosages, np.asarray(expression, dtype=np.float64)
        self.folds, self.n_folds = folds, n_folds
        self._fitted: dict[frozenset[int], _Candidates] = {}
        self._chosen: dict[frozenset[int], int] = {}

    def predict(self, held_out: frozenset[int], *, fold: int) -> NDArray[np.float64]:
        """Predictions (n_people_of_fold,) of the candidate chosen for this training set."""
        return self.candidates(held_out).predicted[fold][:, self.choose(held_out)]

    def describe(self, fold: int) -> DosageFit:
        """The model behind the outer predictions of a fold."""
        held_out = frozenset({fold})
        fit, chosen = self.candidates(held_out), self.choose(held_out)
        return DosageFit(fit.variants, fit.weights[:, chosen].copy(), fit.intercept, chosen)

    def choose(self, held_out: frozenset[int]) -> int:
        """Candidate of least squared error over the people of the training folds, each out of fold."""
        if self.model.n_candidates == 1:
            return 0
        if held_out not in self._chosen:
            error = np.zeros(self.model.n_candidates)
            for j in range(self.n_folds):
                if j not in held_out:
                    error += self.candidates(held_out | {j}).squared_error[j]
            self._chosen[held_out] = int(error.argmin())
        return self._chosen[held_out]

    def candidates(self, held_out: frozenset[int]) -> _Candidates:
        """Fit to everybody outside the held-out folds, or recall."""
        if held_out not in self._fitted:
            self._fitted[held_out] = self._fit(held_out)
        return self._fitted[held_out]

    def _fit(self, held_out: frozenset[int]) -> _Candidates:
        train = ~np.isin(self.folds, list(held_out))
        residualise = self.adjust(train)
        measured = residualise(self.expression)
        usable = standardise_dosages(self.dosages, train, residualise=residualise, min_maf=self.model.min_maf)
        mean, sd = measured[train].mean(), measured[train].std()
        weights = np.zeros((len(usable.variants), self.model.n_candidates))
        if len(weights) and sd > _VARIES * np.abs(self.expression[train]).max():
            weights = sd * self.model.fit_candidates(usable.values[train], (measured[train] - mean) / sd)
        people = {k: np.flatnonzero(self.folds == k) for k in held_out}
        predicted = {k: mean + usable.values[who] @ weights for k, who in people.items()}
        squared_error = {k: ((measured[who, None] - predicted[k]) ** 2).sum(axis=0) for k, who in people.items()}
        return _Candidates(usable.variants, weights / usable.sd[:, None], float(mean), predicted, squared_error)


def _check_people(
    dosages: NDArray[np.floating], expression: NDArray[np.float64], folds: NDArray[np.int64], *, needed: int
) -> int:
    """The number of folds."""
    shapes = (dosages.shape[:1], expression.shape, folds.shape)
    if len(set(shapes)) > 1:
        raise ValueError(f"dosages, expression and folds are of {shapes} individuals; expected the same")
    if not np.isfinite(expression).all():
        raise ValueError(f"expression of individual {int((~np.isfinite(expression)).argmax())} is not a finite number")
    found = np.unique(folds)
    if len(found) < needed or not np.array_equal(found, np.arange(len(found))):
        raise ValueError(f"folds are {found.tolist()}; expected 0, 1, 2 ... and at least {needed} of them")
    return len(found)
