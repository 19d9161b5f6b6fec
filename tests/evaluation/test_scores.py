"""Every model is scored in the same way, on the same people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.evaluation.known_answer import no_known_answer
from haploformer.evaluation.scores import adjust_predictions, score_genes
from haploformer.evaluation.summary import summarise_models
from haploformer.expression.covariates import adjustment
from haploformer.expression.matrix import IndividualMatrix
from haploformer.stacking.folds import assign_person_folds, select_folds
from tests.oracles.regression import residuals, within_fold_r

N, GENES, SEEDS = 60, ("G1", "G2", "G3"), (1, 2)
PEOPLE = tuple(f"P{i:02d}" for i in range(N))
NAMES = pd.DataFrame({"gene_id": GENES, "gene_name": ["A", "B", "C"]})


@dataclass
class Cohort:
    """Measured expression, folds and predictions of a zero-shot and a fitted model."""

    expression: IndividualMatrix
    covariates: np.ndarray
    folds: pd.DataFrame
    enformer: np.ndarray
    fitted: dict[int, np.ndarray]

    @property
    def tables(self) -> list[pd.DataFrame]:
        return [
            long_table(self.enformer, "enformer"),
            pd.concat([long_table(v, "elastic_net", s, self.fold(s)) for s, v in self.fitted.items()]),
        ]

    def fold(self, seed: int) -> np.ndarray:
        return select_folds(self.folds, PEOPLE, fold_seed=seed)

    def scored(self, tables: list[pd.DataFrame] | None = None, **options: bool) -> pd.DataFrame:
        tables = self.tables if tables is None else tables
        return adjust_predictions(tables, self.expression, self.folds, adjustment(self.covariates), **options)


def long_table(values: np.ndarray, model: str, seed: int | None = None, folds: np.ndarray | None = None):
    """Rows of ``predicted_expression`` in a shuffled order."""
    table = pd.DataFrame(
        {
            "gene_id": np.repeat(GENES, N),
            "individual_id": np.tile(PEOPLE, len(GENES)),
            "model": model,
            "fold_seed": seed,
            "fold": None if folds is None else np.tile(folds, len(GENES)),
            "predicted_expression": values.ravel(),
        }
    )
    return schemas.predicted_expression.validate(table.sample(frac=1, random_state=1))


@pytest.fixture
def cohort() -> Cohort:
    rng = np.random.default_rng(1)
    covariates = rng.normal(size=(N, 2))
    values = rng.normal(size=(3, N)) + covariates @ [1.0, 0.5]
    return Cohort(
        IndividualMatrix(values, GENES, PEOPLE),
        covariates,
        assign_person_folds(PEOPLE, [None] * N, n_folds=5, seeds=SEEDS),
        enformer=10 + 0.001 * (values + rng.normal(size=(3, N))),
        fitted={seed: values + rng.normal(size=(3, N)) for seed in SEEDS},
    )


def test_adjust_predictions__residualises_the_measurement_and_zero_shot_only(cohort) -> None:
    scored = schemas.scored_predictions.validate(cohort.scored())
    assert len(scored) == 2 * 2 * 3 * N
    folds = cohort.fold(2)
    held_out = folds == 3
    rows = scored[(scored["fold_seed"] == 2) & (scored["gene_id"] == "G2")].set_index(["model", "individual_id"])
    people = [PEOPLE[i] for i in np.flatnonzero(held_out)]
    for model, prediction in (
        ("enformer", residuals(cohort.covariates, cohort.enformer[1], ~held_out)),
        ("elastic_net", cohort.fitted[2][1]),
    ):
        own = rows.loc[model].loc[people]
        measured = residuals(cohort.covariates, cohort.expression.values[1], ~held_out)
        np.testing.assert_allclose(own["measured"], measured[held_out], atol=1e-10)
        np.testing.assert_allclose(own["predicted"], prediction[held_out], atol=1e-10)
        assert (own["fold"] == 3).all()


def test_adjust_predictions__broadcasts_zero_shot_to_every_seed_and_fold(cohort) -> None:
    scored = cohort.scored().query("model == 'enformer'")
    assert scored.groupby("fold_seed").size().to_dict() == {1: 3 * N, 2: 3 * N}
    assert set(scored["fold"]) == set(range(5))


def test_adjust_predictions__a_constant_zero_shot_stays_constant(cohort) -> None:
    cohort.enformer[0] = 3.2
    held_out = cohort.fold(1) == 4
    cohort.enformer[1, held_out] = 7.0  # its only variant is not in this fold
    cohort.enformer[2] = 5 + cohort.covariates @ [2.0, 1.0]  # nothing but covariates
    scored = cohort.scored().query("model == 'enformer' and fold_seed == 1")
    by_gene = scored.groupby("gene_id")["predicted"]
    assert by_gene.apply(np.any).to_dict() == {"G1": False, "G2": True, "G3": False}
    assert not scored.query("gene_id == 'G2' and fold == 4")["predicted"].any()
    scores = score_genes(cohort.scored(), NAMES).query("model == 'enformer'").set_index("gene_id")
    assert scores["n_constant_folds"].to_dict()["G1"] == scores["n_constant_folds"].to_dict()["G3"] == 10
    assert scores["n_constant_folds"]["G2"] >= 1
    assert scores["pearson_r"]["G1"] == scores["pearson_r"]["G3"] == 0


def test_adjust_predictions__z_scores_of_zero_shot_predictions_change_no_r(cohort) -> None:
    cohort.enformer[0] = 3.2
    before, after = cohort.scored(), cohort.scored(z_score=True)
    fitted = before["model"] != "enformer"
    pd.testing.assert_frame_equal(before[fitted], after[fitted], check_exact=True)
    train = cohort.fold(1) != 2
    left = residuals(cohort.covariates, cohort.enformer[1], train)
    rows = after.query("model == 'enformer' and fold_seed == 1 and fold == 2 and gene_id == 'G2'")
    expected = pd.Series(left / left[train].std(), index=PEOPLE)[rows["individual_id"]]
    np.testing.assert_allclose(rows["predicted"], expected)
    assert not after.query("model == 'enformer' and gene_id == 'G1'")["predicted"].any()
    columns = ["pearson_r", "spearman_r", "n_constant_folds"]
    np.testing.assert_allclose(score_genes(before, NAMES)[columns], score_genes(after, NAMES)[columns], atol=1e-12)


def test_adjust_predictions__a_held_out_measurement_changes_no_other_row_of_its_fold(cohort) -> None:
    before = cohort.scored()
    cohort.expression.values[1, 7] += 100
    after = cohort.scored()
    for seed in SEEDS:
        fold = cohort.fold(seed)[7]
        chosen = (before["fold_seed"] == seed) & (before["fold"] == fold) & (before["individual_id"] != "P07")
        pd.testing.assert_frame_equal(before[chosen], after[chosen], check_exact=True)
    assert not before["measured"].equals(after["measured"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_adjust_predictions__names_gene_and_person_of_what_is_not_finite(cohort, bad: float) -> None:
    tables = cohort.tables
    row = (tables[1]["gene_id"] == "G2") & (tables[1]["individual_id"] == "P05") & (tables[1]["fold_seed"] == 2)
    tables[1].loc[row, "predicted_expression"] = bad
    with pytest.raises(InputError, match="model elastic_net, fold_seed 2, gene_id G2, individual_id P05: no finite"):
        cohort.scored(tables)


def test_adjust_predictions__refuses_what_cannot_be_compared(cohort) -> None:
    enformer, fitted = cohort.tables
    with pytest.raises(InputError, match=r"model enformer, gene_id G., individual_id P..: no finite value"):
        cohort.scored([enformer.iloc[1:]])
    with pytest.raises(InputError, match="model enformer: an individual has two predictions"):
        cohort.scored([pd.concat([enformer, enformer.iloc[:1]])])
    with pytest.raises(InputError, match="elastic_net, fold_seed 1: predictions were made with other folds"):
        cohort.scored([fitted.assign(fold=(fitted["fold"] + 1) % 5)])
    with pytest.raises(InputError, match="model enformer: occurs in two tables"):
        cohort.scored([enformer, enformer])
    with pytest.raises(InputError, match="with and without a fold_seed"):
        cohort.scored([pd.concat([enformer, fitted.assign(model="enformer")])])
    cohort.folds = cohort.folds.iloc[1:]
    with pytest.raises(InputError, match="person_folds: fold_seed 1: 1 individuals"):
        cohort.scored([enformer])


def test_score_genes__is_the_mean_over_seeds_of_the_within_fold_r(cohort) -> None:
    scored = cohort.scored()
    scores = score_genes(scored.sample(frac=1, random_state=3), NAMES)
    scores.insert(3, "weights", None)
    scores = schemas.gene_scores.validate(scores)
    assert len(scores) == 6
    for row in scores.itertuples():
        r = []
        for seed in SEEDS:
            own = scored[(scored.model == row.model) & (scored.gene_id == row.gene_id) & (scored.fold_seed == seed)]
            r.append(within_fold_r(*(own[c].to_numpy() for c in ("predicted", "measured", "fold"))))
        np.testing.assert_allclose(row.pearson_r, np.mean(r))
        np.testing.assert_allclose(row.pearson_r_seed_sd, np.std(r, ddof=1))
        assert (row.n, row.n_fold_seeds, row.n_folds, row.n_constant_folds) == (N, 2, 5, 0)
        assert row.gene_name == dict(zip(GENES, "ABC", strict=True))[row.gene_id]


def test_score_genes__has_no_seed_sd_for_one_seed(cohort) -> None:
    scores = score_genes(cohort.scored().query("fold_seed == 1"), NAMES)
    assert scores["pearson_r_seed_sd"].isna().all()
    assert summarise_models(scores)["mean_seed_sd"].isna().all()


def test_score_genes__refuses_holes_and_unnamed_genes(cohort) -> None:
    scored = cohort.scored()
    with pytest.raises(InputError, match="predicted, gene_id G1, individual_id P00: no finite value"):
        score_genes(scored.iloc[1:], NAMES)
    with pytest.raises(InputError, match="gene_id G3: is scored but not in genes"):
        score_genes(scored, NAMES.iloc[:2])


def test_summarise_models__averages_over_genes(cohort) -> None:
    cohort.enformer[0] = 1.0
    scores = score_genes(cohort.scored(), NAMES)
    summary = summarise_models(scores).set_index("model")
    assert summary.index.tolist() == ["enformer", "elastic_net"]
    own = scores[scores["model"] == "enformer"]
    np.testing.assert_allclose(summary.loc["enformer", "mean_pearson_r"], own["pearson_r"].mean())
    np.testing.assert_allclose(summary.loc["enformer", "median_pearson_r"], own["pearson_r"].median())
    np.testing.assert_allclose(summary.loc["enformer", "mean_spearman_r"], own["spearman_r"].mean())
    assert summary["n_genes"].tolist() == [3, 3]
    assert summary["n_constant_genes"].tolist() == [1, 0]
    assert summary["n_constant_folds"].tolist() == [10, 0]


def test_summarise_models__sets_the_known_answer_beside(cohort) -> None:
    check = pd.DataFrame(
        {"model": "enformer", "quantity": ["mean_pearson_r", "other"], "low": [0.1, 7.0], "high": 0.2, "inside": False}
    )
    summary = summarise_models(score_genes(cohort.scored(), NAMES), known_answer_check=check).set_index("model")
    assert summary.loc["enformer", ["expected_low", "expected_high", "inside"]].tolist() == [0.1, 0.2, False]
    assert summary.loc["elastic_net", ["expected_low", "expected_high", "inside"]].isna().all()
    nothing = summarise_models(score_genes(cohort.scored(), NAMES), known_answer_check=no_known_answer())
    assert "inside" not in nothing.columns
