"""One gene, or nobody with a population: tables without holes, and nothing averaged over NaN."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from haploformer import schemas
from haploformer.evaluation.scores import score_genes
from haploformer.parameters import EvaluationParameters
from haploformer.pipelines.evaluation import nodes
from tests.builders.scored import build_scored, genes_of


def test_compare_models__of_a_single_gene() -> None:
    scored = build_scored(np.random.default_rng(1), {"elastic_net": 0.3, "stack": 0.4}, n_genes=1, seeds=(1,))
    scores = score_genes(scored, genes_of(scored))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tables = nodes.compare_models(scores, scored, genes_of(scored), EvaluationParameters(permutations=20))
    comparison, null, accuracy = tables
    assert len(schemas.model_comparison.validate(comparison)) == 3
    assert comparison["low_loci"].isna().all()
    assert len(schemas.permutation_null.validate(null)) == 2
    assert (schemas.gene_accuracy.validate(accuracy)["q_value"] == accuracy["p_value"]).all()


def test_score_populations__where_nobody_has_one(caplog) -> None:
    scored = build_scored(np.random.default_rng(1), {"enformer": 0.3}, n_genes=2, seeds=(1,))
    people = pd.DataFrame({"individual_id": scored["individual_id"].unique(), "population": None})
    folds = scored.drop_duplicates("individual_id")[["individual_id", "fold_seed", "fold"]]
    measured = scored.rename(columns={"measured": "expression"})
    coverage = scored.assign(summary="tissue_mean", personal=1.0)
    within, audit, persons = nodes.score_populations(scored, people, folds, measured, coverage, EvaluationParameters())
    assert schemas.population_scores.validate(within).empty
    assert schemas.population_audit.validate(audit).empty
    assert schemas.person_scores.validate(persons).empty
    scores = score_genes(build_two(), genes_of(build_two())).assign(weights=None)
    unknown = pd.DataFrame({"gene_id": scores["gene_id"].unique(), "cis_window": 48_000, "h2": np.nan, "se": np.nan})
    figures = nodes.plot_comparisons(scores, *compared(build_two()), within, unknown)
    assert "No population has enough people" in figures[2].layout.annotations[0].text
    assert "No gene has an estimate" in figures[3].layout.annotations[0].text
    known = nodes.plot_comparisons(scores, *compared(build_two()), within, unknown.assign(h2=0.25))[3]
    assert [trace.name for trace in known.data[:2]] == ["Stack", "Elastic net"]
    assert known.data[0].x == (0.5, 0.5)


def build_two() -> pd.DataFrame:
    return build_scored(np.random.default_rng(2), {"elastic_net": 0.3, "stack": 0.4}, n_genes=2, seeds=(1,))


def compared(scored: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    scores = score_genes(scored, genes_of(scored))
    return nodes.compare_models(scores, scored, genes_of(scored), EvaluationParameters(permutations=20))[:2]
