"""Real people: GEUVADIS on chromosome 22, from a phased VCF, an unphased one, and PLINK1."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pandas as pd
import pysam
import pytest

from haploformer.formats.genotype_store import read_genotypes
from haploformer.genome.genotypes import alt_dosages
from tests.conftest import Project

pytestmark = pytest.mark.real_data

PREFIX = "geuvadis343.hm3.chr22_16-22Mb"
PHASED = f"{PREFIX}.beagle_phased.vcf.gz"
VCF, PLINK = "haploformer.datasets.vcf.VcfDataset", "haploformer.datasets.plink1.PlinkDataset"


def geuvadis(project: Project, shared_data, *arguments: str, parameters: str = "", check: bool = True):
    """Run in the environment ``geuvadis`` with the tiny network."""
    extra = f",{parameters}" if parameters else ""
    options = ("--params", f"raw_dir={shared_data},enformer.preset=tiny{extra}")
    return project.kedro("run", "--env", "geuvadis", *arguments, *options, check=check)


def use_genotypes(project: Project, name: str, dataset: str = VCF) -> None:
    """Name another genotype file in the environment's catalog."""
    path = project.root / "conf/geuvadis/catalog.yml"
    text = path.read_text().replace(PHASED, name)
    path.write_text(re.sub(r"(genotype_file:\n  type: )\S+", rf"\g<1>{dataset}", text))


def stored_dosages(project: Project) -> tuple[pd.DataFrame, np.ndarray]:
    genotypes = read_genotypes(project.root / "data/03_primary/geuvadis/variants").genotypes
    return alt_dosages(genotypes)


@pytest.mark.slow
def test_run__phased_vcf_to_report(project, shared_data):
    result = geuvadis(project, shared_data, parameters="evaluation.fold_seeds=0")
    assert "58 genes, 39788 chromosome copies, 890 distinct windows" in result.stderr
    scores = pd.read_parquet(project.root / "data/08_reporting/geuvadis/gene_scores.parquet")
    assert scores["gene_id"].nunique() == 58
    assert set(scores["n"]) == {343}
    net = scores[scores["model"] == "elastic_net"].set_index(scores["gene_id"].str.split(".").str[0])["pearson_r"]
    assert net["ENSG00000070371"] > 0.4, "CLTCL1"
    assert net["ENSG00000185065"] > 0.45, "AC000068.1"
    assert net["ENSG00000093010"] > 0.15, "COMT"
    assert (project.root / "data/08_reporting/geuvadis/report.html").is_file()


def test_data_prep__unphased_vcf_and_plink1_give_the_dosages_of_the_phased_vcf(project, shared_data):
    geuvadis(project, shared_data, "--pipelines", "data_prep")
    variants, phased = stored_dosages(project)
    ids = "data_prep.sample_ids=fid_iid"

    use_genotypes(project, f"{PREFIX}.plink2.vcf.gz")
    geuvadis(project, shared_data, "--pipelines", "data_prep", parameters=ids)
    np.testing.assert_array_equal(stored_dosages(project)[1], phased)
    line = geuvadis(project, shared_data, "--pipelines", "sequence_build", parameters=ids, check=False).stderr
    assert "heterozygous calls are unphased" in line
    assert "data_prep.phase=mean" in line

    (project.root / "conf/geuvadis/catalog.yml").write_text(
        (project.root / "conf/geuvadis/catalog.yml").read_text().replace(f"{PREFIX}.plink2.vcf.gz", PHASED)
    )
    use_genotypes(project, f"{PREFIX}.bed", PLINK)
    pipelines = ("--pipelines", "data_prep,sequence_build")
    result = geuvadis(project, shared_data, *pipelines, parameters="data_prep.phase=mean")
    assert "58 genes, 19894 chromosome copies" in result.stderr
    found, dosages = stored_dosages(project)
    np.testing.assert_array_equal(dosages, phased)
    assert found[["pos", "ref", "alt"]].equals(variants[["pos", "ref", "alt"]])


def test_run__export_with_a2_as_ref_is_refused(project, shared_data):
    use_genotypes(project, f"{PREFIX}.plink2_asis_A2ref.vcf.gz")
    result = geuvadis(project, shared_data, parameters="data_prep.sample_ids=fid_iid", check=False)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert "547 of 2,184 records differ (74.95 % agree)" in line
    assert "set REF to the reference allele" in line
    assert project.outputs() == []


def test_run__doubled_ids_meet_nobody(project, shared_data):
    use_genotypes(project, f"{PREFIX}.plink2.vcf.gz")
    result = geuvadis(project, shared_data, check=False)
    line = result.stderr.splitlines()[-1]
    assert "none of the 373 individuals" in line
    assert "data_prep.sample_ids: fid_iid" in line


def test_data_prep__expression_of_another_chromosome_is_refused(project, shared_data, tmp_path):
    source = shared_data / "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz"
    wrong = tmp_path / "wrong.bed.gz"
    with pysam.BGZFile(str(wrong), "wb") as stream:
        stream.write(gzip.decompress(source.read_bytes()).replace(b"\nchr22\t", b"\nchr1\t"))
    path = project.root / "conf/geuvadis/catalog.yml"
    path.write_text(re.sub(r"filepath: \S+normalized_expression\.bed\.gz", f"filepath: {wrong}", path.read_text()))
    line = geuvadis(project, shared_data, check=False).stderr.splitlines()[-1]
    assert "wrong.bed.gz: no gene on chromosome 22 (chromosomes there: 1)" in line
