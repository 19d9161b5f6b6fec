"""One person, one gene, or sequences of nobody: each in a folder of its own, with the numbers of the cohort's run."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
import xarray

from haploformer import schemas
from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.model import HEAD, untrained_module
from haploformer.formats.fasta import FastaReference
from haploformer.genome.encoding import decode, encode, one_hot
from haploformer.genome.reference import fetch_padded
from tests.conftest import Project

GENE, PEOPLE = "DEMOGENE3", ["DEMO007", "DEMO011"]
TISSUE = [44, 45, 46, 47]


def outputs_of(project: Project, cohort: str = "demo") -> set[str]:
    """Folders of runs below the cohort's."""
    return {p.name for p in (project.root / f"data/08_reporting/{cohort}").iterdir() if p.is_dir()} - {"figures"}


def table_of(result, project: Project) -> pd.DataFrame:
    """The table that a run ends with."""
    path = re.search(r"^Table: (.*)$", result.stdout, re.MULTILINE)
    assert path, result.stdout
    return pd.read_parquet(path.group(1))


def cohort_summaries(demo_run) -> pd.DataFrame:
    made, _ = demo_run
    return pd.read_parquet(made.root / "data/07_model_output/demo/enformer_summaries.parquet")


def test_gene_prediction__every_person_of_a_gene_as_in_the_cohort(project, demo_run):
    result = project.kedro("run", "--pipelines", "gene_prediction", "--params", f"gene={GENE}")
    table = table_of(result, project)
    schemas.selected_predictions(table)
    assert set(table["gene_name"]) == {GENE}
    # Everybody with genotypes, also who has no expression: a prediction needs none.
    assert table["individual_id"].nunique() == 153
    assert table.loc[table["measured"].isna(), "individual_id"].nunique() == 3
    assert set(table["weights"]) == {"untrained"}
    both = table.merge(cohort_summaries(demo_run), on=["gene_id", "individual_id", "summary"], suffixes=("", "_cohort"))
    assert len(both) == 2 * 150
    for column in ("personal", "reference"):
        np.testing.assert_allclose(both[column], both[f"{column}_cohort"], rtol=1e-6)
    (own,) = outputs_of(project)
    assert own.startswith("gene-demogene3-")
    assert not list((project.root / "data/08_reporting/demo").glob("*.*"))
    page = (project.root / f"data/08_reporting/demo/{own}/gene_prediction.html").read_text()
    assert "untrained" in page
    assert "Tracks of tissue_mean</dt><dd>44, 45, 46, 47" in page
    figure = json.loads((project.root / f"data/08_reporting/demo/{own}/figures/gene_prediction.json").read_text())
    assert {trace["name"] for trace in figure["data"]} == {"AFR", "EUR"}
    assert "Peak memory: " in result.stdout

    # By its id, without the version, and of two people alone.
    gene_id = table["gene_id"].iloc[0].split(".")[0]
    two = f"gene={gene_id},individual={'+'.join(PEOPLE)},run_name=two"
    again = table_of(project.kedro("run", "--pipeline", "gene_prediction", "--params", two), project)
    assert again["individual_id"].unique().tolist() == sorted(PEOPLE)
    assert set(again["gene_name"]) == {GENE}
    assert outputs_of(project) == {own, "two"}


def test_individual_prediction__every_gene_of_a_person_as_in_the_cohort(project, demo_run):
    parameters = f"individual={'+'.join(PEOPLE)}"
    result = project.kedro("run", "--pipelines", "individual_prediction", "--params", parameters)
    table = table_of(result, project)
    schemas.selected_predictions(table)
    assert table["gene_id"].nunique() == 24
    assert table["individual_id"].unique().tolist() == PEOPLE
    expected = cohort_summaries(demo_run)
    both = table.merge(expected, on=["gene_id", "individual_id", "summary"], suffixes=("", "_cohort"))
    assert len(both) == len(table) == 24 * 2 * 2
    np.testing.assert_allclose(both["personal"], both["personal_cohort"], rtol=1e-6)
    np.testing.assert_allclose(table["difference"], table["personal"] - table["reference"], rtol=0, atol=1e-12)
    (own,) = outputs_of(project)
    assert own.startswith("individual-demo007-and-1-more-")
    figure = json.loads((project.root / f"data/08_reporting/demo/{own}/figures/individual_prediction.json").read_text())
    assert [trace["name"] for trace in figure["data"]] == PEOPLE


def test_gene_prediction__does_not_touch_the_cohorts_results(finished_copy):
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in finished_copy.outputs()}
    finished_copy.kedro("run", "--pipelines", "gene_prediction", "--params", f"gene={GENE},individual={PEOPLE[0]}")
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in before} == before
    assert len(finished_copy.outputs()) > len(before)


