"""The embedded demo, run once from its files to the report: what came out, and that it cannot come out otherwise."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from haploformer import schemas
from haploformer.formats.haplotype_store import read_haplotypes
from haploformer.genome.encoding import decode
from tests.conftest import Project
from tests.oracles.consensus import consensus_window

STORE = Path("data/07_model_output/demo/track_predictions.zarr")


@pytest.fixture
def finished(demo_run, tmp_path) -> Project:
    """A copy of the finished run that a test may change."""
    made, _ = demo_run
    shutil.copytree(made.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def content(folder: Path) -> dict[str, str]:
    """sha256 of every file of a prediction store but the manifest, whose lines stand in the order of computation."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "manifest.jsonl"]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_run__ends_with_scores_inside_their_intervals_and_the_place_of_the_report(demo_run):
    made, printed = demo_run
    lines = printed.strip().splitlines()
    assert lines[-1] == f"Report: {made.root / 'data/08_reporting/demo/report.html'}"
    verdicts = {line.split()[0]: line.split()[-1] for line in lines if line.endswith(("inside", "OUTSIDE"))}
    assert verdicts.pop("enformer:") == "inside"
    assert verdicts == dict.fromkeys(["enformer", "top_snp", "prs", "blup", "elastic_net", "stack"], "inside")
    assert re.search(r"^enformer +untrained +24 ", printed, re.MULTILINE)


def test_run__every_table_fits_its_schema(demo_run):
    made, _ = demo_run
    tables = list((made.root / "data").glob("0[3-8]_*/demo/*.parquet"))
    assert len(tables) >= 20
    for path in tables:
        name = re.sub(r"^(predicted_expression|inner_predictions)_.*", r"\1", path.stem)
        name = re.sub(r"^(top_snp|prs|elastic_net|blup)_weights$", "dosage_weights", name)
        name = re.sub(r"^unadjusted_scores$", "gene_scores", name)
        name = re.sub(r"^final_genes$", "genes", name)
        name = re.sub(r"^(input|sequence)_audit$", "audit", name)
        getattr(schemas, name).validate(pd.read_parquet(path))


def test_run__predictions_equal_the_committed_truth(demo_run):
    made, _ = demo_run
    ours = pd.read_parquet(made.root / "data/07_model_output/demo/predicted_expression_enformer.parquet")
    truth = pd.read_csv(made.raw / "truth.tsv.gz", sep="\t")
    both = ours.merge(truth, on=["gene_id", "individual_id"], validate="one_to_one")
    assert len(both) == len(truth) == 24 * 150
    error = (both["predicted_expression"] - both["enformer"]).abs().groupby(both["gene_id"]).max()
    assert (error / both.groupby("gene_id")["enformer"].std()).max() < 1e-3


def test_run__windows_equal_bcftools_consensus(demo_run):
    made, _ = demo_run
    haplotypes = read_haplotypes(made.root / "data/04_feature/demo/haplotype_windows")
    genes = haplotypes.genes.set_index("gene_id")
    drawn = haplotypes.haplotypes.sample(500, random_state=20)
    with_indels = 0
    for row in drawn.itertuples():
        ours = decode(haplotypes.codes([row.window])[0])
        theirs = consensus_window(
            made.raw / "reference.fa.gz",
            made.raw / "genotypes.vcf.gz",
            row.individual_id,
            row.haplotype,
            contig=genes.at[row.gene_id, "contig"],
            tss=int(genes.at[row.gene_id, "tss"]),
            length=haplotypes.length,
        )
        assert ours == theirs, (row.gene_id, row.individual_id, row.haplotype)
        with_indels += any(edit.end - edit.start != len(edit.alt) for edit in haplotypes.edits_of(row.window))
    assert with_indels > 100


def test_run__predictions_open_in_xarray(demo_run):
    made, _ = demo_run
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = xr.open_zarr(made.root / STORE)
    assert store["predictions"].dims == ("window", "track")
    assert store.sizes["track"] == 64
    assert bool(np.isfinite(store["predictions"]).all())
    for name in ("weights_sha256", "geometry", "engine", "tracks", "bins", "transform", "code_version", "genotypes"):
        assert name in store.attrs
    assert store.attrs["weights"] == "untrained"


