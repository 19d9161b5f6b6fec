"""The original study's environment, on a made-up folder with its file names and shapes."""

from __future__ import annotations

import gzip
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.builders.gtex import PREFIX, TSS, write_gtex
from tests.conftest import Project

#: One assignment to folds: the chain is what is looked at.
SHORT = "evaluation.fold_seeds=0"


def gtex(project: Project, *arguments: str, parameters: str = SHORT, check: bool = True):
    raw = project.root / "gtex"
    return project.kedro("run", "--env", "gtex", *arguments, "--params", f"raw_dir={raw},{parameters}", check=check)


@pytest.mark.slow
def test_run__the_studys_own_files_alone(project):
    people = write_gtex(project.root / "gtex", optional=False)
    result = gtex(project)
    warnings = [line for line in result.stderr.splitlines() if "is not there" in line]
    assert len(warnings) == 3, "covariates, annotation and tracks are told once each"
    assert any("no covariates: " in line and "Whole_Blood.v8.covariates.txt" in line for line in warnings)
    scores = pd.read_parquet(project.root / "data/08_reporting/gtex/gene_scores.parquet")
    assert scores["gene_id"].unique().tolist() == list(TSS)
    assert scores["gene_name"].unique().tolist() == list(TSS)
    assert set(scores["n"]) == {len(people)}
    report = (project.root / "data/08_reporting/gtex/report.html").read_text()
    assert "Covariates</dt><dd>none" in report
    assert "5,313 stored" in report
    audit = pd.read_parquet(project.root / "data/03_primary/gtex/input_audit.parquet")
    reasons = audit.set_index("reason")["count"]
    assert reasons["A1 is REF"] > 50
    assert reasons["A1 is REF"] + reasons["A2 is REF"] == 300


@pytest.mark.slow
def test_run__with_covariates_annotation_tracks_and_ids_of_another_file(project):
    folder = project.root / "gtex"
    people = write_gtex(folder, optional=True)
    # The published form of the table, with sample ids that an id map explains, in another order of columns.
    plain = folder / "Whole_Blood.v8.normalized_expression.bed"
    table = pd.read_csv(plain, sep="\t", dtype=str)
    table = table[[*table.columns[:4], *table.columns[:3:-1]]]
    table = table.rename(columns={name: f"{name}-0226-SM" for name in people[:30]})
    plain.unlink()
    (folder / f"{plain.name}.gz").write_bytes(gzip.compress(table.to_csv(sep="\t", index=False).encode()))
    (folder / f"{plain.name}.gz.tbi").write_bytes(b"not read")
    lines = "".join(f"{name}-0226-SM\t{name}\n" for name in people)
    (project.root / "ids.tsv").write_text(f"id\tindividual_id\n{lines}")
    without = gtex(project, "--pipelines", "data_prep", parameters="run_name=without", check=False)
    assert without.returncode == 0
    assert len(pd.read_parquet(project.root / "data/03_primary/gtex/without/individuals.parquet")) == 30
    result = gtex(project, parameters=f"{SHORT},id_map=ids.tsv,enformer.tracks=7")
    assert "no names of tracks" in result.stderr
    scores = pd.read_parquet(project.root / "data/08_reporting/gtex/gene_scores.parquet")
    assert sorted(scores["gene_name"].unique()) == ["GENEA", "GENEB", "GENEC", "GENED"]
    assert set(scores["n"]) == {len(people)}
    models = json.loads((project.root / "data/08_reporting/gtex/scores.json").read_text())["models"]
    assert models["elastic_net"]["mean_pearson_r"] > 0.2
    measured = pd.read_parquet(project.root / "data/03_primary/gtex/measured_expression.parquet")
    first = measured[(measured["gene_id"] == next(iter(TSS))) & (measured["individual_id"] == people[0])]
    assert np.isclose(first["expression"].iloc[0], float(table[f"{people[0]}-0226-SM"].iloc[0]))


@pytest.mark.parametrize(
    ("spoil", "parameters", "message"),
    [
        (
            lambda folder: [p.unlink() for p in folder.glob(f"{PREFIX}.*")],
            SHORT,
            "GTEx_v8_genotype_EUR_HM3*: no file fits the pattern (there: 38.fa, 38.fa.fai, Whole_Blood.v8",
        ),
        (
            lambda folder: shutil.copy(folder / f"{PREFIX}.bed", folder / "GTEx_v8_genotype_EUR_HM3.bed"),
            SHORT,
            f"2 files fit the pattern (GTEx_v8_genotype_EUR_HM3.bed, {PREFIX}.bed); keep one of them there",
        ),
        (
            lambda folder: None,
            "enformer.tracks=whole_blood",
            "'whole_blood' cannot be looked up: the tracks have no names",
        ),
        (
            lambda folder: (folder / "ids.tsv").write_text("id\tindividual_id\nGTEX-0001\tGTEX-0002\n"),
            "id_map=gtex/ids.tsv",
            "are both individual GTEX-0002, by the id map; keep one of them, or correct the id map",
        ),
    ],
)
def test_run__bad_input_of_the_study(project, spoil, parameters, message):
    folder = project.root / "gtex"
    write_gtex(folder, optional=False)
    spoil(folder)
    result = gtex(project, parameters=parameters, check=False)
    line = result.stderr.splitlines()[-1]
    assert result.returncode == 1
    assert line.startswith("Error: ")
    assert message in line
    assert "Traceback" not in result.stderr
    assert project.outputs() == []
