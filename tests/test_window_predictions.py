"""The step that pipelines of windows share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from haploformer.parameters import EnformerParameters
from haploformer.pipeline_registry import register_pipelines
from haploformer.window_predictions import create_prediction_pipeline, plan_window_predictions, tissue_columns


@pytest.mark.parametrize(
    ("pipeline", "shards", "kind"),
    [
        ("enformer_inference", "enformer_shards", "haplotype"),
        ("variant_effects", "variant_effect_shards", "variant"),
        ("disease_variants", "disease_variant_shards", "disease"),
        ("haplotype_effects", None, "left_out"),
        ("mutagenesis", None, "mutagenesis"),
    ],
)
def test_create_prediction_pipeline__is_the_step_of_every_pipeline_of_windows(pipeline, shards, kind):
    registered = register_pipelines()
    predictions = "track_predictions" if kind == "haplotype" else f"{kind}_track_predictions"
    (alone,) = create_prediction_pipeline(f"{kind}_windows", predictions, name=f"predict_{kind}_tracks").nodes
    assert alone.func is plan_window_predictions
    assert alone in registered[pipeline].nodes
    if shards:
        assert registered[shards].nodes == [alone]


@pytest.mark.parametrize(("stored", "expected"), [([0, 1, 2, 3], [1, 3]), ([1, 3], [0, 1])])
def test_tissue_columns__of_all_tracks_or_the_tissues_alone(stored, expected):
    tracks = pd.DataFrame(
        {"track": range(4), "identifier": list("abcd"), "description": ["x", "CAGE:y", "z", "CAGE:w"]}
    )
    predictions = SimpleNamespace(tracks=np.array(stored))
    assert tissue_columns(predictions, tracks, EnformerParameters(tracks="CAGE:*")) == expected