def test_run__distinct_windows_are_stored_once(demo_run):
    made, _ = demo_run
    windows = pd.read_parquet(made.root / "data/04_feature/demo/haplotype_windows/windows.parquet")
    copies = pd.read_parquet(made.root / "data/04_feature/demo/haplotype_windows/haplotypes.parquet")
    assert windows["key"].is_unique
    assert len(copies) == 24 * 150 * 2
    assert windows.groupby("gene_id")["is_reference"].sum().eq(1).all()
    audit = pd.read_parquet(made.root / "data/04_feature/demo/window_audit.parquet").set_index("gene_id")
    carried = copies.groupby("gene_id")["window"].nunique()
    pd.testing.assert_series_equal(audit["n_distinct"], carried, check_names=False, check_like=True)


def test_run__untrained_is_said_wherever_numbers_are(demo_run):
    made, _ = demo_run
    reporting = made.root / "data/08_reporting/demo"
    scores = pd.read_parquet(reporting / "gene_scores.parquet")
    assert set(scores.loc[scores["weights"] == "untrained", "model"]) == {"enformer", "enformer_all_tracks", "stack"}
    models = json.loads((reporting / "scores.json").read_text())["models"]
    assert models["enformer"]["weights"] == "untrained"
    report = (reporting / "report.html").read_text()
    assert "Enformer (untrained)" in report
    assert "no evidence about Enformer" in report
    figure = (reporting / "figures/scores_by_model.json").read_text()
    assert "untrained" in figure


def test_run__report_needs_no_network(demo_run):
    made, _ = demo_run
    report = (made.root / "data/08_reporting/demo/report.html").read_text()
    outside_scripts = re.sub(r"<script.*?</script>", "", report, flags=re.DOTALL)
    assert len(outside_scripts) < len(report)
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", outside_scripts) == []
    assert re.findall(r"<script[^>]*\ssrc\s*=", report) == []


def test_run__captions_say_what_the_tables_and_parameters_hold(demo_run):
    made, _ = demo_run
    data, parameters = made.root / "data", yaml.safe_load((made.root / "conf/base/parameters.yml").read_text())
    folds = pd.read_parquet(data / "03_primary/demo/person_folds.parquet")
    cis = pd.read_parquet(data / "04_feature/demo/cis_windows.parquet")["cis_window"].unique()
    described = pd.read_csv(made.root / "data/01_raw/demo/targets.txt", sep="\t")["description"]
    tissue = parameters["enformer"]["tracks"]
    n_tissue = described.str.startswith(tissue.rstrip("*")).sum()
    with xr.open_zarr(data / "07_model_output/demo/track_predictions.zarr") as predictions:
        stored = predictions.attrs
    report = html.unescape((data / "08_reporting/demo/report.html").read_text())
    captions = re.findall("<figcaption>(.*?)</figcaption>", report, flags=re.DOTALL)
    assert len(captions) == 8
    window = f"{stored['geometry']['window']:,} bases round the TSS"
    seeds = ", ".join(map(str, parameters["evaluation"]["fold_seeds"]))
    people = f"{folds['individual_id'].nunique()} people"
    for caption in captions[:-1]:
        assert f"{people}, {folds['fold'].nunique()} folds by person, fold seeds {seeds}." in caption
        assert f"Elastic net and BLUP: variants in a cis window of {cis.item():,} bases round the TSS." in caption
        assert f"Enformer reads {window} and is taken at {len(stored['bins'])} centre bins" in caption
        assert f"the mean of {n_tissue} tracks ({tissue})" in caption
        assert caption.removesuffix("</small>").endswith(f"Enformer's weights: {stored['weights']}.")
    whole = [f"the mean of all {len(stored['tracks'])} tracks" in caption for caption in captions]
    assert whole == [True, False, *[True] * 5, False]  # stack against elastic net, and haplotypes, have no such model
    assert f"{people}; Enformer's windows of {window}." in captions[-1]


def test_only_missing_outputs__does_nothing_on_a_finished_run(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.outputs()}
    finished.kedro("run", "--only-missing-outputs")
    assert {path: path.stat().st_mtime_ns for path in finished.outputs()} == before


