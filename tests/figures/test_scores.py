from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.figures.scores import plot_model_against_model, plot_scores_by_model
from haploformer.figures.style import MODEL_COLOURS, TEMPLATE


def scores_of(tables, model):
    return tables.gene_scores[tables.gene_scores["model"] == model]


def test_plot_scores_by_model__has_a_box_with_the_r_of_every_gene(tables):
    figure = plot_scores_by_model(tables.gene_scores)
    boxes = [trace for trace in figure.data if trace.type == "box"]
    assert [box.name for box in boxes] == ["Enformer", "Enformer, all tracks", "Top SNP", "Elastic net", "Stack"]
    for position, (model, box) in enumerate(
        zip(["enformer", "enformer_all_tracks", "top_snp", "elastic_net", "stack"], boxes, strict=True)
    ):
        np.testing.assert_array_equal(box.y, scores_of(tables, model)["pearson_r"])
        assert list(box.customdata) == scores_of(tables, model)["gene_name"].tolist()
        assert set(box.x) == {position}
        assert box.marker.color == MODEL_COLOURS[model]


def test_plot_scores_by_model__marks_the_mean_over_genes(tables):
    figure = plot_scores_by_model(tables.gene_scores)
    means = figure.data[-1]
    expected = [
        scores_of(tables, model)["pearson_r"].mean()
        for model in ("enformer", "enformer_all_tracks", "top_snp", "elastic_net", "stack")
    ]
    assert means.name == "mean over genes"
    np.testing.assert_allclose(means.y, expected, rtol=1e-12)
    assert figure.layout.xaxis.ticktext[4] == f"Stack<br>mean {expected[4]:.3f}"
    assert figure.layout.yaxis.zeroline


def test_plot_scores_by_model__does_not_depend_on_the_order_of_rows(tables):
    shuffled = tables.gene_scores.sample(frac=1, random_state=1)
    assert [trace.name for trace in plot_scores_by_model(shuffled).data] == [
        trace.name for trace in plot_scores_by_model(tables.gene_scores).data
    ]


def test_plot_scores_by_model__draws_the_known_answer_behind_its_models_only(tables):
    assert not plot_scores_by_model(tables.gene_scores).layout.shapes
    figure = plot_scores_by_model(tables.gene_scores, known_answer_check=tables.known_answer_check)
    intervals = {round((shape.x0 + shape.x1) / 2): (shape.y0, shape.y1) for shape in figure.layout.shapes}
    assert intervals == {0: (0.30, 0.45), 2: (0.18, 0.30), 3: (0.22, 0.34)}


def test_plot_scores_by_model__leaves_out_an_answer_about_another_quantity(tables):
    other = tables.known_answer_check.assign(quantity="median_pearson_r")
    assert not plot_scores_by_model(tables.gene_scores, known_answer_check=other).layout.shapes


def test_plot_scores_by_model__names_a_missing_column(tables):
    with pytest.raises(ValueError, match="gene_scores has no column gene_name"):
        plot_scores_by_model(tables.gene_scores.drop(columns="gene_name"))


def test_plot_scores_by_model__uses_the_one_template(tables):
    layout = plot_scores_by_model(tables.gene_scores).layout
    assert layout.template == TEMPLATE
    assert layout.title.text is None


def test_plot_model_against_model__holds_each_gene_once_with_both_scores(tables):
    figure = plot_model_against_model(tables.gene_scores, x="elastic_net", y="stack")
    drawn = {
        name: (x, y) for trace in figure.data for name, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    }
    wide = tables.gene_scores.pivot(index="gene_name", columns="model", values="pearson_r")
    assert drawn == {name: (row["elastic_net"], row["stack"]) for name, row in wide.iterrows()}
    n_higher = int((wide["stack"] > wide["elastic_net"]).sum())
    assert [trace.name for trace in figure.data] == [
        f"higher by Stack: {n_higher} genes",
        f"higher by Elastic net: {24 - n_higher} genes",
    ]
    assert all(y > x for x, y in zip(figure.data[0].x, figure.data[0].y, strict=True))


def test_plot_model_against_model__counts_the_genes_that_one_model_lacks(tables):
    scores = tables.gene_scores
    first = scores["gene_id"].iloc[0]
    figure = plot_model_against_model(
        scores[~((scores["gene_id"] == first) & (scores["model"] == "stack"))], x="elastic_net", y="stack"
    )
    assert sum(len(trace.x) for trace in figure.data) == 23
    assert "1 gene scored by only one of the two" in figure.layout.xaxis.title.text


def test_plot_model_against_model__names_an_unknown_model(tables):
    with pytest.raises(ValueError, match="no model blup; it has enformer,"):
        plot_model_against_model(tables.gene_scores, x="blup", y="stack")


def test_plot_model_against_model__shows_equal_genes_apart():
    scores = pd.DataFrame(
        {
            "gene_id": ["g1", "g2", "g1", "g2"],
            "gene_name": ["A", "B", "A", "B"],
            "model": ["prs", "prs", "stack", "stack"],
            "pearson_r": [0.0, 0.1, 0.0, 0.3],
        }
    )
    figure = plot_model_against_model(scores, x="prs", y="stack")
    assert [trace.name for trace in figure.data] == [
        "higher by Stack: 1 gene",
        "higher by PRS: 0 genes",
        "equal: 1 gene",
    ]
