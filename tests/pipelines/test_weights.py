"""Runs with weights from files: what is refused before anything is written, and a chain that names its weights."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
import zarr

from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.model import canonical_state, untrained_module
from haploformer.formats.weights import write_weights
from tests.builders.demo import keep_genes
from tests.pipelines.test_bad_input import refused

REPOSITORY = "EleutherAI/enformer-official-rough"
FOLDER = "data/06_models/enformer-official-rough"


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        (
            "enformer.weights=official,enformer.preset=small",
            "parameters:enformer.weights: the official weights are those of preset full, this run has preset small; set "
            "enformer.preset=full, or enformer.weights=untrained to try the chain with a small network",
        ),
        (
            "enformer.weights=official,enformer.preset=full",
            f"{FOLDER}: the official weights are not there; fetch {REPOSITORY} (1 GB, CC-BY-4.0), e.g. hf download "
            f"{REPOSITORY} --local-dir {FOLDER}, then: kedro convert-weights {FOLDER}",
        ),
        (
            "enformer.weights=checkpoint",
            "checkpoint/pytorch_model.bin: a checkpoint in Python's pickle format, which may run code when it is opened; "
            "convert it once: kedro convert-weights checkpoint/pytorch_model.bin",
        ),
        (
            "enformer.weights=half.safetensors",
            "half.safetensors:a: the weight is F16, expected F32; convert the checkpoint anew: kedro convert-weights",
        ),
        (
            "enformer.gamma=tabulated",
            "parameters:enformer.gamma: gamma position features are tabulated for 1,536 tokens and the published width "
            "only, this model has 128 tokens; leave it out, or choose enformer.preset: full",
        ),
    ],
)
def test_run__weights_that_cannot_be_used_are_refused_first(project, parameters, line):
    (project.root / "checkpoint").mkdir()
    torch.save({"a": torch.zeros(2)}, project.root / "checkpoint/pytorch_model.bin")
    write_weights({"a": torch.zeros(2).half()}, project.root / "half.safetensors")
    assert refused(project, "--params", parameters) == f"Error: {line}"


def test_run__weights_of_a_file_are_named_without_their_folder(project):
    """From the file to the report: tables and figures say which weights, and not where they lay."""
    folder = project.root / "private_place"
    folder.mkdir()
    module = untrained_module(PRESETS["tiny"], seed=5)
    write_weights(canonical_state(module), folder / "mine.safetensors", metadata={"gamma": "computed"})
    keep_genes(project, 2)
    parameters = f"enformer.weights={folder / 'mine.safetensors'},data_prep.chromosomes=21,run_name=mine"
    project.kedro("run", "--env", "test", "--params", parameters)
    attributes = zarr.open_group(project.root / "data/07_model_output/test/mine/track_predictions.zarr", mode="r").attrs
    name = f"mine.safetensors (sha256 {attributes['weights_sha256'][:12]})"
    assert attributes["weights"] == name
    assert attributes["position_features"] == "gamma computed"
    reporting = project.root / "data/08_reporting/test/mine"
    scores = pd.read_parquet(reporting / "gene_scores.parquet")
    assert set(scores.loc[scores["model"].isin(["enformer", "stack"]), "weights"]) == {name}
    report = (reporting / "report.html").read_text()
    assert report.count(name) > 1
    assert "untrained" not in report
    made = [path for path in project.outputs() if "mine" in path.parts]
    assert len(made) > 20
    assert [path for path in made if b"private_place" in path.read_bytes()] == []
