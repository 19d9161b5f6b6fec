"""Cross-fitting: equal to refitting everything, blind to held-out people, and null where nothing is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.baselines.blup import Blup
from haploformer.baselines.crossfit import CrossPrediction, cross_predict
from haploformer.baselines.elastic_net import ElasticNet
from haploformer.baselines.prs import Prs
from haploformer.baselines.tables import dosage_weight_rows, inner_prediction_rows
from haploformer.baselines.top_snp import TopSnp
from haploformer.evaluation.metrics import within_fold_r
from haploformer.expression.covariates import adjustment
from haploformer.predicted_expression import out_of_fold_rows
from tests.builders.dosages import deal_folds, simulate_dosages, simulate_expression
from tests.oracles.regression import cross_predict_elastic_net, residuals

MODELS = [ElasticNet(n_lambdas=12, lambda_min=0.05), TopSnp(), Prs(), Blup()]


class Gene:
    """A simulated gene: dosages, covariates, expression and folds."""

    def __init__(self, seed: int, *, n: int = 100, n_variants: int = 40, heritability: float = 0.3) -> None:
        rng = np.random.default_rng(seed)
        self.dosages = simulate_dosages(rng, n, n_variants, missing=0.02)
        self.covariates = rng.normal(size=(n, 2))
        self.expression = simulate_expression(
            rng, self.dosages, causal=n_variants // 2, heritability=heritability
        ) + self.covariates @ [0.5, 0.2]
        self.folds = deal_folds(rng, n)
        self.adjust = adjustment(self.covariates)

    def predict(self, model, **changed) -> CrossPrediction:
        data = {"dosages": self.dosages, "expression": self.expression, **changed}
        return cross_predict(model, data["dosages"], data["expression"], self.folds, self.adjust)


def test_cross_predict__equals_refitting_everything_naively() -> None:
    gene = Gene(1, n=60, n_variants=15)
    model = ElasticNet(n_lambdas=8, lambda_min=0.05)
    result = gene.predict(model)
    outer, inner = cross_predict_elastic_net(
        gene.dosages, gene.expression, gene.folds, gene.covariates, lambdas=model.lambdas, l1_ratio=0.5
    )
    np.testing.assert_allclose(result.outer, outer, atol=1e-9)
    np.testing.assert_allclose(result.inner, inner, atol=1e-9)
    assert np.ptp(outer) > 0.5


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_cross_predict__finds_a_known_effect(model) -> None:
    gene = Gene(2, n=200, heritability=0.5)
    result = gene.predict(model)
    effect = gene.dosages[:, 20]
    called = ~np.isnan(effect)
    assert np.corrcoef(result.outer[called], effect[called])[0, 1] > 0.85
    slope = np.sqrt(0.5) / np.nanstd(effect)
    for fit in result.fits:
        near = np.abs(fit.variants - 20) <= 3
        assert 0.5 * slope < fit.weights[near].sum() < 1.5 * slope


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_cross_predict__weights_reproduce_the_outer_predictions(model) -> None:
    gene = Gene(3)
    result = gene.predict(model)
    for k, fit in enumerate(result.fits):
        train = gene.folds != k
        called = train[:, None] & ~np.isnan(gene.dosages)
        mean = np.nanmean(np.where(called, gene.dosages.astype(float), np.nan), axis=0)
        filled = np.where(np.isnan(gene.dosages), mean, gene.dosages.astype(float))
        adjusted = np.column_stack([residuals(gene.covariates, filled[:, v], train) for v in fit.variants])
        np.testing.assert_allclose(result.outer[~train], fit.intercept + adjusted[~train] @ fit.weights, atol=1e-10)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
@pytest.mark.parametrize("what", ["expression", "dosages"])
def test_cross_predict__a_held_out_person_changes_no_fit_to_the_bit(model, what: str) -> None:
    gene = Gene(4)
    person = 17
    k = gene.folds[person]
    changed = getattr(gene, what).copy()
    changed[person] = 50.0 if what == "expression" else 2 - np.nan_to_num(changed[person], nan=1.0)
    first, second = gene.predict(model), gene.predict(model, **{what: changed})
    others = (gene.folds == k) & (np.arange(len(gene.folds)) != person)
    np.testing.assert_array_equal(first.outer[others], second.outer[others])
    np.testing.assert_array_equal(first.inner[k], second.inner[k])
    # In the stacks of the other folds, the people of the person's fold are predicted without it.
    np.testing.assert_array_equal(first.inner[:, others], second.inner[:, others])
    for name in ("variants", "weights", "intercept", "candidate"):
        np.testing.assert_array_equal(getattr(first.fits[k], name), getattr(second.fits[k], name))
    if what == "expression":
        np.testing.assert_array_equal(first.outer[person], second.outer[person])
    assert not np.array_equal(first.outer, second.outer)  # but the other folds' models have seen the person


def test_cross_predict__a_pair_of_folds_is_one_model() -> None:
    """Swapping the labels of two folds swaps their rows, and changes nothing else."""
    gene = Gene(5, n=60, n_variants=15)
    model = ElasticNet(n_lambdas=8, lambda_min=0.05)
    first = gene.predict(model)
    swap = np.array([1, 0, 2, 3, 4])
    second = cross_predict(model, gene.dosages, gene.expression, swap[gene.folds], gene.adjust)
    np.testing.assert_allclose(first.outer, second.outer, atol=1e-12)
    np.testing.assert_allclose(first.inner, second.inner[swap], atol=1e-12)


def test_cross_predict__inner_is_nan_on_the_own_fold_only() -> None:
    gene = Gene(6, n=60, n_variants=10)
    own = gene.folds[None] == np.arange(5)[:, None]
    np.testing.assert_array_equal(np.isnan(gene.predict(TopSnp()).inner), own)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_cross_predict__without_a_usable_variant_predicts_the_training_mean(model) -> None:
    gene = Gene(7, n=60, n_variants=10)
    for dosages in (gene.dosages[:, :0], np.zeros_like(gene.dosages), np.full_like(gene.dosages, np.nan)):
        result = gene.predict(model, dosages=dosages)
        assert result.n_without_variant == result.n_constant == 5
        np.testing.assert_allclose(result.outer, 0, atol=1e-12)
        assert np.isfinite(result.inner).sum() == 4 * 60


def test_cross_predict__constant_expression_is_constant() -> None:
    gene = Gene(8, n=60, n_variants=10)
    result = gene.predict(TopSnp(), expression=np.full(60, 3.3))
    assert result.n_constant == 5
    assert result.n_without_variant == 0


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_cross_predict__people_permuted_give_r_near_0(model) -> None:
    rng = np.random.default_rng(9)
    n, n_genes = 100, 30
    folds = deal_folds(rng, n)
    adjust = adjustment(np.empty((n, 0)))
    expression = np.empty((n_genes, n))
    predicted = np.empty((n_genes, n))
    for gene in range(n_genes):
        dosages = simulate_dosages(rng, n, 30)
        expression[gene] = rng.permutation(simulate_expression(rng, dosages, causal=15, heritability=0.5))
        predicted[gene] = cross_predict(model, dosages, expression[gene], folds, adjust).outer
    r = within_fold_r(predicted, expression, folds).pearson
    assert abs(r.mean()) < 3 * 0.1 / np.sqrt(n_genes)  # the sd of r at n = 100 is 0.1
    pooled = [np.corrcoef(p, e)[0, 1] for p, e in zip(predicted, expression, strict=True) if np.ptp(p)]
    assert np.mean(pooled) < r.mean()  # one r over all folds goes against the fold left out


def test_cross_predict__refuses_bad_folds_and_values() -> None:
    gene = Gene(10, n=60, n_variants=10)
    with pytest.raises(ValueError, match="at least 4"):
        cross_predict(ElasticNet(), gene.dosages, gene.expression, gene.folds % 3, gene.adjust)
    with pytest.raises(ValueError, match="expected 0, 1, 2"):
        cross_predict(TopSnp(), gene.dosages, gene.expression, gene.folds + 1, gene.adjust)
    with pytest.raises(ValueError, match="expected the same"):
        cross_predict(TopSnp(), gene.dosages[1:], gene.expression, gene.folds, gene.adjust)
    with pytest.raises(ValueError, match="expression of individual 3"):
        gene.predict(TopSnp(), expression=np.where(np.arange(60) == 3, np.nan, gene.expression))


def test_rows__fit_the_schemas_and_hold_the_arrays() -> None:
    genes = {f"G{seed}": Gene(11, n=60, n_variants=10) for seed in range(2)}
    folds = genes["G0"].folds
    results = {gene_id: gene.predict(TopSnp()) for gene_id, gene in genes.items()}
    people = [f"P{i}" for i in range(60)]
    variants = pd.DataFrame(
        {"variant_id": [f"v{i}" for i in range(10)], "contig": "22", "pos": range(1, 11), "ref": "A", "alt": "C"}
    )
    options = {"model": "top_snp", "fold_seed": 3}

    outer = schemas.predicted_expression.validate(
        out_of_fold_rows({gene: result.outer for gene, result in results.items()}, people, folds, **options)
    )
    row = outer.set_index(["gene_id", "individual_id"]).loc[("G1", "P7")]
    assert row["predicted_expression"] == results["G1"].outer[7]
    assert (row["fold"], row["fold_seed"], row["model"]) == (folds[7], 3, "top_snp")

    inner = schemas.inner_predictions.validate(inner_prediction_rows(results, people, **options))
    assert len(inner) == 2 * 5
    assert set(inner["model"]) == {"top_snp"}
    assert set(inner["fold_seed"]) == {3}
    of_person = inner.set_index(["gene_id", "fold"])["person:P7"].loc["G1"]
    np.testing.assert_array_equal(of_person, results["G1"].inner[:, 7])
    assert of_person.index[of_person.isna()].tolist() == [folds[7]]

    weights = dosage_weight_rows(results, dict.fromkeys(results, variants), **options)
    weights = schemas.dosage_weights.validate(weights)
    assert len(weights) == 2 * 5
    fit = results["G1"].fits[2]
    row = weights[(weights["gene_id"] == "G1") & (weights["fold"] == 2)].iloc[0]
    assert row["weight"] == fit.weights[fit.weights != 0][0]
    assert row["pos"] == fit.variants[fit.weights != 0][0] + 1


def test_rows__without_genes_are_empty_tables() -> None:
    folds = np.arange(20) % 5
    people = [f"P{i}" for i in range(20)]
    options = {"model": "top_snp", "fold_seed": 3}
    assert schemas.predicted_expression.validate(out_of_fold_rows({}, people, folds, **options)).empty
    assert schemas.dosage_weights.validate(dosage_weight_rows({}, {}, **options)).empty
    inner = inner_prediction_rows({}, people, **options)
    assert len(schemas.inner_predictions.validate(inner)) == 0
    assert inner.columns[4] == "person:P0"
    assert (inner.dtypes.iloc[4:] == np.float64).all()


def test_rows__people_may_be_called_as_columns_are() -> None:
    gene = Gene(11, n=60, n_variants=10)
    people = ["gene_id", "model", "fold", "person:P4", *(f"P{i}" for i in range(4, 60))]
    inner = inner_prediction_rows({"G1": gene.predict(TopSnp())}, people, model="top_snp", fold_seed=0)
    assert list(schemas.inner_predictions.validate(inner).columns[4:9]) == [
        "person:gene_id",
        "person:model",
        "person:fold",
        "person:person:P4",
        "person:P4",
    ]
