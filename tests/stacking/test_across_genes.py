"""Elastic net over genes: scikit-learn's, blind to the genes that it predicts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from haploformer.stacking.across_genes import centre_features, predict_levels
from haploformer.stacking.gene_folds import ENFORMER_TEST, LEFT_OUT

N, N_FEATURES = 90, 30


@pytest.fixture
def study() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, levels that three of them decide, and folds: four, Enformer's test genes, and genes left out."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(N, N_FEATURES)) * rng.uniform(0.1, 5, N_FEATURES) + 2
    features[:, 7] = 1.5
    z = (features - features.mean(0)) / np.maximum(features.std(0), 1e-9)
    levels = 4 + z[:, [0, 3, 9]] @ [1.0, -0.7, 0.5] + 0.5 * rng.normal(size=N)
    folds = rng.permutation(np.arange(N) % 4)
    folds[:10], folds[10:14] = ENFORMER_TEST, LEFT_OUT
    return features, levels, folds


def test_predict_levels__finds_the_features_and_predicts_held_out_genes(study) -> None:
    features, levels, folds = study
    result = predict_levels(features, levels, folds, l1_ratio=0.5)
    assert np.isnan(result.predicted[folds == LEFT_OUT]).all()
    for held_out in (folds >= 0, folds == ENFORMER_TEST):
        assert np.corrcoef(result.predicted[held_out], levels[held_out])[0, 1] > 0.8
    assert set(np.argsort(-np.abs(result.of_all.weights))[:3]) == {0, 3, 9}
    assert result.of_all.weights[7] == 0
    assert result.n_unfinished == 0


def test_predict_levels__is_scikit_learn_s_net_of_the_training_genes(study) -> None:
    features, levels, folds = study
    result = predict_levels(features, levels, folds, l1_ratio=0.5)
    train, out = (folds >= 0) & (folds != 2), folds == 2
    centre, scale = features[train].mean(0), np.maximum(features[train].std(0), 1e-9)
    mean, sd = levels[train].mean(), levels[train].std()
    net = ElasticNet(alpha=result.fits[2].penalty, l1_ratio=0.5, tol=1e-10, max_iter=100_000)
    net.fit((features[train] - centre) / scale, (levels[train] - mean) / sd)
    np.testing.assert_allclose(result.fits[2].weights, sd * net.coef_, atol=2e-3)
    expected = mean + sd * net.predict((features[out] - centre) / scale)
    np.testing.assert_allclose(result.predicted[out], expected, atol=5e-3)


def test_predict_levels__a_held_out_gene_s_level_changes_no_fitted_number_to_the_bit(study) -> None:
    features, levels, folds = study
    first = predict_levels(features, levels, folds, l1_ratio=0.5)
    for fold in (1, ENFORMER_TEST, LEFT_OUT):
        changed = np.where(folds == fold, levels[::-1] + 9, levels)
        second = predict_levels(features, changed, folds, l1_ratio=0.5)
        np.testing.assert_array_equal(first.predicted[folds == fold], second.predicted[folds == fold])
        if fold == 1:
            np.testing.assert_array_equal(first.fits[1].weights, second.fits[1].weights)
            assert not np.array_equal(first.of_all.weights, second.of_all.weights)
        else:
            np.testing.assert_array_equal(first.of_all.weights, second.of_all.weights)


def test_predict_levels__without_signal_the_mean_of_the_training_genes_is_predicted(study) -> None:
    features, _, folds = study
    levels = np.random.default_rng(8).normal(size=N)
    result = predict_levels(features, levels, folds, l1_ratio=0.5)
    assert np.abs(result.of_all.weights).max() < 0.3
    constant = predict_levels(features, np.full(N, 2.5), folds, l1_ratio=0.5)
    np.testing.assert_array_equal(constant.predicted[folds != LEFT_OUT], 2.5)


def test_predict_levels__refuses_what_is_not_finite_and_too_few_folds(study) -> None:
    features, levels, folds = study
    with pytest.raises(ValueError, match="not finite"):
        predict_levels(np.where(features > 8, np.nan, features), levels, folds, l1_ratio=0.5)
    with pytest.raises(ValueError, match="with 2 folds"):
        predict_levels(features, levels, folds % 2, l1_ratio=0.5)


def test_centre_features__bins_are_counted_in_the_gene_s_direction() -> None:
    coverage = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    found = centre_features(coverage, ["+", "-", "."])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], np.log1p(coverage[0]).ravel())
    np.testing.assert_allclose(found[1], np.log1p(coverage[1, ::-1]).ravel())
    np.testing.assert_allclose(found[2], np.log1p(coverage[2]).ravel())
