from __future__ import annotations

import pytest

from haploformer.figures.style import (
    MODEL_COLOURS,
    model_colours,
    model_label,
    order_models,
    plain_text,
    three_decimals,
)


def test_model_colours__are_fixed_for_the_known_models_and_never_shared():
    assert model_colours(["stack", "enformer"]) == {"enformer": "#0072b2", "stack": "#d55e00"}
    every = model_colours([*MODEL_COLOURS, "mine", "yours"])
    assert len(set(every.values())) == len(every)
    assert {model: every[model] for model in MODEL_COLOURS} == MODEL_COLOURS
    near, wide = (model_colours(["prs", "blup", "stack", "prs_1mb"])[name] for name in ("prs", "prs_1mb"))
    assert (near, wide) == ("#cc79a7", "#88506f")


def test_order_models__puts_unknown_models_last_by_name():
    assert order_models(["zebra", "stack", "apple", "enformer"]) == ["enformer", "stack", "apple", "zebra"]
    assert order_models(["blup", "top_snp_1mb", "top_snp"]) == ["top_snp", "top_snp_1mb", "blup"]


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("prs", "PRS"),
        ("genotype_pcs", "Genotype PCs"),
        ("elastic_net_1mb", "Elastic net, 1 Mb"),
        ("blup_250kb", "BLUP, 250 kb"),
        ("top_snp_150001bp (mine)", "Top SNP, 150001 bp (mine)"),
        ("stack (untrained)", "Stack (untrained)"),
        ("theirs_1mb", "theirs_1mb"),
    ],
)
def test_model_label__says_the_reach_of_a_wide_window(model, label):
    assert model_label(model) == label


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.0004, "0.000"), (-0.0, "0.000"), (0.12345, "0.123"), (-0.0006, "-0.001")]
)
def test_three_decimals__has_no_negative_zero(value, expected):
    assert three_decimals(value) == expected


def test_plain_text__leaves_no_markup_for_plotly():
    assert plain_text('<a href="x">&') == '&lt;a href="x"&gt;&amp;'
