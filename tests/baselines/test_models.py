"""The two models on one training set."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import enet_path

from haploformer.adjustment import LeftAsIs
from haploformer.baselines.crossfit import cross_predict
from haploformer.baselines.dosages import standardise_dosages
from haploformer.baselines.elastic_net import ElasticNet
from haploformer.baselines.tables import dosage_fit_rows
from haploformer.baselines.top_snp import TopSnp
from haploformer.baselines.training import TrainingSet
from tests.builders.dosages import simulate_dosages, simulate_expression
from tests.oracles.regression import cross_predict_elastic_net


@pytest.fixture
def training() -> TrainingSet:
    rng = np.random.default_rng(1)
    dosages = simulate_dosages(rng, 100, 30)
    expression = simulate_expression(rng, dosages, causal=7, heritability=0.4)
    return training_set(dosages, expression)


def training_set(dosages: np.ndarray, expression: np.ndarray) -> TrainingSet:
    """Standardised, without covariates."""
    dosages = dosages.astype(float)
    return TrainingSet(
        (dosages - dosages.mean(0)) / dosages.std(0),
        (expression - expression.mean()) / expression.std(),
        np.arange(dosages.shape[1]),
        len(expression) - 1,
    )


def test_fit_candidates__elastic_net_is_optimal_at_every_lambda(training) -> None:
    dosages, expression = training.dosages, training.expression
    model = ElasticNet()
    weights = model.fit_candidates(training).weights
    for lam, w in zip(model.lambdas, weights.T, strict=True):
        # The subgradient of the objective: 0 where a weight is not zero, within the l1 penalty where it is.
        gradient = dosages.T @ (expression - dosages @ w) / len(expression) - lam * 0.5 * w
        np.testing.assert_allclose(gradient[w != 0], lam * 0.5 * np.sign(w[w != 0]), atol=0.005)
        assert (np.abs(gradient[w == 0]) <= lam * 0.5 + 0.005).all()


def test_fit_candidates__elastic_net_starts_empty_and_ends_full(training) -> None:
    weights = ElasticNet(lambda_max=2.0).fit_candidates(training).weights
    assert not weights[:, 0].any()
    assert (weights[:, -1] != 0).sum() > 10


@pytest.mark.parametrize("l1_ratio", [0.1, 0.5, 1.0])
def test_elastic_net__the_largest_lambda_is_empty_at_any_l1_ratio(l1_ratio: float) -> None:
    rng = np.random.default_rng(1)
    dosages = simulate_dosages(rng, 100, 30)
    training = training_set(dosages, simulate_expression(rng, dosages, causal=7, heritability=0.2))
    assert 0.3 < np.abs(training.correlation).max() < 0.6
    model = ElasticNet(l1_ratio=l1_ratio)
    weights = model.fit_candidates(training).weights
    assert not weights[:, 0].any()
    assert weights[:, -1].any()
    np.testing.assert_allclose(model.lambdas[[0, -1]] * l1_ratio, [0.6, 0.015])


def test_elastic_net__the_grid_at_a_half_is_as_it_was() -> None:
    np.testing.assert_array_equal(ElasticNet().lambdas, np.geomspace(1.2, 0.03, 27))


@pytest.mark.parametrize("n_variants", [30, 300])
def test_fit_candidates__lambdas_without_convergence_are_counted(n_variants: int) -> None:
    rng = np.random.default_rng(1)
    dosages = simulate_dosages(rng, 100, n_variants)
    training = training_set(dosages, simulate_expression(rng, dosages, causal=7, heritability=0.4))
    assert ElasticNet().fit_candidates(training).n_unfinished == 0
    with pytest.warns(ConvergenceWarning) as told:
        found = ElasticNet(max_iter=2).fit_candidates(training).n_unfinished
    # Of many variants the path of a few lambdas is taken again where variants came in; the last one counts.
    assert 0 < found <= len(told)
    assert n_variants > 100 or found == len(told)


def test_cross_predict__tells_of_lambdas_without_convergence() -> None:
    rng = np.random.default_rng(2)
    dosages, folds = simulate_dosages(rng, 60, 20), np.arange(60) % 4
    expression = simulate_expression(rng, dosages, causal=7, heritability=0.4)

    counts = {}
    for sweeps in (2, 10_000):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            result = cross_predict(ElasticNet(max_iter=sweeps), dosages, expression, folds, lambda _train: LeftAsIs())
        counts[sweeps] = dosage_fit_rows({"G": result}, model="elastic_net", fold_seed=0)["n_unfinished"]
    assert (counts[2] > 0).all()
    assert (counts[10_000] == 0).all()


def test_elastic_net__lambda_at_2_is_empty_for_any_data() -> None:
    perfect = np.arange(10.0)
    perfect = (perfect - perfect.mean()) / perfect.std()
    weights = ElasticNet(lambda_max=2.0).fit_candidates(training_set(perfect[:, None], perfect)).weights
    assert weights[0, 0] == 0
    assert weights[0, 1] > 0


@pytest.mark.parametrize("options", [{"l1_ratio": 0}, {"n_lambdas": 1}, {"lambda_min": 0}, {"lambda_max": 0.01}])
def test_elastic_net__refuses_options_out_of_range(options) -> None:
    with pytest.raises(ValueError, match="expected"):
        ElasticNet(**options)


def test_fit_candidates__top_snp_is_the_best_single_regression(training) -> None:
    dosages, expression = training.dosages, training.expression
    weights = TopSnp().fit_candidates(training).weights[:, 0]
    slopes = [np.polyfit(dosages[:, v], expression, 1)[0] for v in range(dosages.shape[1])]
    best = int(np.argmax(np.abs(slopes)))
    assert np.flatnonzero(weights).tolist() == [best]
    np.testing.assert_allclose(weights[best], slopes[best])


@pytest.mark.parametrize("heritability", [0.0, 0.4, 0.9])
def test_fit_candidates__elastic_net_of_more_variants_than_people_is_the_whole_path(heritability: float) -> None:
    rng = np.random.default_rng(2)
    dosages = simulate_dosages(rng, 80, 300, linkage=0.97)
    usable = dosages[:, dosages.std(0) > 0]
    training = training_set(usable, simulate_expression(rng, usable, causal=100, heritability=heritability))
    model = ElasticNet(lambda_max=2.0)
    found = model.fit_candidates(training)
    _, expected, _ = enet_path(
        training.dosages, training.expression, l1_ratio=0.5, alphas=model.lambdas, precompute=False, tol=1e-8
    )
    # Coordinate descent stops at a duality gap of 1e-4: of a prediction with sd 1 that is up to some thousandths.
    np.testing.assert_allclose(training.dosages @ found.weights, training.dosages @ expected, atol=0.01)
    np.testing.assert_array_equal(found.settings, model.lambdas)
    assert (found.weights[:, -1] != 0).sum() > 30
    for lam, w in zip(model.lambdas, found.weights.T, strict=True):
        gradient = training.dosages.T @ (training.expression - training.dosages @ w) / 80 - lam * 0.5 * w
        assert (np.abs(gradient[w == 0]) <= lam * 0.5 + 0.005).all()


@pytest.mark.real_data
@pytest.mark.parametrize("length", [196_608, 2_000_000])
def test_fit_candidates__elastic_net_equals_scikit_learn_on_real_people(geuvadis, length: int) -> None:
    gene_id = geuvadis.id_of("ENSG00000070371")
    train = geuvadis.folds_of_seed(0)[0] != 0
    residualise = geuvadis.adjust(train)
    dosages = geuvadis.dosages[:, geuvadis.columns_of(gene_id, length=length)]
    usable = standardise_dosages(dosages, train, residualise=residualise, min_maf=0.01).values[train]
    training = training_set(usable, residualise(geuvadis.expression[gene_id])[train])
    assert (training.dosages.shape[1] > train.sum()) == (length > 196_608)
    model = ElasticNet()
    weights = model.fit_candidates(training).weights
    for candidate in (8, 14, 20, 26):
        net = SklearnElasticNet(
            alpha=model.lambdas[candidate], l1_ratio=0.5, fit_intercept=False, tol=1e-9, max_iter=100_000
        ).fit(training.dosages, training.expression)
        np.testing.assert_allclose(weights[:, candidate], net.coef_, atol=2e-3)
        predicted = training.dosages @ net.coef_
        np.testing.assert_allclose(training.dosages @ weights[:, candidate], predicted, atol=2e-3 * predicted.std())


@pytest.mark.real_data
def test_cross_predict__elastic_net_equals_refitting_everything_on_real_people(geuvadis) -> None:
    gene_id = geuvadis.id_of("ENSG00000093010")
    expression, folds = geuvadis.expression[gene_id], geuvadis.folds_of_seed(0)[0]
    _, dosages = geuvadis.dosages_of(gene_id)
    model = ElasticNet(n_lambdas=9)
    wide = geuvadis.covariates.pivot(index="individual_id", columns="covariate", values="value").loc[geuvadis.people]
    result = cross_predict(model, dosages, expression, folds, geuvadis.adjust)
    outer, inner = cross_predict_elastic_net(
        dosages, expression, folds, wide.to_numpy(), lambdas=model.lambdas, l1_ratio=0.5
    )
    np.testing.assert_allclose(result.outer, outer, atol=1e-7)
    np.testing.assert_allclose(result.inner, inner, atol=1e-7)
    assert np.ptp(outer) > 0.3
