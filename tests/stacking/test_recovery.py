"""Expression made of known shares: each model finds its own, and the stack finds both."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.baselines.crossfit import cross_predict
from haploformer.baselines.elastic_net import ElasticNet
from haploformer.evaluation.metrics import within_fold_r
from haploformer.expression.covariates import adjustment
from haploformer.stacking.features import OutOfFold
from haploformer.stacking.stack import stack_gene
from tests.builders.dosages import deal_folds, simulate_dosages

N, N_GENES, COMMON, RARE = 200, 24, 0.15, 0.12


def standardise(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


@pytest.fixture(scope="module")
def genes() -> list[dict[str, np.ndarray]]:
    """Of each gene the r of every model (5 folds), the stack's weights, and r of an oracle that knows both components."""
    found = []
    for seed in range(N_GENES):
        rng = np.random.default_rng(seed)
        dosages = simulate_dosages(rng, N, 25)
        covariates = rng.normal(size=(N, 2))
        common = standardise(dosages[:, 12].astype(float))
        rare = standardise(rng.normal(size=N))  # what only the sequence tells
        noise = np.sqrt(1 - COMMON - RARE) * rng.normal(size=N)
        expression = np.sqrt(COMMON) * common + np.sqrt(RARE) * rare + noise + covariates @ [0.4, 0.2]
        folds, adjust = deal_folds(rng, N), adjustment(covariates)
        net = cross_predict(ElasticNet(n_lambdas=10, lambda_min=0.05), dosages, expression, folds, adjust)
        stack = stack_gene(
            expression,
            folds,
            adjust,
            fitted={"elastic_net": OutOfFold(net.outer, net.inner)},
            zero_shot={"enformer": 3 + 0.01 * rare},
        )
        measured, zero_shot, oracle = np.empty((3, N))
        for fold in range(5):
            out = folds == fold
            residualise = adjust(~out)
            measured[out], zero_shot[out] = residualise(expression)[out], residualise(rare)[out]
            truth = np.column_stack([residualise(common), residualise(rare)])
            oracle[out] = (truth @ np.linalg.lstsq(truth[~out], residualise(expression)[~out], rcond=None)[0])[out]
        sides = {"enformer": zero_shot, "elastic_net": net.outer, "stack": stack.predicted, "oracle": oracle}
        r = {name: within_fold_r(values[None], measured[None], folds).pearson[0] for name, values in sides.items()}
        found.append(r | {"weights": stack.weights})
    return found


def mean_and_error(genes: list, name: str) -> tuple[float, float]:
    values = np.array([gene[name] for gene in genes])
    return values.mean(), values.std(ddof=1) / np.sqrt(N_GENES)


@pytest.mark.parametrize(
    ("name", "share", "cost"),
    [
        ("enformer", RARE, 0.0),
        ("elastic_net", COMMON, 0.08),
        ("oracle", COMMON + RARE, 0.02),
        ("stack", COMMON + RARE, 0.08),
    ],
)
def test_recovery__r_lies_in_the_interval_of_its_share(genes, name, share, cost) -> None:
    """At most the root of the share, and no less than what estimating it from 160 people costs."""
    mean, error = mean_and_error(genes, name)
    assert np.sqrt(share) - cost - 3 * error < mean < np.sqrt(share) + 3 * error
    assert error < 0.02


def test_recovery__the_stack_beats_both_members(genes) -> None:
    for member in ("enformer", "elastic_net"):
        gain = np.array([gene["stack"] - gene[member] for gene in genes])
        assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(N_GENES)
    assert mean_and_error(genes, "stack")[0] > mean_and_error(genes, "oracle")[0] - 0.06


def test_recovery__enformer_s_weight_is_positive_in_nine_of_ten_genes(genes) -> None:
    positive = [gene["weights"][:, 1].mean() > 0 for gene in genes]
    assert np.mean(positive) >= 0.9
