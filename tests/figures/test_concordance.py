"""Figures and pages of concordance and of linear weights: every number of the tables is in them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from haploformer.figures import (
    ComparedTable,
    build_concordance_page,
    build_linear_page,
    build_sizes_page,
    plot_concordance_by_distance,
    plot_effect_against_slope,
    plot_faithfulness,
    plot_roc,
    plot_sizes,
)
from haploformer.figures.concordance import distance_label, roc_points
from tests.figures.test_effects import ATTRIBUTES

COMPARED = ComparedTable(
    title="Effects <beside> eQTLs",
    heading="Effect against slope",
    source="a<b>.txt",
    form="QTLtools",
    effect="log2 fold change",
    null="swapped",
    summary="50.0 % of the rows inside the windows matched (4 of 8; 9 rows in all)",
)
AUDIT = pd.DataFrame(
    [("select", "left out", "another tissue", 0), ("compare", "used", "gene and variant with both", 4)],
    columns=["step", "outcome", "reason", "count"],
)


def pair_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gene_id": ["g<1>", "g<1>", "h", "h"],
            "variant_id": ["v<b>", "w", "v<b>", "x"],
            "contig": "22",
            "pos": [5, 6, 5, 7],
            "ref": "A",
            "alt": "G",
            "tss_distance": [10, -20, 300, 4],
            "maf": [0.1, 0.2, 0.1, np.nan],
            "effect": [0.5, -0.25, 1.0, 0.0],
            "slope": [0.1, 0.2, 0.3, 0.4],
            "pvalue": [1e-9, 0.5, 1e-5, np.nan],
        }
    )


def concordance_table() -> pd.DataFrame:
    rows = []
    for statistic in ("sign_concordance", "spearman", "auroc"):
        rows.append((statistic, np.nan, np.nan, 40, 2, 0.7, 0.5, 0.05, 0.001))
        rows.append((statistic, 0.0, 1000.0, 0, 0, np.nan, np.nan, np.nan, np.nan))
        rows.append((statistic, 1000.0, 10000.0, 20, 1, 0.6, 0.5, 0.1, 0.3))
    columns = ["statistic", "low", "high", "n", "n_left_out", "value", "null_mean", "null_sd", "p_value"]
    return pd.DataFrame(rows, columns=columns)


def matched_table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    is_case = np.arange(60) % 3 == 0
    return pd.DataFrame({"is_case": is_case, "effect": (rng.normal(size=60) + is_case).round(1)})


def test_plot_effect_against_slope__every_pair_by_the_size_of_its_p_value():
    figure = plot_effect_against_slope(pair_table(), effect="log2 fold change")
    points = {trace.name: list(zip(trace.x, trace.y, strict=True)) for trace in figure.data}
    assert points == {
        "p over 1e-5": [(-0.25, 0.2)],
        "p not told": [(0.0, 0.4)],
        "p at most 1e-5": [(0.5, 0.1), (1.0, 0.3)],
    }
    assert "<b>" not in figure.to_json()
    assert len(plot_effect_against_slope(pair_table()[:0], effect="x").data) == 0


def test_plot_concordance_by_distance__values_and_the_band_of_the_null():
    figure = plot_concordance_by_distance(concordance_table())
    bars = [trace for trace in figure.data if trace.type == "bar"]
    points = [trace for trace in figure.data if trace.type == "scatter"]
    assert len(bars) == len(points) == 3
    for bar, point in zip(bars, points, strict=True):
        assert list(point.y) == [0.7, None, 0.6]
        assert list(bar.base) == pytest.approx([0.5 - 1.96 * 0.05, None, 0.5 - 1.96 * 0.1])
        assert list(bar.y) == pytest.approx([2 * 1.96 * 0.05, None, 2 * 1.96 * 0.1])
        assert list(point.x) == list(bar.x) == ["all", "0\N{EN DASH}1 kb", "1\N{EN DASH}10 kb"]
    assert json.loads(figure.to_json())["layout"]["xaxis"]["ticktext"][2].endswith("n = 20")
    wide = plot_concordance_by_distance(concordance_table().assign(null_sd=0.4)).data
    assert [(trace.base[0], trace.base[0] + trace.y[0]) for trace in wide if trace.type == "bar"] == [
        (0.0, 1.0),
        (pytest.approx(0.5 - 1.96 * 0.4), 1.0),
        (0.0, 1.0),
    ]
    nothing = concordance_table().assign(value=np.nan)
    assert len(plot_concordance_by_distance(nothing).data) == 0


@pytest.mark.parametrize(
    ("low", "high", "label"),
    [(0, 500, "0\N{EN DASH}500 bp"), (500, 1500, "0.5\N{EN DASH}1.5 kb"), (np.nan, np.nan, "all")],
)
def test_distance_label__bases_or_kilobases(low, high, label):
    assert distance_label(low, high) == label


def test_roc_points__the_area_is_the_auroc_and_ties_are_one_step():
    table = matched_table()
    x, y = roc_points(table["effect"].abs().to_numpy(), table["is_case"].to_numpy())
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(table["is_case"], table["effect"].abs()))
    assert len(x) == table["effect"].abs().nunique() + 1
    figure = plot_roc(table)
    assert list(figure.data[0].x) == x.tolist()
    assert len(plot_roc(table[~table["is_case"]]).data) == 0


def test_plot_sizes__both_sides_of_each_gene():
    sizes = pd.DataFrame({"gene_id": ["a", "b"], "gene_name": ["A", "<B>"], "ours": [0.2, 0.5], "theirs": [0.4, 0.1]})
    figure = plot_sizes(sizes)
    assert list(zip(figure.data[0].x, figure.data[0].y, strict=True)) == [(0.4, 0.2), (0.1, 0.5)]
    assert list(figure.data[0].text) == ["A", "&lt;B&gt;"]
    page = build_sizes_page(sizes, pearson_r=np.nan, spearman_r=np.nan, n_only_ours=2, n_only_theirs=3, scan="9 people")
    assert "50.0 % of our genes are in the other table (2 of 4)" in page
    assert "&lt;B&gt;" in page
    assert "<B>" not in page
    assert len(plot_sizes(sizes[:0]).data) == 0


def faithfulness() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gene_id": ["a", "b", "c"],
            "gene_name": ["A", "<B>", "C"],
            "n": 9,
            "n_variants": [3, 4, 0],
            "r": [0.95, -0.2, np.nan],
            "slope": [1.0, -1.0, np.nan],
            "largest_difference": [0.1, 3.0, np.nan],
            "faithful": [True, False, False],
        }
    )


def test_plot_faithfulness__marked_genes_apart_and_nobody_cut_off():
    figure = plot_faithfulness(faithfulness(), floor=0.9)
    assert {trace.name: list(trace.y) for trace in figure.data} == {"faithful": [0.95], "marked": [-0.2]}
    low, high = figure.layout.yaxis.range
    assert low < -0.2
    assert high > 1
    assert len(plot_faithfulness(faithfulness()[2:], floor=0.9).data) == 0


def test_build_linear_page__says_how_many_genes_are_faithful():
    audit = pd.DataFrame(
        [("a", "kept", "with a weight", 3), ("b", "kept", "with a weight", 4), ("b", "dropped", "weight 0", 0)],
        columns=["gene_id", "outcome", "reason", "count"],
    )
    page = build_linear_page(
        faithfulness(), audit, ATTRIBUTES, form="additive", floor=0.9, panel="cohort", build="GRCh37"
    )
    assert "1 of 3 genes are faithful (r of 0.9 or more); the others are marked. The median r is 0.375." in page
    assert page.count(">marked<") == 2
    assert "the same in everybody: 1." in page
    assert "weight 0" not in page
    assert "<B>" not in page
    assert "untrained" in page


def test_build_concordance_page__harmonisation_first_and_names_are_data():
    page = build_concordance_page(
        COMPARED, pair_table(), concordance_table(), matched_table(), AUDIT, attributes=ATTRIBUTES
    )
    order = ["50.0 % of the rows", "Sign concordance 0.700 of 40, 2 left out (null 0.500, sd 0.050; p = 0.001)"]
    order += ['id="harmonisation"', 'id="concordance"', 'id="figures"', 'id="rows"']
    places = [page.index(text) for text in order]
    assert places == sorted(places)
    assert page.count('type="application/json"') == 3
    assert "another tissue" not in page
    for raw in ("a<b>", "v<b>", "g<1>", "<beside>"):
        assert raw not in page.split("<script>")[0]
    bare = build_concordance_page(COMPARED, pair_table()[:0], concordance_table(), matched_table()[:0], AUDIT)
    assert 'id="rows"' not in bare
    assert bare.count('type="application/json"') == 2
    assert "untrained" not in bare
