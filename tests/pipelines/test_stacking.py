"""The steps of ``stacking``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from haploformer.parameters import StackingParameters
from haploformer.pipelines.stacking import nodes
from haploformer.predicted_expression import person_columns, zero_shot_rows


def test_gather_predictions__keeps_enformer_s_genes_and_inner_predictions_of_the_features() -> None:
    people, seen = ["A", "B"], {}
    enformer = zero_shot_rows(["G1", "G1", "G3", "G3"], people * 2, np.arange(4.0), model="enformer")
    ids = np.repeat(["G1", "G2", "G3"], 2).tolist()
    for name in ("blup", "prs", "blup_1mb"):
        outer = zero_shot_rows(ids, people * 3, np.arange(6.0), model=name)
        of_row = pd.DataFrame({"gene_id": ids, "model": name, "fold_seed": 0, "fold": [0, 1] * 3})
        inner = of_row.join(pd.DataFrame(np.arange(12.0).reshape(6, 2), columns=person_columns(people)))
        seen |= {name: outer, f"inner_{name}": inner}
    stacking = StackingParameters(features=("blup", "enformer"))
    predictions, inner = nodes.gather_predictions(stacking, enformer, **seen)
    of_models = predictions.groupby("model")["predicted_expression"].agg(list).to_dict()
    left = [0, 1, 4, 5]
    assert of_models == {"enformer": [0, 1, 2, 3], "blup": left, "prs": left, "blup_1mb": left}
    assert set(predictions["gene_id"]) == {"G1", "G3"}
    expected = seen["inner_blup"].iloc[[0, 1, 4, 5]].reset_index(drop=True)
    pd.testing.assert_frame_equal(inner, expected, check_exact=True)
