"""Environments other than the demo's: parts of the data, other parameters, people kept out of the report."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pandas as pd
import pysam
import pytest

from tests.builders.demo import keep_genes
from tests.conftest import Project


@pytest.fixture
def small(project) -> Project:
    """The demo with two genes."""
    keep_genes(project, 2)
    return project


def test_env_test__runs_two_genes_without_showing_people(small):
    result = small.kedro("run", "--env", "test", "--params", "data_prep.chromosomes=chr21")
    assert "Report:" in result.stdout
    assert "inside" not in result.stdout.lower()
    reporting = small.root / "data/08_reporting/test"
    scores = pd.read_parquet(reporting / "gene_scores.parquet")
    assert scores["gene_id"].nunique() == 2
    assert set(scores["n_folds"]) == {4}
    ids = pd.read_parquet(small.root / "data/03_primary/test/individuals.parquet")["individual_id"]
    for path in [reporting / "report.html", *(reporting / "figures").iterdir()]:
        assert not re.search("|".join(ids), path.read_text()), path.name

    # What is stored is for these windows and genes, and says so where more is asked for.
    wide = small.kedro(
        "run", "--env", "test", "--pipelines", "baselines", "--params", "baselines.cis_window=90000", check=False
    )
    assert "the stored variants do not cover 21:" in wide.stderr.splitlines()[-1]
    # Another preset has a folder of its own; one of the environment's own needs other windows.
    inference = ("run", "--env", "test", "--pipelines", "enformer_inference")
    other = small.kedro(*inference, "--params", "enformer.preset=small", check=False)
    assert "test/preset-small-" in other.stderr.splitlines()[-1]
    parameters = small.root / "conf/test/parameters.yml"
    text = parameters.read_text()
    parameters.write_text(text.replace("preset: ${globals:preset}", "preset: small"))
    changed = small.kedro(*inference, check=False)
    assert "the stored windows have 16,384 bases" in changed.stderr.splitlines()[-1]
    parameters.write_text(text)

    # Another genotype file behind a finished run is not taken for the one that was read.
    path = small.raw / "genotypes.vcf.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(text.replace("0|1", "1|0").encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    again = small.kedro("run", "--env", "test", "--only-missing-outputs", check=False)
    assert "the stored variants were read from another file" in again.stderr.splitlines()[-1]


def test_run__two_chromosomes_equal_two_runs_of_one(project):
    """Gene by gene: the same windows and dosages, hence the same numbers; predictions to the last bits of a batch."""
    path = project.raw / "expression.bed.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write("".join([*lines[:3], *lines[13:15]]).encode())

    def tables(chromosomes: str) -> dict[str, pd.DataFrame]:
        name = f"chromosomes-{chromosomes.replace('+', '-')}"
        options = f"data_prep.chromosomes={chromosomes},run_name={name}"
        result = project.kedro("run", "--env", "test", "--params", options)
        assert "known answer" not in result.stderr
        found = {}
        for layer in ("04_feature", "07_model_output", "08_reporting"):
            for stored in sorted((project.root / f"data/{layer}/test/{name}").glob("*.parquet")):
                found[stored.stem] = pd.read_parquet(stored)
        return found

    both, single = tables("21+22"), [tables("21"), tables("chr22")]
    assert both["gene_scores"]["gene_id"].nunique() == 4
    assert {"tss_windows", "predicted_expression_stack", "predicted_expression_elastic_net"} <= set(both)
    # Genotype components are those of all chromosomes that are read.
    of_components = {f"predicted_expression_genotype_pcs{suffix}" for suffix in ("", "_unadjusted")}
    for name in set(both) - {"sequence_audit", "known_answer_check", *of_components}:
        both[name], *single_tables = (_without_components(table) for table in (both[name], *(p[name] for p in single)))
        keys = [
            c
            for c in ("model", "gene_id", "individual_id", "fold", "variant_id", "feature", "summary")
            if c in both[name]
        ]
        if "gene_id" not in both[name]:
            # Over all genes of a run, not gene by gene.
            continue
        expected = pd.concat(single_tables, ignore_index=True)
        ours, theirs = (t.sort_values(keys, kind="stable").reset_index(drop=True) for t in (both[name], expected))
        exact = name in {"tss_windows", "cis_windows", "window_audit"} or name.endswith(
            ("top_snp", "prs", "blup", "elastic_net")
        )
        # A difference of two coverages has their error, not that of its own size; adjusted predictions are such, too.
        loose = [column for column in ("difference", "log2_fold_change") if column in ours]
        for column in loose:
            np.testing.assert_allclose(ours[column], theirs[column], rtol=0, atol=2e-6)
        # A rate of false discoveries is one among the genes of a run.
        apart = [*loose, *({"q_value"} & set(ours))]
        ours, theirs = ours.drop(columns=apart), theirs.drop(columns=apart)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=exact, rtol=1e-6, atol=2e-6)


def _without_components(table: pd.DataFrame) -> pd.DataFrame:
    if "model" not in table:
        return table
    return table[~table["model"].str.startswith("genotype_pcs")]


def test_data_prep__chromosomes_are_a_choice(project):
    result = project.kedro("run", "--pipelines", "data_prep", "--params", "data_prep.chromosomes=20+X", check=False)
    line = result.stderr.splitlines()[-1]
    assert (
        "expression.bed.gz: no gene on chromosome 20, X (chromosomes there: 21, 22); set data_prep.chromosomes" in line
    )


def test_parameters__an_environment_that_sets_one_keeps_the_others(project):
    (project.root / "conf/local").mkdir(exist_ok=True)
    (project.root / "conf/local/parameters.yml").write_text("evaluation:\n  n_folds: 6\n")
    project.kedro("run", "--pipelines", "data_prep")
    folds = pd.read_parquet(project.root / "data/03_primary/demo/person_folds.parquet")
    assert folds["fold"].nunique() == 6
    assert folds["fold_seed"].unique().tolist() == [0, 1, 2]
