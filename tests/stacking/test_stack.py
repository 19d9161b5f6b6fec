"""The stack: finds what helps, ignores what does not, and sees no held-out person."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from haploformer import schemas
from haploformer.baselines.crossfit import cross_predict
from haploformer.baselines.elastic_net import ElasticNet
from haploformer.baselines.tables import inner_prediction_rows
from haploformer.baselines.top_snp import TopSnp
from haploformer.errors import InputError
from haploformer.evaluation.metrics import within_fold_r
from haploformer.expression.covariates import adjustment
from haploformer.predicted_expression import out_of_fold_rows
from haploformer.stacking.components import principal_components
from haploformer.stacking.features import OutOfFold, gather_out_of_fold, gather_zero_shot
from haploformer.stacking.stack import stack_gene, stack_weight_rows
from tests.builders.dosages import deal_folds, simulate_dosages, simulate_expression
from tests.oracles.regression import residuals

N = 150


class Case:
    """A gene with two level-1 models and Enformer columns of known use."""

    def __init__(self, seed: int, *, heritability: float = 0.25, rare: float = 0.25) -> None:
        rng = np.random.default_rng(seed)
        self.dosages = simulate_dosages(rng, N, 30)
        self.covariates = rng.normal(size=(N, 2))
        hidden = rng.normal(size=N)  # what only Enformer knows, such as rare variants
        self.expression = (
            simulate_expression(rng, self.dosages, causal=15, heritability=heritability)
            + np.sqrt(rare) * hidden
            + self.covariates @ [0.5, 0.2]
        )
        self.zero_shot = {
            "enformer": 1e-3 * (hidden + 0.3 * rng.normal(size=N)) + 2.0,
            "wrong_way": -hidden,
            "constant": np.full(N, 3.2),
            "empty": np.full(N, np.nan),
        }
        self.folds = deal_folds(rng, N)
        self.adjust = adjustment(self.covariates)
        self.options = {}

    def fitted(self, expression: np.ndarray) -> dict[str, OutOfFold]:
        models = (ElasticNet(n_lambdas=10, lambda_min=0.05), TopSnp())
        results = {m.name: cross_predict(m, self.dosages, expression, self.folds, self.adjust) for m in models}
        return {name: OutOfFold(result.outer, result.inner) for name, result in results.items()}

    def stack(self, expression: np.ndarray | None = None):
        expression = self.expression if expression is None else expression
        options = {"fitted": self.fitted(expression), "zero_shot": self.zero_shot, **self.options}
        return stack_gene(expression, self.folds, self.adjust, **options)


def test_stack_gene__is_better_than_each_of_its_features() -> None:
    models = {"stack": [], "elastic_net": [], "enformer": []}
    for seed in range(5):
        case = Case(seed)
        predicted = {
            "stack": case.stack().predicted,
            "elastic_net": case.fitted(case.expression)["elastic_net"].outer,
            "enformer": case.zero_shot["enformer"],
        }
        for name, values in predicted.items():
            models[name].append(within_fold_r(values[None], case.expression[None], case.folds).pearson[0])
    mean = {name: np.mean(r) for name, r in models.items()}
    assert mean["stack"] > max(mean["elastic_net"], mean["enformer"]) + 0.05


def test_stack_gene__level_1_that_goes_the_wrong_way_and_what_is_constant_or_empty_have_weight_0() -> None:
    case = Case(1, heritability=0.6)
    net = case.fitted(case.expression)["elastic_net"]
    fitted = {"backwards": OutOfFold(-net.outer, -net.inner)}
    result = stack_gene(case.expression, case.folds, case.adjust, fitted=fitted, zero_shot=case.zero_shot)
    weights = dict(zip(result.features, result.weights.T, strict=True))
    assert result.features == ("backwards", "enformer", "wrong_way", "constant", "empty")
    for name in ("backwards", "constant", "empty"):
        assert not weights[name].any()


def test_stack_gene__enformer_may_have_either_sign() -> None:
    case = Case(1)
    case.zero_shot = {"wrong_way": case.zero_shot["wrong_way"]}
    turned = Case(1)
    turned.zero_shot = {"right_way": -case.zero_shot["wrong_way"]}
    first, second = case.stack(), turned.stack()
    assert (first.weights[:, 2] < -0.2).all()
    np.testing.assert_allclose(first.weights[:, 2], -second.weights[:, 2], rtol=1e-9)
    np.testing.assert_allclose(first.predicted, second.predicted, atol=1e-12)


def test_stack_gene__noise_from_enformer_is_mostly_left_out() -> None:
    n_taken, loss = 0, []
    for seed in range(20):
        case = Case(200 + seed, rare=0.0)
        case.zero_shot = {"enformer": np.random.default_rng(seed).normal(size=N)}
        measured, fitted = case.expression[None], case.fitted(case.expression)
        with_noise = stack_gene(case.expression, case.folds, case.adjust, fitted=fitted, zero_shot=case.zero_shot)
        without = stack_gene(case.expression, case.folds, case.adjust, fitted=fitted, zero_shot={})
        n_taken += int((with_noise.weights[:, 2] != 0).sum())
        r = [within_fold_r(s.predicted[None], measured, case.folds).pearson[0] for s in (with_noise, without)]
        loss.append(r[1] - r[0])
    assert n_taken < 50  # of 100; a free sign alone would take all
    assert np.mean(loss) < 0.01


def test_stack_gene__solves_the_constrained_least_squares_of_one_fold() -> None:
    case = Case(2)
    result, k = case.stack(), 3
    train = case.folds != k
    measured = residuals(case.covariates, case.expression, train)
    columns = []
    for feature in case.fitted(case.expression).values():
        column = np.where(train, feature.inner[k], feature.outer - measured[train].mean())
        for j in set(range(5)) - {k}:
            column[case.folds == j] -= np.mean(column[case.folds == j])
        columns.append(column)
    columns += [residuals(case.covariates, case.zero_shot[name], train) for name in ("enformer", "wrong_way")]
    table = np.column_stack(columns)
    table = (table - table[train].mean(0)) / table[train].std(0)
    target = measured[train] - measured[train].mean()

    def solve(columns: list[int], y: np.ndarray) -> tuple[np.ndarray, float]:
        lowest = [0 if c < 2 else -np.inf for c in columns]
        weights = lsq_linear(table[train][:, columns], y, bounds=(lowest, np.inf), tol=1e-13).x
        return weights, ((y - table[train][:, columns] @ weights) ** 2).sum()

    full, rss = solve([0, 1, 2, 3], target)
    gain = solve([0, 1], target)[1] - rss
    shrunk = full[2:] * (1 - 2 * rss / (train.sum() - 5) / gain)
    assert 0.5 < shrunk[0] / full[2] < 0.99
    expected = np.concatenate([solve([0, 1], target - table[train][:, 2:] @ shrunk)[0], shrunk])
    np.testing.assert_allclose(result.weights[k, :4], expected, atol=1e-6)
    predicted = measured[train].mean() + table[~train] @ expected
    np.testing.assert_allclose(result.predicted[~train], predicted, atol=1e-6)
    parts = table[~train] * expected
    shares = [np.cov(part, parts.sum(1))[0, 1] / np.var(parts.sum(1), ddof=1) for part in parts.T]
    np.testing.assert_allclose(result.shares[k, :4], shares, atol=1e-6)
    np.testing.assert_allclose(result.shares.sum(axis=1), 1)


def test_stack_gene__ridge_is_scikit_learn_s_with_the_penalty_of_least_inner_error() -> None:
    case = Case(3)
    case.options = {"method": "ridge"}
    result, k = case.stack(), 0
    train = case.folds != k
    measured = residuals(case.covariates, case.expression, train)
    columns = []
    for feature in case.fitted(case.expression).values():
        column = np.where(train, feature.inner[k], feature.outer - measured[train].mean())
        for j in set(range(5)) - {k}:
            column[case.folds == j] -= np.mean(column[case.folds == j])
        columns.append(column)
    columns += [residuals(case.covariates, case.zero_shot[name], train) for name in ("enformer", "wrong_way")]
    table = np.column_stack(columns)
    table, target = (table / table[train].std(0))[train], measured[train]

    def fit(people: np.ndarray, penalty: float) -> np.ndarray:
        model = Ridge(alpha=penalty * people.sum(), fit_intercept=False)
        return model.fit(table[people] - table.mean(0), target[people] - target.mean()).coef_

    def error(penalty: float) -> float:
        inner = [case.folds[train] == j for j in range(1, 5)]
        left = [target[out] - target.mean() - (table[out] - table.mean(0)) @ fit(~out, penalty) for out in inner]
        return sum((part**2).sum() for part in left)

    chosen = min((30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01), key=error)
    np.testing.assert_allclose(result.weights[k, :4], fit(np.ones(len(table), bool), chosen), atol=1e-9)


def test_stack_gene__components_find_what_a_few_tracks_share() -> None:
    case = Case(4)
    rng = np.random.default_rng(4)
    hidden = case.zero_shot.pop("wrong_way")
    tracks = 0.05 * rng.normal(size=(N, 40)) + 1e-1 * np.outer(hidden, rng.normal(size=40)) + rng.normal(size=40)
    case.zero_shot = {}
    case.options = {"tracks": tracks, "n_components": 3}
    result = case.stack()
    assert result.features[2:] == ("enformer_pc1", "enformer_pc2", "enformer_pc3")
    assert (np.abs(result.weights[:, 2]) > 0.2).all()
    train = case.folds != 1
    adjusted = residuals(case.covariates, tracks, train)
    expected = PCA(3).fit(adjusted[train]).transform(adjusted)
    found, _ = principal_components(adjusted, train, 3)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
    with pytest.raises(ValueError, match="3 components of no tracks of 150 individuals"):
        stack_gene(case.expression, case.folds, case.adjust, fitted={}, zero_shot={}, n_components=3)


def test_principal_components__of_equal_people_are_0() -> None:
    scores, size = principal_components(np.zeros((12, 5)), np.arange(12) < 9, 2)
    assert not scores.any()
    assert size == 0
    one, _ = principal_components(np.outer(np.arange(12.0) - 4, [1.0, -3.0]), np.arange(12) < 9, 3)
    np.testing.assert_allclose(one[:, 0], -np.sqrt(10) * (np.arange(12) - 4))
    assert not one[:, 1:].any()


def test_stack_gene__a_gene_without_signal_gets_no_weight_from_fold_means() -> None:
    """Inner predictions of an empty model are training means, which go against the fold left out."""
    rng = np.random.default_rng(3)
    expression, folds = rng.normal(size=N), deal_folds(rng, N)
    outer = np.array([expression[folds != k].mean() for k in range(5)])[folds]
    inner = np.full((5, N), np.nan)
    for k in range(5):
        for j in set(range(5)) - {k}:
            inner[k, folds == j] = expression[(folds != k) & (folds != j)].mean()
    identity = adjustment(np.empty((N, 0)))
    result = stack_gene(expression, folds, identity, fitted={"mean": OutOfFold(outer, inner)}, zero_shot={})
    assert not result.weights.any()
    np.testing.assert_allclose(result.predicted, 0, atol=1e-12)
    uncentred = inner[0, folds != 0]
    assert np.corrcoef(uncentred, expression[folds != 0])[0, 1] < -0.05  # what would have been weighed


def test_stack_gene__a_weak_gene_s_prediction_gets_small_and_not_constant() -> None:
    """Level-1 predictions that are right on new people, and anti-correlated within the inner folds by chance."""
    rng = np.random.default_rng(11)
    expression, folds = rng.normal(size=N), deal_folds(rng, N)
    outer = expression + 2 * rng.normal(size=N)
    inner = np.full((5, N), np.nan)
    for k in range(5):
        inner[k, folds != k] = (rng.normal(size=N) - 0.1 * expression)[folds != k]
    identity = adjustment(np.empty((N, 0)))
    fitted = {"weak": OutOfFold(outer, inner), "constant": OutOfFold(0 * outer, 0 * inner)}
    result = stack_gene(expression, folds, identity, fitted=fitted, zero_shot={})
    smallest = np.array([0.02 * expression[folds != k].std() for k in range(5)])
    no_evidence = result.weights[:, 0] <= smallest * (1 + 1e-9)
    assert no_evidence.sum() >= 2
    np.testing.assert_allclose(result.weights[no_evidence, 0], smallest[no_evidence])
    assert not result.weights[:, 1].any()
    assert within_fold_r(result.predicted[None], expression[None], folds).n_constant_folds[0] == 0


def test_stack_gene__people_permuted_give_r_near_0() -> None:
    rng = np.random.default_rng(4)
    r = []
    for seed in range(12):
        case = Case(100 + seed)
        expression = rng.permutation(case.expression)
        case.adjust = adjustment(np.empty((N, 0)))
        r.append(within_fold_r(case.stack(expression).predicted[None], expression[None], case.folds).pearson[0])
    assert abs(np.mean(r)) < 3 * 0.08 / np.sqrt(12)


def test_stack_gene__a_held_out_person_changes_nothing_of_the_fold_to_the_bit() -> None:
    case, person = Case(5), 11
    k = case.folds[person]
    first = case.stack()
    changed = case.expression.copy()
    changed[person] = 40.0
    second = case.stack(changed)
    np.testing.assert_array_equal(first.weights[k], second.weights[k])
    np.testing.assert_array_equal(first.predicted[case.folds == k], second.predicted[case.folds == k])
    assert not np.array_equal(first.weights, second.weights)

    case.zero_shot = {name: np.where(np.arange(N) == person, 9.0, v) for name, v in list(case.zero_shot.items())[:2]}
    reference = Case(5)
    reference.zero_shot = {name: reference.zero_shot[name] for name in case.zero_shot}
    first, second = reference.stack(), case.stack()
    others = (case.folds == k) & (np.arange(N) != person)
    np.testing.assert_array_equal(first.weights[k], second.weights[k])
    np.testing.assert_array_equal(first.predicted[others], second.predicted[others])


def test_stack_gene__refuses_a_feature_of_some_people() -> None:
    case = Case(6)
    case.zero_shot["enformer"][4] = np.nan
    with pytest.raises(ValueError, match="feature enformer has 149 finite values of 150"):
        case.stack()


def test_stack_gene__without_any_feature_predicts_the_training_mean() -> None:
    case = Case(7)
    result = stack_gene(case.expression, case.folds, case.adjust, fitted={}, zero_shot={})
    np.testing.assert_allclose(result.predicted, 0, atol=1e-12)
    assert result.weights.shape == (5, 0)


def test_gather__reads_back_what_the_baselines_wrote() -> None:
    case = Case(8)
    people = [f"P{i}" for i in range(N)]
    results = {
        gene_id: cross_predict(TopSnp(), case.dosages[:, s], case.expression, case.folds, case.adjust)
        for gene_id, s in (("G1", slice(0, 15)), ("G2", slice(15, 30)))
    }
    options = {"model": "top_snp", "fold_seed": 2}
    predicted = schemas.predicted_expression.validate(
        out_of_fold_rows({gene: result.outer for gene, result in results.items()}, people, case.folds, **options)
    ).sample(frac=1, random_state=1)
    inner = inner_prediction_rows(results, people, **options).sample(frac=1, random_state=2)
    wanted = {"gene_ids": ["G2", "G1"], "individual_ids": people}
    gathered = gather_out_of_fold(predicted, inner, **options, **wanted, folds=case.folds)
    for place, gene_id in enumerate(["G2", "G1"]):
        np.testing.assert_array_equal(gathered.of_gene(place).outer, results[gene_id].outer)
        np.testing.assert_array_equal(gathered.of_gene(place).inner, results[gene_id].inner)

    with pytest.raises(InputError, match=r"inner model top_snp, fold_seed 2, gene_id G., individual_id P"):
        gather_out_of_fold(predicted, inner.iloc[1:], **options, **wanted, folds=case.folds)
    with pytest.raises(
        InputError,
        match=r"gene_id G., individual_id P3: no prediction \(2 such of 300\)",
    ):
        gather_out_of_fold(predicted, inner.drop(columns="person:P3"), **options, **wanted, folds=case.folds)
    with pytest.raises(InputError, match="made with other folds"):
        gather_out_of_fold(predicted, inner, **options, **wanted, folds=(case.folds + 1) % 5)
    for n_folds in (5, 6):
        other = inner.assign(fold=(inner["fold"] + 1) % n_folds)
        with pytest.raises(InputError, match="made with other folds"):
            gather_out_of_fold(predicted, other, **options, **wanted, folds=case.folds)

    zero_shot = predicted.assign(fold_seed=None, fold=None, model="enformer")
    values = gather_zero_shot(zero_shot, model="enformer", gene_ids=["G1", "G3"], individual_ids=people)
    np.testing.assert_array_equal(values[0], results["G1"].outer)
    assert np.isnan(values[1]).all()
    with pytest.raises(InputError, match="model enformer, gene_id G1"):
        gather_zero_shot(zero_shot.iloc[::2], model="enformer", gene_ids=["G1"], individual_ids=people)


def test_rows__fit_the_schemas_and_hold_the_arrays() -> None:
    case = Case(9)
    result = case.stack()
    people = [f"P{i}" for i in range(N)]
    rows = out_of_fold_rows(
        {"G1": result.predicted, "G2": result.predicted}, people, case.folds, model="stack", fold_seed=4
    )
    rows = schemas.predicted_expression.validate(rows)
    assert set(rows["model"]) == {"stack"}
    np.testing.assert_array_equal(rows["predicted_expression"][N:], result.predicted)
    np.testing.assert_array_equal(rows["fold"][:N], case.folds)
    weights = schemas.stack_weights.validate(stack_weight_rows({"G1": result}, fold_seed=4))
    wide = weights.pivot(index="fold", columns="feature", values="weight")[list(result.features)]
    np.testing.assert_array_equal(wide.to_numpy(), result.weights)
    wide = weights.pivot(index="fold", columns="feature", values="share")[list(result.features)]
    np.testing.assert_array_equal(wide.to_numpy(), result.shares)
