"""Out-of-fold predictions at two levels: for scoring, and as features of the stack.

A training set is everybody outside some held-out folds H. For the outer fold k it is H = {k}. The stack of fold k is
trained on the other folds j with predictions of a model that saw neither: H = {j, k}, which serves the stack of j too.
A model with candidates (a path of lambdas) chooses for H by how the same candidates fitted without H and j do on each
fold j outside H. So with five folds 5 + 10 + 10 fits serve everything, and no choice, frequency, scale or coefficient
ever rests on a person that it is then used for. Models that are fitted together share the standardised dosages of each
training set and their products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from haploformer.adjustment import Adjust, FoldAdjustment, LeftAsIs
from haploformer.baselines.dosages import check_dosages, standardise_dosages
from haploformer.baselines.training import Candidates, TrainingSet

#: As `Adjust`, with the degrees of freedom that the covariates and the mean leave in the training set.
AdjustWithDegrees = Callable[[NDArray[np.bool_]], tuple[FoldAdjustment, int]]

#: Share of its size by which adjusted expression must vary; below it the rest is rounding.
_VARIES = 1e-10

#: Fisher's z is infinite at 1.
_LARGEST_R = 1 - 1e-12


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
    criterion : str
        By which a candidate is chosen over the inner folds: the least ``squared_error``, or the largest ``correlation``
        (within folds; Fisher z, weights n - 3) where the scale of a candidate means nothing.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def min_maf(self) -> float: ...  # noqa: D102

    @property
    def n_candidates(self) -> int: ...  # noqa: D102

    @property
    def criterion(self) -> Literal["squared_error", "correlation"]: ...  # noqa: D102

    def fit_candidates(self, training: TrainingSet) -> Candidates:
        """Fit every candidate to the training people. Of equally good ones the first is chosen: put the simplest first."""
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
    setting : float
        Its lambda, threshold or heritability; NaN for none.
    fell_back : bool
        Whether no variant met that setting.
    n_unfinished : int
        Candidates, over all training sets without the fold (its own, and those by which candidates are chosen and level-1
        predictions made), whose fit had not converged.
    """

    variants: NDArray[np.int64]
    weights: NDArray[np.float64]
    intercept: float
    candidate: int
    setting: float
    fell_back: bool
    n_unfinished: int


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
    """`cross_predict_models` for one model of variants that all lie near each other."""
    return cross_predict_models([model], dosages, expression, folds, with_degrees(adjust))[0]


def cross_predict_models(
    models: Sequence[DosageModel],
    dosages: NDArray[np.floating],
    expression: NDArray[np.float64],
    folds: NDArray[np.int64],
    adjust: AdjustWithDegrees,
    *,
    positions: NDArray[np.int64] | None = None,
) -> list[CrossPrediction]:
    """Predict each person by models that never saw the person, for scoring and for stacking.

    Parameters
    ----------
    models : sequence of DosageModel
        All with the same ``min_maf``.
    dosages : floating (n_individuals, n_variants)
        Counts of the ALT allele in the gene's cis window, 0 to 2, NaN where missing. No variant is no error: the
        training mean is predicted.
    expression : float64 (n_individuals,)
        Measured, neither normalised nor adjusted, finite.
    folds : int (n_individuals,)
        Outer folds 0 to n_folds - 1. At least four, three for models without candidates.
    adjust : callable
        Gives for a training set the scale of expression, the residuals on covariates, by its coefficients, and the
        degrees of freedom left (`with_degrees`). Residuals are taken of both sides.
    positions : int64 (n_variants,), optional
        Of the variants on their chromosome; if not given, all are within reach of each other.

    Returns
    -------
    list of CrossPrediction (n_models,)

    Raises
    ------
    ValueError
        If shapes differ, a value is impossible, or there are too few folds.

    References: docs/methods.md, "Folds and cross-fitting".
    """
    check_dosages(dosages)
    if len({model.min_maf for model in models}) > 1:
        raise ValueError(f"models {', '.join(m.name for m in models)} differ in min_maf; fit them one by one")
    chosen_among = any(model.n_candidates > 1 for model in models)
    n_folds = _check_people(dosages, expression, folds, needed=3 + chosen_among)
    places = np.zeros(dosages.shape[1], dtype=np.int64) if positions is None else np.asarray(positions, dtype=np.int64)
    gene = _Gene(dosages, np.asarray(expression, dtype=np.float64), places, folds, adjust)
    fitted: list[dict[frozenset[int], _Fitted]] = [{} for _ in models]
    for size in (1, 2, 3):
        wanted = [number for number, model in enumerate(models) if size < 3 or model.n_candidates > 1]
        for held_out in map(frozenset, combinations(range(n_folds), size) if wanted else ()):
            for number, fit in zip(wanted, gene.fit([models[i] for i in wanted], held_out), strict=True):
                fitted[number][held_out] = fit
    return [_assemble(model, of_model, folds, n_folds) for model, of_model in zip(models, fitted, strict=True)]


