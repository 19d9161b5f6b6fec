"""Expected scores: a draw is repeatable, draws differ, and they lie where the committed intervals are."""

from __future__ import annotations

import json

import pytest

from demo.known_answer import MODELS, Demo
from tests.conftest import DEMO


@pytest.mark.slow
def test_score__draws_are_repeatable_and_lie_round_the_committed_intervals(monkeypatch):
    monkeypatch.chdir(DEMO.parents[2])
    demo = Demo(DEMO)
    first, again, other = demo.score(0), demo.score(0), demo.score(1)
    assert first == again
    assert list(first) == list(MODELS)
    intervals = json.loads((DEMO / "known_answer.json").read_text())["mean_pearson_r"]
    for model, (low, high) in intervals.items():
        assert first[model] != other[model]
        # Two draws of the 200 behind the interval: at most 2 % of those lie outside, and none by its whole width.
        assert low - (high - low) < first[model] < high + (high - low)
        assert low - (high - low) < other[model] < high + (high - low)
