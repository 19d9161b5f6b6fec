"""Nothing that is fitted has seen the people it is used for; three ways to break that are each found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from haploformer.baselines.crossfit import cross_predict
from haploformer.baselines.elastic_net import ElasticNet
from haploformer.baselines.tables import inner_prediction_rows
from haploformer.baselines.top_snp import TopSnp
from haploformer.expression.covariates import adjustment, fit_residualiser
from haploformer.predicted_expression import out_of_fold_rows, zero_shot_rows
from haploformer.stacking.cohort import StackOptions, stack_cohort
from haploformer.stacking.features import OutOfFold
from haploformer.stacking.stack import stack_gene
from tests.builders.dosages import deal_folds, simulate_dosages, simulate_expression

N, GENES = 100, ("G1", "G2")
PEOPLE = [f"P{i}" for i in range(N)]
MODELS = (ElasticNet(n_lambdas=8, lambda_min=0.05), TopSnp())


class Cohort:
    """Two genes, covariates, level-1 models and Enformer's tracks."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.covariates = rng.normal(size=(N, 2))
        self.folds = deal_folds(rng, N)
        self.dosages = {gene: simulate_dosages(rng, N, 20) for gene in GENES}
        self.tracks = {gene: rng.normal(size=(N, 12)) for gene in GENES}
        self.expression = {
            gene: simulate_expression(rng, self.dosages[gene], causal=4, heritability=0.3)
            + 0.5 * self.tracks[gene][:, 0]
            + self.covariates @ [0.6, 0.3]
            for gene in GENES
        }
        self.adjust = adjustment(self.covariates)

    def stack(self, expression: dict[str, np.ndarray], method: str):
        """The whole chain from dosages to the stack's tables."""
        predicted, inner = [], []
        for model in MODELS:
            results = {g: cross_predict(model, self.dosages[g], expression[g], self.folds, self.adjust) for g in GENES}
            options = {"model": model.name, "fold_seed": 0}
            outer = {gene: result.outer for gene, result in results.items()}
            predicted.append(out_of_fold_rows(outer, PEOPLE, self.folds, **options))
            inner.append(inner_prediction_rows(results, PEOPLE, **options))
        enformer = np.concatenate([self.tracks[gene][:, 0] for gene in GENES])
        predicted.append(zero_shot_rows(np.repeat(GENES, N).tolist(), PEOPLE * 2, enformer, model="enformer"))
        return stack_cohort(
            StackOptions((*(model.name for model in MODELS), "enformer"), method, 2),
            pd.concat(predicted),
            pd.concat(inner),
            expression,
            PEOPLE,
            {0: self.folds},
            self.adjust,
            tracks_of=self.tracks.get,
        )


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return Cohort()


@pytest.mark.parametrize("method", ["non_negative", "ridge"])
def test_stack_cohort__held_out_expression_changes_no_fitted_number_to_the_bit(cohort, method) -> None:
    fold = 2
    changed = {
        gene: np.where(cohort.folds == fold, values[::-1] + 7, values) for gene, values in cohort.expression.items()
    }
    first, second = (cohort.stack(expression, method) for expression in (cohort.expression, changed))
    for name in ("weights", "predicted", "without_enformer"):
        before, after = (table[table["fold"] == fold] for table in (getattr(first, name), getattr(second, name)))
        assert len(before)
        pd.testing.assert_frame_equal(before, after, check_exact=True)
    elsewhere = first.weights["fold"] != fold
    assert (first.weights["weight"] != second.weights["weight"])[elsewhere].any()  # the change is no empty one


def test_residualiser__held_out_expression_changes_no_coefficient_to_the_bit(cohort) -> None:
    assert not changes_training_residuals(cohort, adjustment(cohort.covariates))
    train = cohort.folds != 1
    fitted = fit_residualiser(cohort.covariates, train)
    values = cohort.expression["G1"][:, None]
    changed = np.where(train[:, None], values, -9.0)
    np.testing.assert_array_equal(fitted.coefficients(values), fitted.coefficients(changed))


def changes_training_residuals(cohort: Cohort, adjust: Callable) -> bool:
    """Whether a held-out person's expression reaches what models are trained on."""
    train = cohort.folds != 1
    values = cohort.expression["G1"]
    changed = np.where(train, values, values + 5.0)
    return not np.array_equal(adjust(train)(values)[train], adjust(train)(changed)[train])


def test_planted_leak__covariates_fitted_on_everybody_are_found(cohort) -> None:
    everybody = adjustment(cohort.covariates)(np.ones(N, bool))
    assert changes_training_residuals(cohort, lambda _train: everybody)


def out_of_fold(cohort: Cohort, expression: np.ndarray) -> OutOfFold:
    result = cross_predict(TopSnp(), cohort.dosages["G1"], expression, cohort.folds, cohort.adjust)
    return OutOfFold(result.outer, result.inner)


def in_sample(cohort: Cohort, expression: np.ndarray) -> OutOfFold:
    """The leak: inner predictions by a model that was trained on the very people."""
    honest = out_of_fold(cohort, expression)
    inner = np.full_like(honest.inner, np.nan)
    for fold in range(5):
        train = cohort.folds != fold
        residualise = cohort.adjust(train)
        design = np.column_stack([np.ones(N), residualise(np.asarray(cohort.dosages["G1"], float))])
        measured = residualise(expression)
        inner[fold, train] = (design @ np.linalg.lstsq(design[train], measured[train], rcond=None)[0])[train]
    return OutOfFold(honest.outer, inner)


def knows_its_own_fold(cohort: Cohort, level_1: Callable[[Cohort, np.ndarray], OutOfFold]) -> bool:
    """Whether a person's inner prediction changes with the expression of the person's own fold."""
    values, own = cohort.expression["G1"], cohort.folds == 3
    changed = np.where(own, values[::-1] + 5, values)
    first, second = level_1(cohort, values).inner, level_1(cohort, changed).inner
    return not np.array_equal(first[:3, own], second[:3, own])


def test_level_1__inner_predictions_are_out_of_the_person_s_own_fold(cohort) -> None:
    assert not knows_its_own_fold(cohort, out_of_fold)


def test_planted_leak__in_sample_level_1_predictions_are_found(cohort) -> None:
    assert knows_its_own_fold(cohort, in_sample)


def test_planted_leak__in_sample_level_1_predictions_get_weight_for_noise(cohort) -> None:
    """What the leak would do: noise is weighed as if it were signal."""
    noise = np.random.default_rng(5).normal(size=N)
    weights = {}
    for name, level_1 in (("honest", out_of_fold), ("leak", in_sample)):
        fitted = {"top_snp": level_1(cohort, noise)}
        weights[name] = stack_gene(noise, cohort.folds, cohort.adjust, fitted=fitted, zero_shot={}).weights.mean()
    assert weights["leak"] > 0.3
    assert weights["honest"] < 0.12