def with_degrees(adjust: Adjust) -> AdjustWithDegrees:
    """``adjust`` with the degrees of freedom that it leaves, each training set looked at once.

    They are the trace of the projection that makes residuals of the training people's values.
    """
    known: dict[bytes, tuple[FoldAdjustment, int]] = {}

    def adjust_with_degrees(train: NDArray[np.bool_]) -> tuple[FoldAdjustment, int]:
        key = train.tobytes()
        if key not in known:
            residualise = adjust(train)
            projection = residualise(np.eye(len(train)))[np.ix_(train, train)]
            known[key] = residualise, round(float(projection.trace()))
        return known[key]

    return adjust_with_degrees


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
    """Fit to everybody, to stand for a prediction elsewhere; candidates are chosen as in `cross_predict_models`.

    There are no covariates: what is fitted is a function of the sequence, which knows none.

    Parameters
    ----------
    model : DosageModel
    dosages : floating (n_individuals, n_variants)
        Counts of the ALT allele, NaN where missing, of variants that all lie near each other.
    predicted : floating (n_individuals,)
        What the weights shall stand for.
    folds : int (n_individuals,)
        As of `cross_predict_models`.

    Returns
    -------
    Surrogate

    Raises
    ------
    ValueError
        As `cross_predict_models`.
    """
    check_dosages(dosages)
    values = np.asarray(predicted, dtype=np.float64)
    n_folds = _check_people(dosages, values, folds, needed=3 + (model.n_candidates > 1))
    gene = _Gene(dosages, values, np.zeros(dosages.shape[1], dtype=np.int64), folds, _leave_as_is)
    fitted: dict[frozenset[int], _Fitted] = {}
    for size in (0, 1, 2)[: 2 + (model.n_candidates > 1)]:
        for held_out in map(frozenset, combinations(range(n_folds), size)):
            fitted[held_out] = gene.fit([model], held_out)[0]
    out_of_fold = np.empty(len(folds))
    for k in range(n_folds):
        without = frozenset({k})
        out_of_fold[folds == k] = fitted[without].predicted[k][:, _choose(model, fitted, without, n_folds)]
    everybody = fitted[frozenset()]
    weights = np.zeros(dosages.shape[1])
    weights[everybody.variants] = everybody.weights[:, _choose(model, fitted, frozenset(), n_folds)]
    used = np.flatnonzero(weights)
    mean_dosage = np.nanmean(np.asarray(dosages[:, used], dtype=np.float64), axis=0)
    return Surrogate(weights, float(everybody.intercept - mean_dosage @ weights[used]), out_of_fold)


@dataclass(frozen=True, eq=False)
class EverybodyFit:
    """A model fitted to everybody, with what it takes to predict people who were not there.

    Attributes
    ----------
    fit : DosageFit
    mean_dosage : float64 (n_usable,)
        Of ALT in the people fitted to: what a missing dosage is taken for.
    """

    fit: DosageFit
    mean_dosage: NDArray[np.float64]

    def predict(self, dosages: NDArray[np.floating]) -> NDArray[np.float64]:
        """Adjusted expression (n_people,) of anybody, from dosages (n_people, n_variants) of the same variants."""
        raw = np.asarray(dosages, dtype=np.float64)[:, self.fit.variants]
        return self.fit.intercept + np.where(np.isnan(raw), 0.0, raw - self.mean_dosage) @ self.fit.weights


