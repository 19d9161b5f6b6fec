from __future__ import annotations

import pytest

from haploformer.figures.style import MODEL_COLOURS, model_colours, order_models, plain_text, three_decimals


def test_model_colours__are_fixed_for_the_known_models_and_never_shared():
    assert model_colours(["stack", "enformer"]) == {"enformer": "#0072b2", "stack": "#d55e00"}
    every = model_colours([*MODEL_COLOURS, "mine", "yours"])
    assert len(set(every.values())) == len(every)
    assert {model: every[model] for model in MODEL_COLOURS} == MODEL_COLOURS


def test_order_models__puts_unknown_models_last_by_name():
    assert order_models(["zebra", "stack", "apple", "enformer"]) == ["enformer", "stack", "apple", "zebra"]


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.0004, "0.000"), (-0.0, "0.000"), (0.12345, "0.123"), (-0.0006, "-0.001")]
)
def test_three_decimals__has_no_negative_zero(value, expected):
    assert three_decimals(value) == expected


def test_plain_text__leaves_no_markup_for_plotly():
    assert plain_text('<a href="x">&') == '&lt;a href="x"&gt;&amp;'
