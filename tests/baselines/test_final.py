"""Models of everybody: the numbers of the models they are, chosen by all folds, and carried without loss."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.baselines.cohort import CisModels, dosage_models
from haploformer.baselines.crossfit import cross_predict_models, fit_everybody, fit_surrogate, with_degrees
from haploformer.baselines.elastic_net import ElasticNet
from haploformer.baselines.final import fit_final_models
from haploformer.expression.covariates import adjustment
from tests.builders.dosages import deal_folds, simulate_dosages, simulate_expression

N = 90
MODELS = dosage_models(min_maf=0.01, l1_ratio=0.5)
NO_COVARIATES = adjustment(np.zeros((N, 0)))


def simulate(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dosages with missing calls, expression with a genetic part and one of two covariates, and these."""
    rng = np.random.default_rng(seed)
    dosages = simulate_dosages(rng, N, 14, missing=0.02)
    covariates = rng.normal(size=(N, 2)) + 0.3 * np.nan_to_num(dosages[:, :2])
    expression = simulate_expression(rng, dosages, causal=6, heritability=0.4) + covariates @ [0.5, -0.3]
    return dosages, expression, covariates


def test_fit_everybody__without_covariates_it_is_the_surrogate():
    dosages, expression, _ = simulate(1)
    folds = deal_folds(np.random.default_rng(1), N)
    found = fit_everybody(MODELS, dosages, expression, {7: folds}, with_degrees(NO_COVARIATES))
    for model, everybody in zip(MODELS, found, strict=True):
        expected = fit_surrogate(model, dosages, expression, folds)
        weights = np.zeros(dosages.shape[1])
        weights[everybody.fit.variants] = everybody.fit.weights
        # The likelihood of BLUP is flat at its top, where a search stops.
        tolerance = 1e-5 if model.name == "blup" else 1e-12
        np.testing.assert_allclose(weights, expected.weights, rtol=0, atol=tolerance)
        filled = np.where(np.isnan(dosages), np.nanmean(dosages.astype(float), axis=0), dosages)
        ours = everybody.predict(dosages) + expression.mean()
        np.testing.assert_allclose(ours, expected.intercept + filled @ expected.weights, rtol=0, atol=tolerance)


def test_fit_everybody__what_covariates_leave_of_the_prediction_is_what_was_fitted():
    """The top SNP by hand: the slope of residuals on residuals, of the variant that goes best with expression."""
    dosages, expression, covariates = simulate(2)
    adjust = adjustment(covariates)
    residualise = adjust(np.ones(N, bool))
    [everybody] = fit_everybody(MODELS[:1], dosages, expression, {}, with_degrees(adjust))
    filled = np.where(np.isnan(dosages), np.nanmean(dosages.astype(float), axis=0), dosages)
    x, y = residualise(filled), residualise(expression)
    best = int(np.abs([np.corrcoef(column, y)[0, 1] for column in x.T]).argmax())
    slope = x[:, best] @ y / (x[:, best] @ x[:, best])
    assert everybody.fit.variants[np.flatnonzero(everybody.fit.weights)].tolist() == [best]
    predicted = everybody.predict(dosages)
    np.testing.assert_allclose(predicted, slope * (filled[:, best] - filled[:, best].mean()), rtol=0, atol=1e-12)
    np.testing.assert_allclose(residualise(predicted), slope * x[:, best], rtol=0, atol=1e-12)


def test_fit_everybody__lambda_is_chosen_by_the_folds_of_all_seeds():
    """The summed squared error of each lambda over everybody out of fold, by scikit-learn's own nets."""
    dosages, expression, covariates = simulate(3)
    rng = np.random.default_rng(3)
    folds, adjust = {seed: deal_folds(rng, N) for seed in (0, 4)}, adjustment(covariates)
    net = ElasticNet(n_lambdas=6)
    [everybody] = fit_everybody([net], dosages, expression, folds, with_degrees(adjust))
    errors = np.zeros(6)
    for of_seed in folds.values():
        for place in range(6):
            for k in range(5):
                train = of_seed != k
                residualise = adjust(train)
                predicted = _predict_with(net.lambdas[place], dosages, residualise, expression, train)
                errors[place] += ((residualise(expression) - predicted)[~train] ** 2).sum()
    assert everybody.fit.candidate == errors.argmin()
    assert everybody.fit.setting == net.lambdas[errors.argmin()]


