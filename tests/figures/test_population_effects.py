"""Figures and page of two groups of people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.figures import (
    PopulationContent,
    build_population_effects_page,
    plot_contributions,
    plot_frequency_effects,
    plot_population_means,
)
from haploformer.figures import population_effects as population_module
from haploformer.figures.population_effects_page import describe_populations
from tests.figures.test_effects import ATTRIBUTES

EFFECTS = pd.DataFrame(
    [
        ("v1", 11, 0.4, 0.1, "shared", 0.5, 0.15),
        ("v2", 12, 0.2, 0.0, "private_first", -0.5, -0.1),
        ("v3", 13, 0.0, 0.0, "same", 2.0, 0.0),
        ("v4", 14, 0.3, np.nan, "uncalled", 1.0, np.nan),
    ],
    columns=["variant_id", "pos", "first_frequency", "second_frequency", "carried", "effect", "contribution"],
).assign(
    gene_id="g", gene_name="G<1>", summary="tissue_mean", contig="22", ref="A", alt="C", tss_distance=7, first="FIN",
    second="the others", rank=[1, 2, 3, 4], frequency_difference=lambda t: t["first_frequency"] - t["second_frequency"],
)  # fmt: skip
DIFFERENCES = pd.DataFrame(
    {
        "gene_id": ["g", "h"],
        "gene_name": ["G<1>", "H"],
        "summary": "tissue_mean",
        "first": "FIN",
        "second": "the others",
        "n_first": 6,
        "n_second": 8,
        "reference": [2.0, 4.0],
        "first_mean": [2.5, 4.0],
        "second_mean": [2.4, 4.4],
        "exact_difference": [0.1, -0.4],
        "log2_fold_change": [0.042, -0.111],
        "standardised_difference": [0.3, np.nan],
        "additive_difference": [0.05, -0.4],
        "shared": [0.15, -0.4],
        "private_first": [-0.1, 0.0],
        "private_second": 0.0,
        "fixed": 0.0,
        "background": [0.05, 0.0],
        "driver": ["v1", None],
        "driver_contribution": [0.15, np.nan],
    }
)
PEOPLE = pd.DataFrame(
    {
        "individual_id": [f"person{i}" for i in range(16)],
        "population": ["FIN"] * 6 + ["TSI"] * 6 + ["GBR"] * 2 + [None] * 2,
    }
)
SUMMARIES = pd.DataFrame(
    [
        (gene, person, summary, float(i) + (gene == "h"))
        for gene in ("g", "h")
        for summary in ("tissue_mean", "all_tracks_mean")
        for i, person in enumerate(PEOPLE["individual_id"])
    ],
    columns=["gene_id", "individual_id", "summary", "personal"],
)


def test_plot_frequency_effects__one_point_per_variant_that_differs():
    figure = plot_frequency_effects(EFFECTS)
    drawn = {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}
    assert drawn == {
        "both alleles in both groups": ([pytest.approx(0.3)], [0.5]),
        "an allele only in FIN": ([0.2], [-0.5]),
    }
    assert "G&lt;1&gt;" in figure.data[0].customdata[0]
    assert "No variant differs" in plot_frequency_effects(EFFECTS.tail(2)).layout.annotations[0].text


def test_plot_frequency_effects__those_that_add_most_of_many(monkeypatch):
    monkeypatch.setattr(population_module, "MAX_POINTS", 1)
    figure = plot_frequency_effects(EFFECTS)
    assert [y for trace in figure.data for y in trace.y] == [0.5]
    assert figure.layout.annotations[-1].text == "the 1 of 2 pairs that add most"


def test_plot_contributions__bars_add_up_to_the_exact_difference_in_percent():
    figure = plot_contributions(DIFFERENCES)
    assert list(figure.layout.yaxis.ticktext) == ["H", "G&lt;1&gt;"], "the largest log fold change first"
    bars = np.array([trace.x for trace in figure.data if trace.type == "bar"])
    exact = next(trace for trace in figure.data if trace.name == "exact difference")
    np.testing.assert_allclose(bars.sum(0), exact.x)
    np.testing.assert_allclose(exact.x, [-10.0, 5.0])
    added = next(trace for trace in figure.data if trace.name == "sum of effects")
    np.testing.assert_allclose(added.x, [-10.0, 2.5])
    assert "No gene" in plot_contributions(DIFFERENCES.head(0)).layout.annotations[0].text


def test_plot_population_means__boxes_of_populations_that_are_large_enough():
    figure, n_left_out = plot_population_means(SUMMARIES, PEOPLE, DIFFERENCES)
    assert n_left_out == 1
    assert [(box.name, box.median[0]) for box in figure.data] == [
        ("FIN", 3.5),
        ("TSI", 9.5),
        ("FIN", 2.5),
        ("TSI", 8.5),
    ]
    assert (figure.data[0].q1[0], figure.data[0].q3[0]) == (2.25, 4.75)
    assert figure.data[0].lowerfence[0] == pytest.approx(1.25)
    nobody, n_left_out = plot_population_means(SUMMARIES, PEOPLE.tail(4), DIFFERENCES)
    assert n_left_out == 1
    assert "No population has 5 people" in nobody.layout.annotations[0].text


def test_describe_populations__says_where_all_are_of_one_continent():
    assert describe_populations({"FIN": 92, "TSI": 88}).startswith(
        "The cohort's populations: FIN 92, TSI 88. All are European: "
    )
    assert describe_populations({"AFR": 78, "EUR": 77}) == "The cohort's populations: AFR 78, EUR 77."
    assert describe_populations({"FIN": 9, "YRI": 8}) == "The cohort's populations: FIN 9, YRI 8."


def test_build_population_effects_page__tells_groups_parts_and_variants():
    content = PopulationContent(EFFECTS, DIFFERENCES, SUMMARIES, PEOPLE)
    page = build_population_effects_page(content, ATTRIBUTES, tissue=[5110])
    assert "Predicted expression of FIN and of the others" in page
    assert "FIN 6, TSI 6, GBR 2. All are European" in page
    assert "6 people of FIN against 8 of the others." in page
    assert "The largest difference: H, log2 fold change -0.111, to which no variant adds anything." in page
    assert "carry 1.10, alleles of one group only 0.20, background 0.10." in page
    assert "Populations of fewer than 5 people have no box (1)." in page
    assert "22:11 A&gt;C" in page
    assert "G<1>" not in page
    assert "<dt>of these, both alleles in both groups</dt><dd>1</dd>" in page.replace("\n", "")
    assert page.index("v1") < page.index("v2")
    assert "person0" not in page