def test_run__a_cohort_of_one_gene_has_its_own_folder_and_no_known_answer(project):
    result = project.kedro("run", "--params", f"gene={GENE},evaluation.fold_seeds=0")
    assert "known answer: holds for all 24 genes, this run scores 1: not compared" in result.stderr
    (own,) = outputs_of(project)
    scores = pd.read_parquet(project.root / f"data/08_reporting/demo/{own}/gene_scores.parquet")
    assert set(scores["gene_name"]) == {GENE}
    audit = pd.read_parquet(project.root / f"data/03_primary/demo/{own}/input_audit.parquet")
    genes = audit[audit["record_class"] == "gene"].set_index("reason")["count"]
    assert genes.to_dict() == {"used": 1, "not selected": 23}


@pytest.fixture
def sequences(project) -> tuple[Project, list[str]]:
    """Two stretches of the demo's reference as a FASTA, and as a BED; one of them reaches into N."""
    reference = FastaReference(project.raw / "reference.fa.gz")
    places = [("21", 100_000), ("22", 0)]
    codes = [fetch_padded(reference, contig, start, start + 16_384) for contig, start in places]
    letters = [decode(c) for c in codes]
    (project.root / "s.fa").write_text("".join(f">s{i}\n{text}\n" for i, text in enumerate(letters)))
    lines = [f"chr{contig}\t{start}\t{start + 16_384}\ts{i}\n" for i, (contig, start) in enumerate(places)]
    (project.root / "r.bed").write_text("".join(lines))
    return project, letters


def test_sequence_prediction__fasta_and_bed_equal_the_plain_forward(sequences):
    project, letters = sequences
    found = {}
    for name in ("s.fa", "r.bed"):
        parameters = f"sequences={name},enformer.bins=each"
        result = project.kedro("run", "--pipelines", "sequence_prediction", "--params", parameters)
        found[name] = table_of(result, project)
        schemas.sequence_predictions(found[name])
    module = untrained_module(PRESETS["tiny"], 0)
    with torch.inference_mode():
        y = module(torch.from_numpy(one_hot(np.stack([encode(text) for text in letters]))))[HEAD].double().numpy()
    centre = list(PRESETS["tiny"].centre_bins(10))
    expected = {
        "tissue_mean": y[:, centre][:, :, TISSUE].mean((1, 2)),
        "all_tracks_mean": y[:, centre].mean((1, 2)),
        "all_bins_mean": y.mean((1, 2)),
    }
    for table in found.values():
        for summary, values in expected.items():
            ours = table[table["summary"] == summary].set_index("sequence")["coverage"]
            np.testing.assert_allclose(ours[["s0", "s1"]], values, rtol=1e-5)
        single = table[(table["summary"] == "track") & (table["track"] == 45)].set_index("sequence")["coverage"]
        np.testing.assert_allclose(single[["s0", "s1"]], y[:, centre, 45].mean(1), rtol=1e-5)
    shares = found["r.bed"].drop_duplicates("sequence").set_index("sequence")["n_share"]
    assert shares.round(6).tolist() == [0.0, round(2_000 / 16_384, 6)]
    assert found["r.bed"]["contig"].unique().tolist() == ["21", "22"]
    assert found["s.fa"]["contig"].isna().all()
    stores = list((project.root / "data/07_model_output/demo").glob("*/sequence_track_predictions.zarr"))
    assert len(stores) == 2
    for store in stores:
        opened = xarray.open_zarr(store)
        assert opened["predictions"].dims == ("window", "bin", "track")
        assert opened["predictions"].shape == (2, 96, 64)
        np.testing.assert_allclose(opened["predictions"].values, y, rtol=1e-4)
    assert outputs_of(project) == {store.parent.name for store in stores}


def test_enformer_inference__all_bins_beside_the_centre(project, demo_run):
    parameters = f"gene={GENE},individual={PEOPLE[0]},enformer.bins=all,enformer.centre_bins=96"
    result = project.kedro("run", "--pipelines", "gene_prediction", "--params", parameters)
    table = table_of(result, project).set_index("summary")["personal"]
    assert set(table.index) == {"tissue_mean", "all_tracks_mean", "all_bins_mean"}
    # The centre of 96 bins is all of them.
    assert table["all_bins_mean"] == pytest.approx(table["all_tracks_mean"], rel=1e-6)
    default = cohort_summaries(demo_run).set_index(["individual_id", "summary"])
    assert abs(table["tissue_mean"] / default.loc[(PEOPLE[0], "tissue_mean"), "personal"].iloc[0] - 1) > 1e-3


