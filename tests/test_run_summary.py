"""The last lines of a run: every ending rests on datasets that the catalog has, and is made by some pipeline."""

from __future__ import annotations

import pandas as pd

from haploformer.pipeline_registry import register_pipelines
from haploformer.run_summary import ENDINGS, summarise_run
from haploformer.summary_text import describe_effects


def test_endings__what_they_describe_is_made_where_their_output_is():
    made_by = [pipeline.all_outputs() | pipeline.inputs() for pipeline in register_pipelines().values()]
    for ending in ENDINGS:
        wanted = {ending.output, *(name for _, names in ending.texts for name in names)}
        wanted |= {name for _, name in ending.places}
        assert any(wanted <= known for known in made_by), ending.output
    assert len({ending.output for ending in ENDINGS}) == len(ENDINGS)


def test_summarise_run__texts_then_places_of_what_was_made():
    tables = {
        "linear_faithfulness": pd.DataFrame({"faithful": [True, False, True], "r": [0.95, 0.5, 0.99]}),
        "eqtl_sizes": None,
    }
    said = list(summarise_run(set(tables), tables.__getitem__, "data/{}".format))
    assert said == [
        "Table: data/eqtl_sizes",
        "Page: data/eqtl_sizes_page",
        "2 of 3 genes are faithful, the others are marked; median r 0.950",
        "Weights: data/linear_weights",
        "Page: data/linear_faithfulness_page",
    ]


def test_describe_effects__an_unknown_frequency_is_left_empty():
    rows = {"gene_id": "E1", "bins": "centre", "summary": "tissue_mean", "effect_kind": "log_fold_change"}
    table = pd.DataFrame(
        [
            rows | {"variant_id": "a", "tss_distance": 5, "alt_frequency": float("nan"), "effect": 0.25},
            rows | {"variant_id": "b", "tss_distance": -7, "alt_frequency": 0.5, "effect": -0.5},
        ]
    )
    lines = [line.split() for line in describe_effects(table).splitlines()[1:3]]
    assert lines == [["E1", "b", "-7", "0.5", "-0.5"], ["E1", "a", "5", "0.25"]]
