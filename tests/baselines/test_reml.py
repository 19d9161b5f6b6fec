"""REML and BLUP by one eigendecomposition, beside the dense mixed model; heritability of genes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from haploformer import schemas
from haploformer.baselines.blup import Blup
from haploformer.baselines.crossfit import cross_predict, with_degrees
from haploformer.baselines.dosages import standardise_dosages
from haploformer.baselines.heritability import estimate_heritability, heritability_table
from haploformer.baselines.reml import (
    LARGEST_H2,
    Spectrum,
    blup_weights,
    decompose,
    fit_reml,
    restricted_log_likelihood,
)
from haploformer.baselines.training import TrainingSet
from haploformer.expression.covariates import adjustment
from tests.builders.dosages import deal_folds, simulate_dosages, simulate_expression
from tests.oracles import mixed_model

#: More people than variants, and fewer.
SIZES = [(120, 25), (60, 90)]


class Adjusted:
    """People of whom all train: dosages and expression adjusted for two covariates."""

    def __init__(self, seed: int, n: int, n_variants: int, *, heritability: float = 0.5) -> None:
        rng = np.random.default_rng(seed)
        raw = simulate_dosages(rng, n, n_variants)
        covariates = rng.normal(size=(n, 2))
        expression = simulate_expression(rng, raw, causal=n_variants // 2, heritability=heritability)
        self.expression = expression + covariates @ [0.5, -0.3]
        self.everybody = np.ones(n, dtype=bool)
        residualise, self.n_degrees = with_degrees(adjustment(covariates))(self.everybody)
        usable = standardise_dosages(raw, self.everybody, residualise=residualise, min_maf=0.01)
        self.dosages, self.residuals = usable.values, residualise(self.expression)
        self.fixed = mixed_model.fixed_effects(covariates)
        self.relationship = self.dosages @ self.dosages.T / self.dosages.shape[1]

    def spectrum(self) -> Spectrum:
        places = np.arange(self.dosages.shape[1])
        return decompose(TrainingSet(self.dosages, self.residuals, places, self.n_degrees))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_restricted_log_likelihood__equals_the_dense_one(size) -> None:
    people = Adjusted(1, *size)
    assert people.n_degrees == size[0] - 3
    h2 = np.array([0.0, 0.1, 0.5, 0.9])
    ours = restricted_log_likelihood(people.spectrum(), h2)
    dense = [mixed_model.restricted_log_likelihood(h, people.relationship, people.expression, people.fixed) for h in h2]
    np.testing.assert_allclose(ours - ours[0], np.array(dense) - dense[0], atol=1e-8)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_fit_reml__equals_the_dense_search(size) -> None:
    people = Adjusted(2, *size)
    fit = fit_reml(people.spectrum())
    h2 = mixed_model.reml_h2(people.relationship, people.expression, people.fixed)
    assert 0.05 < fit.h2 < 0.95
    assert not fit.at_boundary
    np.testing.assert_allclose(fit.h2, h2, atol=1e-5)
    np.testing.assert_allclose(
        fit.se, mixed_model.h2_standard_error(fit.h2, people.relationship, people.fixed), rtol=1e-6
    )


def test_fit_reml__nothing_there_is_at_the_boundary_with_a_finite_error() -> None:
    people = Adjusted(3, 120, 25)
    orthogonal = people.residuals - people.dosages @ np.linalg.lstsq(people.dosages, people.residuals)[0]
    fit = fit_reml(decompose(TrainingSet(people.dosages, orthogonal, np.arange(25), people.n_degrees)))
    assert (fit.h2, fit.at_boundary) == (0.0, True)
    assert 0 < fit.se < 1


def test_fit_reml__expression_that_follows_from_the_variants_is_at_the_other_boundary() -> None:
    people = Adjusted(4, 120, 25)
    effects = np.random.default_rng(4).normal(size=25)
    fit = fit_reml(decompose(TrainingSet(people.dosages, people.dosages @ effects, np.arange(25), people.n_degrees)))
    assert fit.at_boundary
    assert fit.h2 > LARGEST_H2 - 1e-4


@pytest.mark.parametrize("share", [0.0, 0.15, 0.5])
def test_estimate_heritability__finds_the_share_that_was_simulated(share: float) -> None:
    rng = np.random.default_rng(5)
    n, n_variants, n_genes = 300, 40, 60
    adjust = with_degrees(adjustment(np.empty((n, 0))))
    found = []
    for _ in range(n_genes):
        dosages = simulate_dosages(rng, n, n_variants)
        standardised = (dosages - dosages.mean(0)) / dosages.std(0)
        genetic = standardised @ rng.normal(size=n_variants)
        noise = rng.normal(size=n)
        expression = np.sqrt(share) * genetic / genetic.std() + np.sqrt(1 - share) * noise / noise.std()
        fit, n_usable = estimate_heritability(dosages, expression, adjust, min_maf=0.01)
        assert n_usable == n_variants
        found.append((fit.h2, fit.se))
    h2, se = np.array(found).T
    sem = h2.std() / np.sqrt(n_genes)
    assert abs(h2.mean() - share) < 3 * sem + (0.02 if share == 0 else 0)  # h2 cannot be negative
    if share:
        np.testing.assert_allclose(se.mean(), h2.std(), rtol=0.35)


def test_heritability_table__says_of_which_genes_nothing_can_be_said() -> None:
    rng = np.random.default_rng(6)
    n = 60
    dosages = {"usual": simulate_dosages(rng, n, 10), "none": np.empty((n, 0), np.float32)}
    dosages |= {"monomorphic": np.zeros((n, 4), np.float32), "constant": dosages["usual"]}
    expression = {name: np.full(n, 3.3) if name == "constant" else rng.normal(size=n) for name in dosages}

    def dosages_of(gene_id: str) -> tuple[pd.DataFrame, np.ndarray]:
        return pd.DataFrame(), dosages[gene_id]

    adjust = with_degrees(adjustment(np.empty((n, 0))))
    options = {"min_maf": 0.01, "cis_window": 1000}
    table = schemas.cis_heritability.validate(heritability_table(dosages_of, expression, adjust, **options))
    assert table["h2"].isna().tolist() == [False, True, True, True]
    assert table["se"].isna().tolist() == [False, True, True, True]
    assert table["n_variants"].tolist() == [10, 0, 0, 10]
    threaded = heritability_table(dosages_of, expression, adjust, **options, n_threads=3)
    pd.testing.assert_frame_equal(schemas.cis_heritability.validate(threaded), table, check_exact=True)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_blup_weights__equal_ridge_and_the_relationship_form(size) -> None:
    people = Adjusted(7, *size)
    weights = blup_weights(people.spectrum(), 0.3)
    np.testing.assert_allclose(weights, mixed_model.blup_by_ridge(people.dosages, people.residuals, h2=0.3), atol=1e-10)
    by_relationship = mixed_model.blup_by_relationship(
        people.dosages, people.expression, people.fixed, people.everybody, h2=0.3
    )
    np.testing.assert_allclose(people.dosages @ weights, by_relationship, atol=1e-9)
    assert not blup_weights(people.spectrum(), 0.0).any()


@pytest.mark.real_data
@pytest.mark.parametrize("gene", ["ENSG00000070371", "ENSG00000093010"], ids=["CLTCL1", "COMT"])
def test_cross_predict__blup_equals_the_mixed_model_on_real_people(geuvadis, gene) -> None:
    gene_id = geuvadis.id_of(gene)
    expression, folds = geuvadis.expression[gene_id], geuvadis.folds_of_seed(0)[0]
    _, dosages = geuvadis.dosages_of(gene_id)
    result = cross_predict(Blup(), dosages, expression, folds, geuvadis.adjust)
    wide = geuvadis.covariates.pivot(index="individual_id", columns="covariate", values="value").loc[geuvadis.people]
    fixed = mixed_model.fixed_effects(wide.to_numpy())
    for fold in range(5):
        train = folds != fold
        residualise = geuvadis.adjust(train)
        usable = standardise_dosages(dosages, train, residualise=residualise, min_maf=0.01)
        relationship = usable.values[train] @ usable.values[train].T / len(usable.variants)
        h2 = mixed_model.reml_h2(relationship, expression[train], fixed[train])
        fit = result.fits[fold]
        np.testing.assert_allclose(fit.setting, h2, atol=1e-5)
        genetic = mixed_model.blup_by_relationship(usable.values, expression, fixed, train, h2=fit.setting)
        np.testing.assert_allclose(result.outer[~train], genetic[~train], atol=1e-9)
        penalty = len(usable.variants) * (1 - fit.setting) / fit.setting
        ridge = Ridge(alpha=penalty, fit_intercept=False).fit(usable.values[train], residualise(expression)[train])
        np.testing.assert_allclose(result.outer[~train], ridge.predict(usable.values[~train]), atol=1e-8)


def test_cross_predict__blup_predicts_the_mean_where_reml_finds_nothing() -> None:
    rng = np.random.default_rng(8)
    dosages, folds = simulate_dosages(rng, 100, 20), deal_folds(rng, 100)
    results = [
        cross_predict(Blup(), dosages, rng.normal(size=100), folds, adjustment(np.empty((100, 0)))) for _ in range(8)
    ]
    settings = np.array([[fit.setting for fit in result.fits] for result in results])
    empty = np.array([[not fit.weights.any() for fit in result.fits] for result in results])
    np.testing.assert_array_equal(empty, settings == 0)
    assert 0 < empty.sum() < empty.size