@pytest.mark.parametrize(
    ("pipeline", "parameters", "message"),
    [
        (
            "gene_prediction",
            "run_name=x",
            "parameters:select.genes: gene_prediction is about chosen genes, and none is given; name one, or several "
            "joined by +: --params gene=COMT",
        ),
        (
            "individual_prediction",
            f"gene={GENE}",
            "parameters:select.individuals: individual_prediction is about chosen individuals, and none is given; name",
        ),
        (
            "gene_prediction",
            "gene=DEMOGEN3",
            "gene DEMOGEN3 is not among the 24 genes of expression.bed.gz (nearest: DEMOG",
        ),
        (
            "individual_prediction",
            "individual=DEMO7",
            "individual DEMO7 is not among the 153 people of genotypes.vcf.gz",
        ),
        (
            "sequence_prediction",
            "run_name=x",
            "parameters:sequences: no file of sequences is given; --params sequences=",
        ),
        ("sequence_prediction", "sequences=short.fa", "short.fa:a: the sequence has 4 bases, the model takes 16,384"),
        (
            "gene_prediction",
            f"gene={GENE},run_name=../x",
            "parameters:run_name: '../x' cannot name a folder of outputs",
        ),
        (
            "gene_prediction",
            f"gene={GENE},enformer.weights=official",
            "parameters:enformer.weights: the official weights are those of preset full, this run has preset tiny; set enf",
        ),
        (
            "gene_prediction",
            f"gene={GENE},enformer.weights=official,enformer.preset=full",
            "data/06_models/enformer-official-rough: the official weights are not there; fetch EleutherAI/enformer-off",
        ),
        ("gene_prediction", f"gene={GENE},enformer.weights=w.bin", "w.bin: a checkpoint in Python's pickle format"),
        (
            "gene_prediction",
            f"gene={GENE},enformer.tracks=blood",
            "'blood' fits 13 of the 64 tracks (0 DNASE:demo blood",
        ),
        (
            "__default__",
            "stacking.features=enformer_all_bins",
            "parameters:stacking.features: enformer_all_bins is asked",
        ),
    ],
)
def test_run__what_a_selection_cannot_be(project, pipeline, parameters, message):
    (project.root / "short.fa").write_text(">a\nACGT\n")
    torch.save({"x": torch.zeros(2)}, project.root / "w.bin")
    result = project.kedro("run", "--pipelines", pipeline, "--params", parameters, check=False)
    line = result.stderr.splitlines()[-1]
    assert result.returncode == 1
    assert line.startswith("Error: ")
    assert message in line
    assert "Traceback" not in result.stderr
    assert project.outputs() == []


@pytest.mark.real_data
def test_gene_prediction__of_real_people_equals_the_plain_forward_on_what_bcftools_makes(project, shared_data):
    """COMT with the small window; the published one is compared by `tests/full_size.py`."""
    from tests.full_size import compare_with_plain_forward

    people = ["HG00097", "HG00099"]
    parameters = f"raw_dir={shared_data},gene=COMT,individual={'+'.join(people)}"
    result = project.kedro("run", "--env", "geuvadis", "--pipelines", "gene_prediction", "--params", parameters)
    largest, n_windows = compare_with_plain_forward(table_of(result, project), people, shared_data, preset="tiny")
    assert n_windows == 5
    assert largest < 1e-5


def test_convert_weights__as_a_command(project):
    module = untrained_module(PRESETS["tiny"], 5)
    torch.save(module.state_dict(), project.root / "pytorch_model.bin")
    done = project.kedro("convert-weights", "pytorch_model.bin", "--gamma", "computed")
    assert re.fullmatch(r"model\.safetensors: \d+ weights; \d+ listed twice and \d+ of .* [0-9a-f]{64}\n", done.stdout)
    again = project.kedro("convert-weights", "pytorch_model.bin", check=False)
    assert again.returncode == 1
    assert again.stderr.splitlines()[-1].startswith("Error: model.safetensors: the file is there already; give another")
    parameters = f"gene={GENE},individual={PEOPLE[0]},enformer.weights=model.safetensors"
    table = table_of(project.kedro("run", "--pipelines", "gene_prediction", "--params", parameters), project)
    (weights,) = set(table["weights"])
    assert re.fullmatch(r"model\.safetensors \(sha256 [0-9a-f]{12}\)", weights)


@pytest.fixture
def finished_copy(demo_run, tmp_path) -> Project:
    """A copy of the finished demo, which may be changed."""
    import shutil

    made, _ = demo_run
    shutil.copytree(made.root, tmp_path / "finished")
    return Project(tmp_path / "finished")
