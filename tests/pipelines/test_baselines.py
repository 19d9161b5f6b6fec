"""The baselines by themselves: without a FASTA, in two cis windows, and on real people all along a chromosome."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.pipelines.baselines import nodes

BASELINES = ("top_snp", "prs", "elastic_net", "blup")
PIPELINES = ("--pipelines", "data_prep,baselines,baseline_scores")


def read(project, run: str) -> dict[str, pd.DataFrame]:
    """Every table that a run left, by its name."""
    return {path.stem: pd.read_parquet(path) for path in (project.root / "data").glob(f"0[3-8]_*/{run}/*.parquet")}


def test_run__without_a_reference_the_numbers_are_those_with_it(project):
    genes = pd.read_csv(project.raw / "genes.gtf.gz", sep="\t", header=None, comment="#", nrows=1)
    name = genes[8].str.extract('gene_name "([^"]+)"')[0][0]
    options = f"gene={name},evaluation.fold_seeds=0,baselines.wide_window=120000"
    project.kedro("run", *PIPELINES, "--params", f"{options},run_name=with")
    for path in project.raw.glob("reference.fa.gz*"):
        path.unlink()
    result = project.kedro("run", *PIPELINES, "--params", f"{options},run_name=without,baselines.reference=none")
    ours, theirs = read(project, "demo/without"), read(project, "demo/with")
    assert set(ours) == set(theirs)
    for table in sorted(set(ours) - {"input_audit"}):
        pd.testing.assert_frame_equal(ours[table], theirs[table], check_exact=True)
    rows = ours["input_audit"][ours["input_audit"]["record_class"] == "REF"]
    assert rows["reason"].tolist() == ["not applicable: baselines.reference is none"]
    assert rows["count"].item() > 100
    scores = ours["baseline_scores"]
    models = [*BASELINES, *(f"{model}_60kb" for model in BASELINES), "genotype_pcs"]
    assert sorted(scores["model"]) == sorted(models)
    assert sorted(ours["unadjusted_scores"]["model"]) == ["covariates_only", "genotype_pcs_unadjusted"]
    assert (
        ours["cis_windows"]["cis_window"].tolist()
        == ours["cis_heritability"]["cis_window"].tolist()
        == [48_000, 120_000]
    )
    assert "elastic_net_60kb" in result.stdout

    line = project.kedro("run", "--params", "baselines.reference=none", check=False).stderr.splitlines()[-1]
    assert line.startswith("Error: parameters:baselines.reference: it is none (dosages only, no FASTA is read)")


def test_tell_fits__says_in_how_many_genes_a_net_had_not_converged(caplog):
    fits = pd.DataFrame({"gene_id": ["A", "A", "B", "C"], "n_usable": 5, "n_weights": 2, "fell_back": False})
    tables = [fits.assign(model=model, n_unfinished=n) for model, n in (("elastic_net", [0, 3, 1, 0]), ("blup", 0))]
    nodes._tell_fits(pd.concat(tables))
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["elastic_net: coordinate descent had not converged at some lambda in 2 of 3 genes"]


def test_parameters__a_wide_window_must_be_wider(project):
    options = "baselines.wide_window=48000"
    result = project.kedro("run", *PIPELINES, "--params", options, check=False)
    line = result.stderr.splitlines()[-1]
    assert line.startswith("Error: parameters:baselines.wide_window: Value error, not longer than cis_window (48000)")
    assert project.outputs() == []


@pytest.mark.real_data
@pytest.mark.slow
def test_run__the_whole_chromosome_from_dosages(project, shared_data):
    """APOL1 lies at 36 Mb, where the FASTA has no sequence."""
    file = "geuvadis343.hm3.chr22_full.plink2_asis_A2ref.vcf.gz"
    options = (
        f"raw_dir={shared_data},genotypes={file},data_prep.sample_ids=fid_iid,baselines.reference=none,"
        "run_name=chr22_full,gene=COMT+CLTCL1+APOL1,evaluation.fold_seeds=0"
    )
    project.kedro("run", "--env", "geuvadis", *PIPELINES, "--params", options)
    found = read(project, "geuvadis/chr22_full")
    scores = found["baseline_scores"].set_index(["gene_name", "model"])["pearson_r"]
    assert set(found["baseline_scores"]["n"]) == {343}
    for model in BASELINES:
        assert scores["CLTCL1", model] > 0.4
    assert found["cis_windows"]["n_variants"].min() > 20
    audit = found["input_audit"]
    assert audit[audit["record_class"] == "REF"]["count"].item() == len(
        pd.read_parquet(project.root / "data/03_primary/geuvadis/chr22_full/variants/records.parquet")
    )
