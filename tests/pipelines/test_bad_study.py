"""Studies with holes, through the chain of nodes in process: counted, said, and nothing averaged over NaN."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.evaluation.known_answer import no_known_answer
from haploformer.parameters import (
    BaselinesParameters,
    DataPrepParameters,
    EnformerParameters,
    EvaluationParameters,
    ExpressionParameters,
    SelectParameters,
    StackingParameters,
)
from haploformer.pipelines.data_prep import nodes as data_prep
from haploformer.pipelines.evaluation import nodes as evaluation
from haploformer.pipelines.stacking import nodes as stacking
from haploformer.stacking.folds import assign_person_folds, hold_out_populations
from tests.builders.study import Study

#: Sd over fold seeds is the only number of a score that may be missing, and only of one seed.
NUMBERS = ["pearson_r", "spearman_r", "n_constant_folds", "n", "pearson_r_seed_sd"]


@pytest.fixture(scope="module")
def study() -> Study:
    """A gene without variants (G1), one of constant expression (G2), and a population of one."""
    made = Study(populations=["A"] * 39 + ["B"] * 20 + ["C"])
    made.expression[2] = 2.5
    return made


@pytest.fixture(scope="module")
def tables(study) -> dict[str, pd.DataFrame]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return study.run()


def test_chain__a_gene_without_variants_and_a_constant_one_count_as_0_and_stay_in(tables) -> None:
    scores = schemas.gene_scores.validate(tables["scores"])
    assert not scores[NUMBERS].isna().any(axis=None)
    assert (scores.groupby("model").size() == 4).all()
    wide = scores.pivot(index="gene_id", columns="model", values="pearson_r")
    constant = scores.pivot(index="gene_id", columns="model", values="n_constant_folds")
    dosage_models = ["top_snp", "prs", "elastic_net", "blup"]
    assert (wide.loc["G1", dosage_models] == 0).all()
    assert (constant.loc["G1", dosage_models] == 8).all()  # four folds of two seeds
    assert (wide.loc["G2"] == 0).all()
    assert (constant.loc["G2"] == 8).all()
    assert wide.loc["G1", "stack"] > 0.2  # Enformer's part is there
    told = evaluation.summarise_scores(scores, no_known_answer())["models"]["elastic_net"]
    assert told["mean_pearson_r"] == pytest.approx(wide.loc[["G0", "G3"], "elastic_net"].sum() / 4, abs=1e-6)
    for name, table in tables.items():
        allowed = {"stack weights": ["share"], "fits": ["setting"], "shared scores": ["population"]}.get(name, [])
        if name.endswith("inner"):
            # Each person is left out once in four folds, and known in the others.
            left_out = table.filter(like="person:").isna().groupby([table["gene_id"], table["fold_seed"]]).sum()
            assert (left_out == 1).all(axis=None), name
            table = table[["gene_id", "model"]]
        holes = table.drop(columns=[*allowed, "weights", "fold_seed", "fold"], errors="ignore").isna().any()
        assert not holes.any(), (name, holes[holes].index.tolist())


def test_chain__weights_of_other_genes_with_such_genes_among_them(tables) -> None:
    scores = schemas.shared_stack_scores.validate(tables["shared scores"]).set_index(["model", "people", "gene_id"])
    assert np.isfinite(tables["shared weights"]["weight"]).all()
    for model in ("shared_stack", "shared_stack_enformer"):
        assert scores.loc[(model, "unseen", "G2"), ["pearson_r", "n_constant_folds"]].tolist() == [0, 8]
        assert scores.loc[(model, "unseen", "G1"), "pearson_r"] > 0.2


def test_compare_models__of_such_genes_has_finite_means_and_nulls(tables, study) -> None:
    options = EvaluationParameters(permutations=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tables_of = evaluation.compare_models(tables["scores"], tables["scored"], study.genes, options)
    comparison, null, accuracy = tables_of
    assert (
        schemas.model_comparison.validate(comparison)[["difference", "low_people", "high_people"]]
        .notna()
        .all(axis=None)
    )
    assert schemas.permutation_null.validate(null).notna().all(axis=None)
    assert schemas.gene_accuracy.validate(accuracy)[["p_value", "q_value"]].notna().all(axis=None)


def test_score_populations__a_population_of_one_is_said_and_has_no_row(study, tables, caplog) -> None:
    enformer = pd.DataFrame(
        {
            "gene_id": np.repeat(study.genes["gene_id"], study.n).to_numpy(),
            "individual_id": study.people * study.n_genes,
            "summary": "tissue_mean",
            "personal": np.exp2(study.tracks[..., 0]).ravel(),
        }
    )
    measured = study.measured(study.expression)
    with caplog.at_level(logging.WARNING):
        within, audit, _ = evaluation.score_populations(
            tables["scored"], study.individuals, study.folds, measured, enformer, EvaluationParameters()
        )
    assert "population C is not scored by itself: 1 person, 0 in a fold; an r needs 4" in caplog.text
    assert schemas.population_audit.validate(audit).set_index("population")["scored"].to_dict() == {
        "A": True,
        "B": True,
        "C": False,
    }
    assert set(schemas.population_scores.validate(within)["population"]) == {"A", "B"}
    groups = {person: person for person in study.people}
    folds = hold_out_populations(study.folds, study.individuals, groups, populations=None)
    assert set(folds["population"]) == {"A", "B"}
    with pytest.raises(InputError, match="population C: 1 person there; an r needs 4"):
        hold_out_populations(study.folds, study.individuals, groups, populations=["C"])


def test_select_individuals__a_covariate_file_that_lacks_a_person(study) -> None:
    bed = type("Bed", (), {"individual_ids": study.people, "name": "expression.bed"})()
    genotypes = type("File", (), {"name": "g.vcf", "sample_ids": study.people, "individual_of": {}})()
    covariates = study.covariates[study.covariates["individual_id"] != "P07"]
    panel = study.individuals.assign(sex=None)
    arguments = (bed, genotypes, covariates, panel)
    message = r"1 of 60 individuals are not in covariate table \(first: P07\); set data_prep.individuals: intersect"
    with pytest.raises(InputError, match=message):
        data_prep.select_individuals(*arguments, DataPrepParameters(individuals="require"), SelectParameters())
    kept = data_prep.select_individuals(*arguments, DataPrepParameters(individuals="intersect"), SelectParameters())
    assert kept["individual_id"].tolist() == [person for person in study.people if person != "P07"]
    assert len(data_prep.prepare_covariates(covariates, kept)) == 2 * 59


def test_assign_person_folds__fewer_people_than_folds() -> None:
    with pytest.raises(InputError, match="3 individuals for 5 folds; the r of a fold needs 4 people; use fewer folds"):
        assign_person_folds(["a", "b", "c"], [None] * 3, n_folds=5, seeds=[0])


def test_share_stack__genes_that_all_share_sequence_are_not_held_out(study, tables, caplog) -> None:
    genes = study.genes.assign(tss=1_000 * np.arange(4))
    measured, folds = study.measured(study.expression), study.folds
    summaries = pd.DataFrame({"gene_id": ["G0", "G3"]})
    options = (StackingParameters(), EnformerParameters(preset="tiny"), BaselinesParameters(cis_window=100_000))
    nothing = pd.DataFrame()
    with caplog.at_level(logging.WARNING):
        scores, weights = stacking.share_stack(
            *(nothing, nothing, summaries, measured, study.covariates, folds, ExpressionParameters(), genes),
            *(*options, EvaluationParameters()),
        )
    assert schemas.shared_stack_scores.validate(scores).empty
    assert schemas.shared_stack_weights.validate(weights).empty
    assert "no gene is held out: windows of 100000 bases join all 2 genes" in caplog.text
