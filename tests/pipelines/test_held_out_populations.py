"""Models without a population: nothing of it is trained on, and the page says what is left of r."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.evaluation.metrics import pearson
from haploformer.figures import StudyConditions, plot_populations
from haploformer.figures.population_page import build_population_page, population_headlines
from haploformer.parameters import ExpressionParameters
from haploformer.pipeline_registry import register_pipelines
from haploformer.pipelines.evaluation import nodes
from haploformer.predicted_expression import out_of_fold_rows, zero_shot_rows
from haploformer.summary_text import describe_populations
from tests.builders.dosages import deal_folds
from tests.builders.stored_facts import STORED_FACTS

N, GENES = 60, ["G1", "G2", "G3"]
PEOPLE = [f"P{i:02d}" for i in range(N)]
ATTRIBUTES = STORED_FACTS | {"bins": [43, 44], "tracks": [1, 2, 3], "weights": "untrained"}


def test_pipeline__every_fit_reads_the_folds_without_a_population() -> None:
    made = register_pipelines()["held_out_populations"]
    readers = {node.name for node in made.nodes if "person_folds" in node.inputs}
    assert readers == {"hold_out_populations", "share_stack"}  # the latter weighs the cohort's own models
    fits = {node.name for node in made.nodes if "population_folds" in node.inputs}
    assert {
        "fit_dosage_models",
        "fit_structure_models",
        "fit_stack_without_population",
        "share_stack_without_population",
    } <= fits
    # Nothing of the cohort's own run is replaced.
    cohort = register_pipelines()["__default__"].all_outputs()
    assert made.all_outputs() & cohort == {"gathered_predictions", "gathered_inner_predictions"}
    assert {"cis_windows", "enformer_summaries"} <= made.inputs()
    without = next(node for node in made.nodes if node.name == "share_stack_without_population")
    assert without.outputs == ["held_out_shared_stack_scores", "held_out_shared_stack_weights"]
    assert {"held_out_gathered_predictions", "held_out_gathered_inner_predictions"} <= set(without.inputs)
    gathered = [node for node in made.nodes if set(node.outputs) & set(without.inputs)]
    of_people = {name for node in gathered for name in node.inputs if "elastic_net" in name}
    assert of_people == {"held_out_predicted_expression_elastic_net", "held_out_inner_predictions_elastic_net"}


@pytest.fixture(scope="module")
def study() -> dict[str, pd.DataFrame]:
    """Two held-out populations; a fitted model predicts each with the sign turned, Enformer is half right."""
    rng = np.random.default_rng(1)
    measured = {gene: rng.normal(size=N) for gene in GENES}
    of_person = np.array(["A"] * 30 + ["B"] * 30)
    folds = deal_folds(rng, N, 4)
    parts, fitted = [], []
    for seed, population in enumerate("AB"):
        held_out = of_person == population
        fold = np.where(held_out, 4, folds)
        table = pd.DataFrame({"individual_id": PEOPLE, "fold_seed": seed, "fold": fold})
        parts.append(table.assign(population=population, held_out=held_out))
        right = {
            gene: np.where(held_out, -values, values) + 0.5 * rng.normal(size=N) for gene, values in measured.items()
        }
        fitted.append(out_of_fold_rows(right, PEOPLE, fold, model="elastic_net", fold_seed=seed))
    half = np.concatenate([5 + 0.01 * (values + rng.normal(size=N)) for values in measured.values()])
    enformer = zero_shot_rows(np.repeat(GENES, N).tolist(), PEOPLE * 3, half, model="enformer")
    expression = pd.concat(
        [pd.DataFrame({"gene_id": g, "individual_id": PEOPLE, "expression": v}) for g, v in measured.items()]
    )
    genes = pd.DataFrame({"gene_id": GENES, "gene_name": GENES})
    covariates = pd.DataFrame({"individual_id": [], "covariate": [], "value": []})
    folds_table = schemas.population_folds.validate(pd.concat(parts, ignore_index=True))
    nothing = enformer.iloc[:0]
    scores = nodes.score_held_out_populations(
        enformer,
        *[nothing] * 6,
        pd.concat(fitted),
        nothing,
        nothing,
        expression,
        covariates,
        folds_table,
        ExpressionParameters(),
        genes,
    )
    return {"scores": scores, "fitted": pd.concat(fitted), "expression": expression, "folds": folds_table}


def test_score_held_out_populations__scores_the_people_who_were_not_trained_on(study) -> None:
    scores = schemas.population_scores.validate(study["scores"])
    assert set(scores["design"]) == {"held out"}
    assert scores.groupby(["model", "population"]).size().tolist() == [3] * 4
    means = scores.groupby("model")["pearson_r"].mean()
    assert means["elastic_net"] < -0.8  # with people of the other folds it would be above 0
    assert means["enformer"] > 0.5
    people = study["folds"].query("population == 'B' and held_out")["individual_id"].tolist()
    rows = study["fitted"].query("gene_id == 'G2' and fold_seed == 1").set_index("individual_id")
    measured = study["expression"].query("gene_id == 'G2'").set_index("individual_id")["expression"]
    expected = pearson(rows.loc[people, "predicted_expression"].to_numpy(), measured[people].to_numpy())
    found = scores.query("gene_id == 'G2' and population == 'B' and model == 'elastic_net'")["pearson_r"].item()
    assert found == pytest.approx(float(expected))


def test_build_population_page__says_the_means_of_the_table(study) -> None:
    seen = study["scores"].assign(design="seen", pearson_r=study["scores"]["pearson_r"] / 2)
    both = pd.concat([seen, study["scores"]], ignore_index=True)
    means = study["scores"].groupby(["population", "model"])["pearson_r"].mean()
    first = population_headlines(both)[0]
    told = [
        means["A", "enformer"],
        means["A", "enformer"] / 2,
        means["A", "elastic_net"],
        means["A", "elastic_net"] / 2,
    ]
    assert re.findall(r"-?\d\.\d+", first) == [f"{value:.3f}" for value in told]
    cells = pd.DataFrame(
        [("enformer", "unseen", "unseen", 3, 0.5, "<b>fitted</b>")],
        columns=["model", "genes", "people", "n_genes", "mean_pearson_r", "remark"],
    )
    conditions = StudyConditions(
        *(60, 4, (0, 1), 16_384, (48_000,), "CAGE:demo*", 2, 3, 2, "untrained", ("elastic_net", "enformer"))
    )
    page = build_population_page(both, cells, plot_populations(both), ATTRIBUTES, conditions)
    assert "&lt;b&gt;fitted&lt;/b&gt;" in page
    assert "Filled: trained on all populations (60 people, 4 folds by person, fold seeds 0, 1)." in page
    assert "Elastic net: variants in a cis window of 48,000 bases round the TSS." in page
    assert "Enformer: the mean of 2 tracks (CAGE:demo*). Enformer&#39;s weights: untrained." in page
    assert "Enformer&#39;s weights are untrained" in page


def test_describe_populations__a_row_for_each_model(study) -> None:
    gene_scores = pd.DataFrame({"model": ["enformer", "elastic_net"], "weights": ["untrained", None]})
    lines = describe_populations(study["scores"], gene_scores).split("\n")
    means = study["scores"].groupby(["model", "population"])["pearson_r"].mean()
    assert lines[1].split() == ["enformer", "untrained", *(f"{means['enformer', p]:.3f}" for p in "AB")]
    assert lines[2].split() == ["elastic_net", *(f"{means['elastic_net', p]:.3f}" for p in "AB")]
