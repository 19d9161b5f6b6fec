"""Several models, windows and fold seeds at once: the same numbers as one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.baselines.cohort import CisModels, dosage_models, map_genes, predict_cohort, reach_suffix
from haploformer.baselines.crossfit import cross_predict, cross_predict_models, with_degrees
from haploformer.baselines.prs import Prs
from haploformer.baselines.structure import predict_from_columns
from haploformer.baselines.top_snp import TopSnp
from haploformer.evaluation.scores import adjust_predictions, score_genes
from haploformer.expression.covariates import adjustment
from haploformer.expression.matrix import IndividualMatrix
from tests.builders.dosages import deal_folds, simulate_dosages, simulate_expression

N = 80
PEOPLE = [f"P{i}" for i in range(N)]


class Cohort:
    """Genes of a usual kind, one without variants, and one of constant expression."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.dosages = {f"G{i}": simulate_dosages(rng, N, 12, missing=0.01) for i in range(3)}
        self.expression = {
            gene: simulate_expression(rng, dosages, causal=5, heritability=0.4)
            for gene, dosages in self.dosages.items()
        }
        self.dosages["empty"], self.expression["empty"] = np.empty((N, 0), np.float32), rng.normal(size=N)
        self.dosages["constant"], self.expression["constant"] = self.dosages["G0"], np.full(N, 2.5)
        covariates = rng.normal(size=(N, 2))
        self.adjust = adjustment(covariates)
        self.folds = {seed: deal_folds(rng, N) for seed in (0, 3)}

    def of_first(self, n_variants: int):
        def dosages_of(gene_id: str) -> tuple[pd.DataFrame, np.ndarray]:
            dosages = self.dosages[gene_id][:, :n_variants]
            pos = np.arange(dosages.shape[1]) * 100_000 + 1
            ids = [f"v{i}" for i in range(dosages.shape[1])]
            return pd.DataFrame({"variant_id": ids, "contig": "22", "pos": pos, "ref": "A", "alt": "C"}), dosages

        return dosages_of

    def predict(self, **options):
        windows = [
            CisModels(dosage_models(min_maf=0.01, l1_ratio=0.5), self.of_first(6)),
            CisModels(dosage_models(min_maf=0.01, l1_ratio=0.5, suffix="_1mb"), self.of_first(12)),
        ]
        return predict_cohort(windows, self.expression, PEOPLE, self.folds, self.adjust, **options)


def test_predict_cohort__equals_each_model_window_and_seed_by_itself():
    cohort = Cohort(1)
    found = cohort.predict()
    names = ["top_snp", "prs", "elastic_net", "blup"]
    assert list(found) == [*names, *(f"{name}_1mb" for name in names)]
    for suffix, n_variants in (("", 6), ("_1mb", 12)):
        for model in dosage_models(min_maf=0.01, l1_ratio=0.5, suffix=suffix):
            tables = found[model.name]
            for gene, expression in cohort.expression.items():
                variants, dosages = cohort.of_first(n_variants)(gene)
                for seed, folds in cohort.folds.items():
                    [alone] = cross_predict_models(
                        [model], dosages, expression, folds, with_degrees(cohort.adjust), positions=variants["pos"]
                    )
                    rows = tables.predicted[
                        (tables.predicted["gene_id"] == gene) & (tables.predicted["fold_seed"] == seed)
                    ]
                    np.testing.assert_array_equal(rows["predicted_expression"], alone.outer)
                    fits = tables.fits[(tables.fits["gene_id"] == gene) & (tables.fits["fold_seed"] == seed)]
                    assert fits["n_weights"].tolist() == [(fit.weights != 0).sum() for fit in alone.fits]
                    np.testing.assert_array_equal(fits["setting"], [fit.setting for fit in alone.fits])


def test_predict_cohort__tables_fit_the_schemas_and_hold_no_hole():
    found = Cohort(2).predict()
    for name, tables in found.items():
        predicted = schemas.predicted_expression.validate(tables.predicted)
        assert len(predicted) == 5 * N * 2
        assert len(schemas.inner_predictions.validate(tables.inner)) == 5 * 5 * 2
        schemas.dosage_weights.validate(tables.weights)
        fits = schemas.dosage_fits.validate(tables.fits)
        assert len(fits) == 5 * 5 * 2
        assert set(fits["model"]) == set(predicted["model"]) == {name}
        for gene, n_usable in (("empty", 0), ("constant", None)):
            of_gene = fits[fits["gene_id"] == gene]
            assert (of_gene["n_weights"] == 0).all()
            assert of_gene["setting"].isna().all()
            assert n_usable is None or (of_gene["n_usable"] == n_usable).all()
            constant = predicted[predicted["gene_id"] == gene].groupby(["fold_seed", "fold"])["predicted_expression"]
            assert (constant.max() - constant.min() == 0).all()


