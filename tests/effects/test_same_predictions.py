"""Effects and people's predictions of one model, or not."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.effects.same_predictions import require_same_model, require_same_predictions
from haploformer.errors import InputError
from tests.effects.test_linear_cohort import effect_table

EFFECTS = pd.concat([effect_table("g", 2.0, [2.5, 1.0, 2.0]), effect_table("h", 1.0, [1.0, 1.0, 3.0])])
SUMMARIES = pd.DataFrame(
    {"gene_id": ["g", "h"] * 2, "individual_id": ["p"] * 2 + ["q"] * 2, "summary": "tissue_mean", "personal": 5.0}
).assign(reference=[2.0, 1.0] * 2)


def test_require_same_model__another_window():
    ours = {"weights_sha256": "a", "geometry": {"window": 5}, "bins": [1, 2]}
    require_same_model(ours, dict(ours))
    with pytest.raises(InputError, match="geometry is"):
        require_same_model(ours, ours | {"geometry": {"window": 6}})


def test_require_same_predictions__the_reference_tells():
    require_same_predictions(EFFECTS, SUMMARIES)
    with pytest.raises(
        InputError, match=r"reference of gene h has coverage 1 \(tissue_mean\) there and 1\.01 in people"
    ):
        require_same_predictions(EFFECTS, SUMMARIES.assign(reference=[2.0, 1.01] * 2))
    with pytest.raises(InputError, match="no gene of it was predicted of people"):
        require_same_predictions(EFFECTS, SUMMARIES.assign(gene_id="z"))