def test_only_missing_outputs__rebuilds_half_of_the_shards(finished):
    store = finished.root / STORE
    before = content(store)
    chunks = sorted((store / "predictions" / "c").glob("*/0"))
    for chunk in chunks[::2]:
        chunk.unlink()
    kept = {path: path.stat().st_mtime_ns for path in chunks[1::2]}
    finished.kedro("run", "--only-missing-outputs")
    assert content(store) == before
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not list(store.parent.glob(".*"))


@pytest.mark.parametrize("option", ["--pipeline", "--pipelines"])
def test_enformer_inference__both_spellings_run_and_recompute_nothing(finished, option):
    chunks = {p: p.stat().st_mtime_ns for p in (finished.root / STORE / "predictions" / "c").glob("*/0")}
    result = finished.kedro("run", option, "enformer_inference")
    assert "1,099 of 1,099 windows (100 %), 1,099 of them stored before" in result.stderr
    assert {p: p.stat().st_mtime_ns for p in chunks} == chunks


def test_verify__hashes_every_file_again_and_names_the_damaged_one(finished):
    whole = finished.kedro("run", "--pipelines", "verify")
    assert re.search(r"^(\d+) of \1 files are as they were written", whole.stdout, re.MULTILINE)
    chunk = finished.root / STORE / "predictions/c/5/0"
    content = bytearray(chunk.read_bytes())
    content[1000] ^= 4
    chunk.write_bytes(content)
    result = finished.kedro("run", "--pipelines", "verify", check=False)
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert re.search(r"predictions/c/5/0: the file is damaged \(1 of \d+ files are\); remove the damaged files", line)
    chunk.unlink()
    gone = finished.kedro("run", "--pipelines", "verify", check=False)
    assert re.search(r"predictions/c/5/0: the file is missing \(1 of \d+ files are\)", gone.stderr.splitlines()[-1])
    finished.kedro("run", "--pipelines", "enformer_inference")
    finished.kedro("run", "--pipelines", "verify")


def test_known_answer__fails_when_predictions_are_permuted_over_people(finished):
    path = finished.root / "data/07_model_output/demo/predicted_expression_enformer.parquet"
    table = pd.read_parquet(path)
    rng = np.random.default_rng(0)
    shuffled = table.groupby("gene_id", sort=False)["predicted_expression"].transform(lambda r: rng.permutation(r))
    table.assign(predicted_expression=shuffled).to_parquet(path, index=False)
    result = finished.kedro("run", "--pipelines", "evaluation", check=False)
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert re.match(r"Error: known_answer: enformer\.mean_pearson_r: is -?0\.0\d+, known to lie from 0\.\d+", line)


def test_known_answer__fails_when_two_people_change_haplotypes(finished):
    path = finished.root / STORE / "windows.parquet"
    table = pd.read_parquet(path)
    people = table["individual_id"].dropna().unique()[:2]
    swap = dict(zip(people, people[::-1], strict=True))
    table.assign(individual_id=table["individual_id"].replace(swap)).to_parquet(path, index=False)
    result = finished.kedro("run", "--from-nodes", "summarise_predictions", check=False)
    assert result.returncode == 1
    assert "enformer.max_difference_from_truth_in_gene_sd" in result.stderr.strip().splitlines()[-1]


def test_viz__builds_offline_with_layers_and_previews(finished):
    finished.kedro("viz", "build", "--include-previews")
    graph = json.loads((finished.root / "build/api/main").read_text())
    assert set(graph["layers"]) == {"raw", "primary", "feature", "models", "model_output", "reporting"}
    names = {node["id"]: node["name"] for node in graph["nodes"] if node["type"] == "data"}
    nodes = {name: json.loads((finished.root / "build/api/nodes" / i).read_text()) for i, name in names.items()}
    kinds = {name: node.get("preview_type") for name, node in nodes.items() if node.get("preview")}
    in_memory = {"cis_dosages", "gathered_predictions", "gathered_inner_predictions"}
    assert set(names.values()) - set(kinds) == {"evaluation_report", "phased_genotypes", *in_memory}
    assert kinds["gene_scores"] == "TablePreview"
    assert kinds["figure_scores_by_model"] == "PlotlyPreview"
    assert nodes["gene_scores"]["preview"]["data"][0][2] == "enformer"