def fit_everybody(
    models: Sequence[DosageModel],
    dosages: NDArray[np.floating],
    expression: NDArray[np.float64],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: AdjustWithDegrees,
    *,
    positions: NDArray[np.int64] | None = None,
) -> list[EverybodyFit]:
    """Fit models to everybody, to be carried to other people; a candidate is chosen by all folds of all seeds.

    Parameters
    ----------
    models, dosages, expression, adjust, positions
        As of `cross_predict_models`.
    folds_of_seed : mapping of fold seed to int (n_individuals,)
        Each seed with at least three folds, each of which is left out in turn.

    Returns
    -------
    list of EverybodyFit (n_models,)

    Raises
    ------
    ValueError
        As `cross_predict_models`.

    References: docs/methods.md, "Apply".
    """
    check_dosages(dosages)
    values = np.asarray(expression, dtype=np.float64)
    places = np.zeros(dosages.shape[1], dtype=np.int64) if positions is None else np.asarray(positions, dtype=np.int64)
    chosen_among = [number for number, model in enumerate(models) if model.n_candidates > 1]
    loss, n_unfinished = [np.zeros(model.n_candidates) for model in models], [0] * len(models)
    for folds in folds_of_seed.values():
        n_folds = _check_people(dosages, values, folds, needed=3)
        gene = _Gene(dosages, values, places, folds, adjust)
        for k in range(n_folds if chosen_among else 0):
            fits = gene.fit([models[number] for number in chosen_among], frozenset({k}))
            for number, fit in zip(chosen_among, fits, strict=True):
                loss[number] += fit.loss[k]
                n_unfinished[number] += fit.n_unfinished
    everybody = _Gene(dosages, values, places, np.zeros(len(values), np.int64), adjust).fit(models, frozenset())
    results = []
    for fit, of_model, n_open in zip(everybody, loss, n_unfinished, strict=True):
        mean_dosage = np.nanmean(np.asarray(dosages[:, fit.variants], dtype=np.float64), axis=0)
        results.append(EverybodyFit(_describe(fit, int(of_model.argmin()), n_open + fit.n_unfinished), mean_dosage))
    return results


def _leave_as_is(train: NDArray[np.bool_]) -> tuple[FoldAdjustment, int]:
    """No covariates: the mean alone takes a degree of freedom."""
    return LeftAsIs(), int(train.sum()) - 1


@dataclass(frozen=True, eq=False)
class _Fitted:
    """All candidates of one training set, and how they do on the folds held out."""

    variants: NDArray[np.int64]
    weights: NDArray[np.float64]  # (n_usable, n_candidates), expression per unit of adjusted dosage
    intercept: float
    settings: NDArray[np.float64]  # (n_candidates,)
    fell_back: NDArray[np.bool_]  # (n_candidates,)
    predicted: dict[int, NDArray[np.float64]]  # held-out fold -> (n_people_of_fold, n_candidates)
    loss: dict[int, NDArray[np.float64]]  # held-out fold -> (n_candidates,)
    n_unfinished: int


