"""The two models on one training set."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.baselines.elastic_net import ElasticNet
from haploformer.baselines.top_snp import TopSnp
from tests.builders.dosages import simulate_dosages, simulate_expression


@pytest.fixture
def training() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    dosages = simulate_dosages(rng, 100, 30)
    expression = simulate_expression(rng, dosages, causal=7, heritability=0.4)
    return (dosages - dosages.mean(0)) / dosages.std(0, dtype=float), (
        expression - expression.mean()
    ) / expression.std()


def test_fit_candidates__elastic_net_is_optimal_at_every_lambda(training) -> None:
    dosages, expression = training
    model = ElasticNet()
    weights = model.fit_candidates(dosages, expression)
    for lam, w in zip(model.lambdas, weights.T, strict=True):
        # The subgradient of the objective: 0 where a weight is not zero, within the l1 penalty where it is.
        gradient = dosages.T @ (expression - dosages @ w) / len(expression) - lam * 0.5 * w
        np.testing.assert_allclose(gradient[w != 0], lam * 0.5 * np.sign(w[w != 0]), atol=0.005)
        assert (np.abs(gradient[w == 0]) <= lam * 0.5 + 0.005).all()


def test_fit_candidates__elastic_net_starts_empty_and_ends_full(training) -> None:
    weights = ElasticNet(lambda_max=2.0).fit_candidates(*training)
    assert not weights[:, 0].any()
    assert (weights[:, -1] != 0).sum() > 10


def test_elastic_net__lambda_at_2_is_empty_for_any_data() -> None:
    perfect = np.arange(10.0)
    perfect = (perfect - perfect.mean()) / perfect.std()
    weights = ElasticNet(lambda_max=2.0).fit_candidates(perfect[:, None], perfect)
    assert weights[0, 0] == 0
    assert weights[0, 1] > 0


@pytest.mark.parametrize("options", [{"l1_ratio": 0}, {"n_lambdas": 1}, {"lambda_min": 0}, {"lambda_max": 0.01}])
def test_elastic_net__refuses_options_out_of_range(options) -> None:
    with pytest.raises(ValueError, match="expected"):
        ElasticNet(**options)


def test_fit_candidates__top_snp_is_the_best_single_regression(training) -> None:
    dosages, expression = training
    weights = TopSnp().fit_candidates(dosages, expression)[:, 0]
    slopes = [np.polyfit(dosages[:, v], expression, 1)[0] for v in range(dosages.shape[1])]
    best = int(np.argmax(np.abs(slopes)))
    assert np.flatnonzero(weights).tolist() == [best]
    np.testing.assert_allclose(weights[best], slopes[best])
