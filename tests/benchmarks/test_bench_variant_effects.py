"""The measurement of a variant's effect, in its smallest size: what it times is right."""

from __future__ import annotations

import json

from benchmarks.bench_variant_effects import main


def test_main__effects_equal_those_of_the_plain_forward(capsys):
    main(["--preset", "tiny", "--variants", "12", "--rounds", "2"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["variants"], result["windows"]) == (12, 13)
    assert result["rel_error_effect_exact"] < 2e-3
    assert result["rel_error_effect_delta"] < 0.05
    assert result["speedup_variant_effects"] > 1
