from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.figures.predictions import (
    MEASURED_AXIS,
    PREDICTED_AXIS,
    best_and_median_genes,
    plot_predicted_against_measured,
)


def ranked_scores(values):
    return pd.DataFrame(
        {
            "gene_id": [f"g{i}" for i in range(len(values))] * 2,
            "model": ["stack"] * len(values) + ["prs"] * len(values),
            "pearson_r": [*values, *reversed(values)],
        }
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1, 0.5, -0.2], ("g1", "g0")),
        ([0.1, 0.5, -0.2, 0.3], ("g1", "g0")),  # of 0.1 and 0.3, the lower
        ([0.2, 0.2, 0.2], ("g0", "g1")),  # equal: by id
        ([0.2], ("g0", "g0")),
    ],
)
def test_best_and_median_genes__picks_by_r_of_the_given_model(values, expected):
    assert best_and_median_genes(ranked_scores(values), model="stack") == expected


def test_best_and_median_genes__depends_on_the_model():
    scores = ranked_scores([0.1, 0.5, 0.3])
    assert best_and_median_genes(scores, model="prs") == ("g1", "g0")
    assert best_and_median_genes(ranked_scores([0.9, 0.5, 0.1]), model="prs") == ("g2", "g1")


def test_best_and_median_genes__refuses_an_unknown_model():
    with pytest.raises(ValueError, match="no model blup; it has prs, stack"):
        best_and_median_genes(ranked_scores([0.1]), model="blup")


def test_plot_predicted_against_measured__panels_show_the_within_fold_r(tables):
    figure = plot_predicted_against_measured(tables.scored_predictions, tables.gene_scores, model="stack")
    best, median = best_and_median_genes(tables.gene_scores, model="stack")
    models = ["enformer", "enformer_all_tracks", "top_snp", "elastic_net", "stack"]
    assert len(figure.data) == 10
    for trace, (gene, model) in zip(
        figure.data, [(gene, model) for gene in (best, median) for model in models], strict=True
    ):
        scored = tables.scored_predictions
        points = scored[(scored["gene_id"] == gene) & (scored["model"] == model) & (scored["fold_seed"] == 0)]
        within = [np.corrcoef(fold["measured"], fold["predicted"])[0, 1] for _, fold in points.groupby("fold")]
        assert list(trace.customdata) == points["individual_id"].tolist()
        # folds of 30 each: the mean product of the z scores is the mean of the folds' r
        assert np.mean(np.multiply(trace.x, trace.y)) == pytest.approx(np.mean(within))


def test_plot_predicted_against_measured__titles_hold_the_gene_and_its_r(tables):
    figure = plot_predicted_against_measured(tables.scored_predictions, tables.gene_scores, model="stack")
    texts = [annotation.text for annotation in figure.layout.annotations]
    best, median = best_and_median_genes(tables.gene_scores, model="stack")
    scores = tables.gene_scores.set_index(["gene_id", "model"])
    assert texts[4] == f"Stack<br>r = {scores.loc[(best, 'stack'), 'pearson_r']:.3f}"
    assert texts[9] == f"Stack<br>r = {scores.loc[(median, 'stack'), 'pearson_r']:.3f}"
    assert f"<b>{scores.loc[(best, 'stack'), 'gene_name']}</b>: the best gene of Stack" in texts
    assert f"<b>{scores.loc[(median, 'stack'), 'gene_name']}</b>: the median gene of Stack" in texts
    assert MEASURED_AXIS in texts
    assert PREDICTED_AXIS in texts
    assert "SD" in MEASURED_AXIS
    assert "SD" in PREDICTED_AXIS


def test_plot_predicted_against_measured__says_that_a_prediction_is_constant(tables):
    last = tables.genes["gene_id"].iloc[-1]
    figure = plot_predicted_against_measured(tables.scored_predictions, tables.gene_scores, model="stack", genes=[last])
    assert figure.layout.annotations[3].text == "Elastic net<br>r = 0.000, constant"
    assert set(figure.data[3].y) == {0.0}


def test_plot_predicted_against_measured__colours_people_by_population(tables):
    figure = plot_predicted_against_measured(
        tables.scored_predictions, tables.gene_scores, model="stack", individuals=tables.individuals
    )
    population = tables.individuals.set_index("individual_id")["population"]
    assert len(figure.data) == 20
    assert [trace.name for trace in figure.data if trace.showlegend] == ["AFR", "EUR"]
    for trace in figure.data:
        assert set(population[list(trace.customdata)]) == {trace.name}
    colours = {(trace.name, trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len(colours) == 2


def test_plot_predicted_against_measured__keeps_people_without_a_population(tables):
    some = tables.individuals.copy()
    some.loc[some.index[:10], "population"] = None
    figure = plot_predicted_against_measured(
        tables.scored_predictions, tables.gene_scores, model="stack", individuals=some
    )
    people = {trace.name: len(trace.x) for trace in figure.data[:3]}
    assert people["not given"] == 10
    assert sum(people.values()) == 150
    nobody = tables.individuals.assign(population=None)
    figure = plot_predicted_against_measured(
        tables.scored_predictions, tables.gene_scores, model="stack", individuals=nobody
    )
    assert [len(trace.x) for trace in figure.data] == [150] * 10


def test_plot_predicted_against_measured__refuses_a_gene_without_score(tables):
    with pytest.raises(ValueError, match=r"1 of 1 genes have no score \(first: nothing\)"):
        plot_predicted_against_measured(tables.scored_predictions, tables.gene_scores, model="stack", genes=["nothing"])