def test_predict_cohort__any_number_of_threads_gives_the_same_bytes():
    cohort, seen = Cohort(3), []

    def on_gene() -> None:
        seen.append(1)

    one, four = cohort.predict(), cohort.predict(n_threads=4, on_gene=on_gene)
    assert len(seen) == len(cohort.expression)
    for name in one:
        for part in ("predicted", "inner", "weights", "fits"):
            pd.testing.assert_frame_equal(getattr(one[name], part), getattr(four[name], part), check_exact=True)


def test_score_genes__a_gene_without_variants_and_a_constant_one_count_as_0_and_stay_in():
    cohort = Cohort(7)
    predicted = [tables.predicted for tables in cohort.predict().values()]
    columns = np.random.default_rng(7).normal(size=(N, 3))

    def columns_of(train: np.ndarray) -> np.ndarray:
        return columns

    shared = (cohort.expression, PEOPLE, cohort.folds)
    predicted.append(predict_from_columns(columns_of, *shared, model="genotype_pcs", adjust=cohort.adjust))
    matrix = IndividualMatrix(np.stack(list(cohort.expression.values())), tuple(cohort.expression), tuple(PEOPLE))
    folds = pd.concat(
        pd.DataFrame({"individual_id": PEOPLE, "fold_seed": seed, "fold": fold}) for seed, fold in cohort.folds.items()
    )
    genes = pd.DataFrame({"gene_id": list(cohort.expression), "gene_name": list(cohort.expression)})
    scores = score_genes(adjust_predictions(predicted, matrix, folds, cohort.adjust), genes)
    assert len(scores) == 9 * 5
    assert not scores.isna().any(axis=None)
    nothing = scores[scores["gene_id"].isin(["empty", "constant"]) & (scores["model"] != "genotype_pcs")]
    assert (nothing["pearson_r"] == 0).all()
    assert (nothing["n_constant_folds"] == 10).all()
    of_components = scores[scores["model"] == "genotype_pcs"].set_index("gene_id")
    assert (of_components.loc["constant", ["pearson_r", "n_constant_folds"]] == [0, 10]).all()
    assert of_components.loc["empty", "n_constant_folds"] == 0


def test_map_genes__an_error_in_a_thread_is_raised():
    def fail(gene_id: str) -> str:
        raise ValueError(gene_id)

    with pytest.raises(ValueError, match="first"):
        map_genes(fail, ["first", "second"], n_threads=2)


def test_cross_predict_models__together_equal_one_by_one():
    cohort = Cohort(4)
    models = dosage_models(min_maf=0.01, l1_ratio=0.5)
    data = (cohort.dosages["G1"], cohort.expression["G1"], cohort.folds[0])
    together = cross_predict_models(models, *data, with_degrees(cohort.adjust))
    for model, result in zip(models, together, strict=True):
        alone = cross_predict(model, *data, cohort.adjust)
        np.testing.assert_array_equal(result.outer, alone.outer)
        np.testing.assert_array_equal(result.inner, alone.inner)


def test_cross_predict_models__refuses_models_that_see_other_variants():
    cohort = Cohort(5)
    data = (cohort.dosages["G1"], cohort.expression["G1"], cohort.folds[0])
    with pytest.raises(ValueError, match="top_snp, prs differ in min_maf"):
        cross_predict_models([TopSnp(0.01), Prs(min_maf=0.05)], *data, with_degrees(cohort.adjust))


def test_with_degrees__mean_and_independent_covariates_are_taken_off():
    rng = np.random.default_rng(6)
    columns = rng.normal(size=(N, 3))
    collinear = np.column_stack([columns, columns[:, 0] - columns[:, 1], np.ones(N)])
    train = np.arange(N) < 50
    assert with_degrees(adjustment(np.empty((N, 0))))(train)[1] == 49
    assert with_degrees(adjustment(columns))(train)[1] == 46
    assert with_degrees(adjustment(collinear))(train)[1] == 46


@pytest.mark.parametrize(
    ("length", "suffix"), [(2_000_000, "_1mb"), (1_000_000, "_500kb"), (196_608, "_98304bp"), (500_000, "_250kb")]
)
def test_reach_suffix__is_the_reach_on_each_side(length: int, suffix: str):
    assert reach_suffix(length) == suffix
