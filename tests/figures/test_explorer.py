from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import pytest

from haploformer.evaluation.metrics import within_fold_r
from haploformer.figures.explorer import explore_predictions
from haploformer.figures.predictions import best_and_median_genes


def decode(values, name, *shape):
    """What a page's script reads, in SDs."""
    whole = np.frombuffer(base64.b64decode(values[name]), dtype="<i2")
    return whole.reshape(*shape, len(values["people"])) / values["steps"]


@pytest.fixture(scope="module")
def explorer(tables):
    return explore_predictions(
        tables.scored_predictions, tables.gene_scores, model="stack", individuals=tables.individuals
    )


def test_explore_predictions__holds_every_gene_model_and_person(tables, explorer):
    values = explorer.values
    assert [key for key, _ in explorer.models] == ["enformer", "enformer_all_tracks", "top_snp", "elastic_net", "stack"]
    assert [name for _, name in explorer.genes] == sorted(tables.genes["gene_name"])
    assert values["people"] == tables.individuals["individual_id"].tolist()
    assert explorer.gene == best_and_median_genes(tables.gene_scores, model="stack")[0]
    assert explorer.model == "stack"
    population = tables.individuals["population"]
    assert [set(population[group]) for group in values["groups"]] == [{"AFR"}, {"EUR"}]
    assert sorted(np.concatenate(values["folds"])) == list(range(150))


def test_explore_predictions__r_of_what_is_shown_is_that_of_the_first_fold_seed(tables, explorer):
    values = explorer.values
    predicted, measured = decode(values, "predicted", 5, 24), decode(values, "measured", 24)
    folds = np.empty(150, dtype=np.int64)
    for fold, people in enumerate(values["folds"]):
        folds[people] = fold
    scored = tables.scored_predictions.query("fold_seed == 0")
    genes = [key for key, _ in explorer.genes]
    for i, (model, _) in enumerate(explorer.models):
        rows = scored[scored["model"] == model]
        sides = [
            rows.pivot(index="gene_id", columns="individual_id", values=name).loc[genes, values["people"]]
            for name in ("predicted", "measured")
        ]
        fold = rows.drop_duplicates("individual_id").set_index("individual_id")["fold"].loc[values["people"]]
        exact = within_fold_r(*(side.to_numpy() for side in sides), fold.to_numpy()).pearson
        np.testing.assert_allclose(within_fold_r(predicted[i], measured, folds).pearson, exact, atol=2e-4)
    mean = tables.gene_scores.set_index(["model", "gene_id"])["pearson_r"]
    assert values["mean_r"][4][2] == pytest.approx(mean["stack", genes[2]], abs=5e-5)


def test_explore_predictions__a_constant_prediction_lies_at_zero(tables, explorer):
    last = [key for key, _ in explorer.genes].index(tables.genes["gene_id"].iloc[-1])
    assert not decode(explorer.values, "predicted", 5, 24)[3, last].any()


def test_explore_predictions__the_figure_itself_holds_no_point(tables, explorer):
    assert [trace.name for trace in explorer.figure.data] == ["AFR", "EUR"]
    assert [len(trace.x) for trace in explorer.figure.data] == [0, 0]
    assert explorer.values["colours"] is None
    alike = explore_predictions(tables.scored_predictions, tables.gene_scores, model="stack")
    assert len(alike.figure.data) == 1
    assert len(set(alike.values["colours"])) == 5


def test_explore_predictions__genes_of_one_name_are_told_apart_by_id(tables):
    scores = tables.gene_scores.copy()
    first, second = tables.genes["gene_id"][:2]
    scores.loc[scores["gene_id"] == first, "gene_name"] = tables.genes["gene_name"].iloc[1]
    names = dict(explore_predictions(tables.scored_predictions, scores, model="stack").genes)
    assert names[first] == f"CLTCL1, {first}"
    assert names[second] == f"CLTCL1, {second}"
    assert names[tables.genes["gene_id"].iloc[2]] == "SNAP29"


def test_explore_predictions__an_outlier_does_not_overflow_its_sixteen_bits():
    people, n = [f"P{i}" for i in range(8_000)], 8_000
    values = np.zeros(n)
    values[0] = 1.0  # 89 SDs
    scored = pd.DataFrame({"gene_id": "g", "individual_id": people, "model": "m", "fold_seed": 0, "fold": 0})
    scores = pd.DataFrame({"gene_id": ["g"], "gene_name": "G", "model": "m", "pearson_r": 1.0, "n_fold_seeds": 1})
    shown = explore_predictions(scored.assign(measured=values, predicted=values), scores, model="m").values
    assert decode(shown, "predicted", 1, 1)[0, 0, 0] == pytest.approx(np.sqrt(n - 1), rel=1e-3)


def test_explore_predictions__refuses_a_hole(tables):
    scored = tables.scored_predictions.drop(index=0)
    with pytest.raises(ValueError, match=r"lacks people of gene ENSG\d+ by enformer in the first fold seed"):
        explore_predictions(scored, tables.gene_scores, model="stack")


def test_explore_predictions__a_chromosome_of_genes_takes_a_few_megabytes():
    rng = np.random.default_rng(0)
    genes, people, models = 364, 343, [f"m{i}" for i in range(8)]
    place = pd.MultiIndex.from_product(
        [models, [f"g{i}" for i in range(genes)], [f"P{i}" for i in range(people)]],
        names=["model", "gene_id", "individual_id"],
    )
    fold = np.tile(np.arange(people) % 5, genes * len(models))
    scored = place.to_frame(index=False).assign(fold_seed=0, fold=fold)
    scored["measured"], scored["predicted"] = rng.normal(size=(2, len(scored)))
    scores = scored[["model", "gene_id"]].drop_duplicates()
    scores = scores.assign(gene_name=scores["gene_id"], pearson_r=0.0, n_fold_seeds=5)
    size = len(json.dumps(explore_predictions(scored, scores, model="m0").values))
    assert size < 3.2e6