def _predict_with(penalty, dosages, residualise, expression, train):
    """An elastic net of scikit-learn's own at one lambda, everything standardised by hand."""
    from sklearn.linear_model import ElasticNet as Sklearn

    mean = np.nanmean(dosages[train].astype(float), axis=0)
    x, y = residualise(np.where(np.isnan(dosages), mean, dosages)), residualise(expression)
    x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    centre, sd = y[train].mean(), y[train].std()
    net = Sklearn(alpha=penalty, l1_ratio=0.5, fit_intercept=False, tol=1e-10, max_iter=100_000)
    net.fit(x[train], (y[train] - centre) / sd)
    return centre + sd * net.predict(x)


def test_fit_everybody__is_not_what_cross_fitting_scores():
    dosages, expression, _ = simulate(4)
    folds = deal_folds(np.random.default_rng(4), N)
    everybody = fit_everybody(MODELS, dosages, expression, {0: folds}, with_degrees(NO_COVARIATES))
    crossed = cross_predict_models(MODELS, dosages, expression, folds, with_degrees(NO_COVARIATES))
    for one, other in zip(everybody, crossed, strict=True):
        assert np.abs(one.predict(dosages) - other.outer).max() > 1e-3


def dosages_of(gene_id: str) -> tuple[pd.DataFrame, np.ndarray]:
    dosages, _, _ = simulate(5)
    dosages = {"G": dosages, "empty": dosages[:, :0], "constant": dosages}[gene_id]
    n = dosages.shape[1]
    ids = [f"v{i}" for i in range(n)]
    pos = 100_000 * np.arange(n) + 1
    return pd.DataFrame({"variant_id": ids, "contig": "22", "pos": pos, "ref": "A", "alt": "C"}), dosages


@pytest.mark.parametrize("n_threads", [1, 3])
def test_fit_final_models__tables_predict_as_the_fits_do(n_threads):
    _, expression, covariates = simulate(5)
    values = {"G": expression, "empty": expression, "constant": np.full(N, 2.5)}
    folds = {seed: deal_folds(np.random.default_rng(seed), N) for seed in (0, 1)}
    adjust = adjustment(covariates)
    wide = dosage_models(min_maf=0.01, l1_ratio=0.5, suffix="_1mb")
    windows = [CisModels(MODELS, dosages_of), CisModels(wide, dosages_of)]
    final = fit_final_models(windows, values, folds, adjust, n_threads=n_threads)
    weights = schemas.final_dosage_weights.validate(final.weights)
    models = schemas.final_dosage_models.validate(final.models).set_index(["gene_id", "model"])
    assert set(weights["gene_id"]) == {"G"}
    assert len(models) == 3 * 2 * len(MODELS)
    assert (models.loc[["empty", "constant"], "n_weights"] == 0).all()
    variants, dosages = dosages_of("G")
    fits = fit_everybody(MODELS, dosages, expression, folds, with_degrees(adjust), positions=variants["pos"].to_numpy())
    for model, fit in zip(MODELS, fits, strict=True):
        rows = weights[weights["model"] == model.name].set_index("variant_id")
        copies = pd.DataFrame(dosages, columns=variants["variant_id"])[rows.index].astype(float)
        deviations = copies.fillna(rows["mean_dosage"]) - rows["mean_dosage"]
        ours = models.loc[("G", model.name), "intercept"] + deviations @ rows["weight"]
        np.testing.assert_allclose(ours, fit.predict(dosages), rtol=0, atol=1e-12)
        np.testing.assert_array_equal(
            weights[weights["model"] == f"{model.name}_1mb"]["weight"].to_numpy(), rows["weight"].to_numpy()
        )