@dataclass(frozen=True, eq=False)
class _Gene:
    """A gene's data, from which any training set is fitted."""

    dosages: NDArray[np.floating]
    expression: NDArray[np.float64]
    positions: NDArray[np.int64]
    folds: NDArray[np.int64]
    adjust: AdjustWithDegrees

    def fit(self, models: Sequence[DosageModel], held_out: frozenset[int]) -> list[_Fitted]:
        """Fit models to everybody outside the held-out folds."""
        train = ~np.isin(self.folds, list(held_out))
        residualise, n_degrees = self.adjust(train)
        expression = residualise.normalise(self.expression)
        measured = residualise(expression)
        usable = standardise_dosages(self.dosages, train, residualise=residualise, min_maf=models[0].min_maf)
        mean, sd = float(measured[train].mean()), float(measured[train].std())
        people = {k: np.flatnonzero(self.folds == k) for k in held_out}
        varies = len(usable.variants) > 0 and sd > _VARIES * np.abs(expression[train]).max()
        training = (
            TrainingSet(usable.values[train], (measured[train] - mean) / sd, self.positions[usable.variants], n_degrees)
            if varies
            else None
        )
        results = []
        for model in models:
            found = (
                Candidates.of(np.zeros((len(usable.variants), model.n_candidates)))
                if training is None
                else model.fit_candidates(training)
            )
            weights = sd * found.weights
            predicted = {k: mean + usable.values[who] @ weights for k, who in people.items()}
            loss = {k: _loss(predicted[k], measured[who], model.criterion) for k, who in people.items()}
            results.append(
                _Fitted(
                    usable.variants,
                    weights / usable.sd[:, None],
                    mean,
                    found.settings,
                    found.fell_back,
                    predicted,
                    loss,
                    found.n_unfinished,
                )
            )
        return results


def _assemble(
    model: DosageModel, fitted: dict[frozenset[int], _Fitted], folds: NDArray[np.int64], n_folds: int
) -> CrossPrediction:
    """Choose a candidate for each training set, and lay its predictions out."""
    outer = np.empty(len(folds))
    inner = np.full((n_folds, len(folds)), np.nan)
    chosen = [_choose(model, fitted, frozenset({k}), n_folds) for k in range(n_folds)]
    for k in range(n_folds):
        outer[folds == k] = fitted[frozenset({k})].predicted[k][:, chosen[k]]
    for j, k in combinations(range(n_folds), 2):
        pair = frozenset({j, k})
        candidate = _choose(model, fitted, pair, n_folds)
        inner[k, folds == j] = fitted[pair].predicted[j][:, candidate]
        inner[j, folds == k] = fitted[pair].predicted[k][:, candidate]
    n_unfinished = [sum(fit.n_unfinished for held_out, fit in fitted.items() if k in held_out) for k in range(n_folds)]
    fits = tuple(_describe(fitted[frozenset({k})], chosen[k], n_unfinished[k]) for k in range(n_folds))
    return CrossPrediction(outer, inner, fits)


def _choose(
    model: DosageModel, fitted: Mapping[frozenset[int], _Fitted], held_out: frozenset[int], n_folds: int
) -> int:
    """Candidate that is best over the people of the training folds, each out of fold."""
    if model.n_candidates == 1:
        return 0
    others = [j for j in range(n_folds) if j not in held_out]
    return int(np.sum([fitted[held_out | {j}].loss[j] for j in others], axis=0).argmin())


def _describe(fit: _Fitted, chosen: int, n_unfinished: int) -> DosageFit:
    """The chosen candidate of a training set."""
    weights = fit.weights[:, chosen].copy()
    setting, fell_back = float(fit.settings[chosen]), bool(fit.fell_back[chosen])
    return DosageFit(fit.variants, weights, fit.intercept, chosen, setting, fell_back, n_unfinished)


def _loss(
    predicted: NDArray[np.float64], measured: NDArray[np.float64], criterion: Literal["squared_error", "correlation"]
) -> NDArray[np.float64]:
    """What is to be small, summed over folds (n_candidates,), of predictions (n_people, n_candidates) of one fold."""
    if criterion == "squared_error":
        return ((measured[:, None] - predicted) ** 2).sum(axis=0)
    x, y = predicted - predicted.mean(axis=0), measured - measured.mean()
    size = np.sqrt((x**2).sum(axis=0) * (y @ y))
    varies = np.abs(x).max(axis=0, initial=0.0) > _VARIES * np.abs(predicted).max(axis=0, initial=0.0)
    r = np.where(varies & (size > 0), (y @ x) / np.where(size > 0, size, 1.0), 0.0)
    return -max(len(measured) - 3, 0) * np.arctanh(np.clip(r, -_LARGEST_R, _LARGEST_R))


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
