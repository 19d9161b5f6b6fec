"""Whether effects of variants and predictions of people come from one model, read in one way.

Only then can sums of effects stand beside exact predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from haploformer.effects.tables import CENTRE, TRACK
from haploformer.errors import InputError

#: How far apart coverage of one window may lie that one model predicted twice.
_SAME_REFERENCE = 1e-3

_REMEDY = (
    "run both anew with the same parameters (variant_effects.strands=forward): enformer_inference, variant_effects"
)


def require_same_model(effects: Mapping[str, Any], predictions: Mapping[str, Any]) -> None:
    """Raise InputError if effects and the cohort's predictions are of different models, windows or bins.

    Parameters
    ----------
    effects, predictions : mapping
        Attributes of the stored predictions.
    """
    for name in ("weights_sha256", "geometry", "bins"):
        if effects[name] != predictions[name]:
            raise InputError(
                "variant_effects",
                f"{name} is {effects[name]}, and {predictions[name]} for the cohort's predictions",
                "predict both with the same parameters: kedro run --pipelines enformer_inference,variant_effects",
            )


def require_same_predictions(effects: pd.DataFrame, summaries: pd.DataFrame) -> None:
    """Raise InputError unless the reference windows of single effects and of people were predicted alike.

    They differ where another model, other bins, tracks, windows or strands were used for one of both.

    Parameters
    ----------
    effects : DataFrame, schema ``variant_effects``
    summaries : DataFrame
        ``gene_id, summary, reference`` of people's predictions, as ``enformer_summaries`` has them.
    """
    chosen = effects[(effects["bins"] == CENTRE) & (effects["summary"] != TRACK)]
    ours = chosen.drop_duplicates(["gene_id", "summary"]).set_index(["gene_id", "summary"])["coverage_ref"]
    theirs = summaries.drop_duplicates(["gene_id", "summary"]).set_index(["gene_id", "summary"])["reference"]
    both = pd.concat([ours.rename("ours"), theirs.rename("theirs")], axis=1, join="inner")
    if both.empty:
        raise InputError("variant_effects", "no gene of it was predicted of people", _REMEDY)
    apart = (both["ours"] - both["theirs"]).abs() > _SAME_REFERENCE * both["theirs"].abs() + 1e-9
    if apart.any():
        (gene_id, summary), row = next(iter(both[apart].iterrows()))
        raise InputError(
            "variant_effects",
            f"the reference of gene {gene_id} has coverage {row['ours']:.6g} ({summary}) there and {row['theirs']:.6g} in "
            "people's predictions: both were not predicted by one model from one strand",
            _REMEDY,
        )
