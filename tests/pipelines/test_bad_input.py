"""Each bad input: one last line that names file, record and remedy, exit code 1, and no file written."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pysam
import pytest

from tests.builders.beagle import stand_in
from tests.conftest import Project


def refused(project: Project, *arguments: str) -> str:
    """The error of a run, which must be the last and only line of its kind, with nothing written."""
    before = project.outputs()
    result = project.kedro("run", *arguments, check=False)
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert result.returncode == 1, result.stdout + result.stderr
    assert lines[-1].startswith("Error: "), result.stderr
    assert sum(line.startswith("Error: ") for line in lines) == 1
    assert "Traceback" not in result.stderr + result.stdout
    assert re.fullmatch(r"Error: [^;]+: [^;]+.*; .+", lines[-1]), "where: what is wrong; what to do"
    assert project.outputs() == before
    return lines[-1]


def edit_text(path: Path, change) -> None:
    """Rewrite a gzip or BGZF file through ``change(text)``."""
    text = change(gzip.decompress(path.read_bytes()).decode())
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(text.encode())


def edit_vcf(project: Project, change) -> None:
    path = project.raw / "genotypes.vcf.gz"
    edit_text(path, change)
    pysam.tabix_index(str(path), preset="vcf", force=True)


def edit_bed_lines(project: Project, change) -> None:
    def edit(text: str) -> str:
        rows = [line.split("\t") for line in text.rstrip("\n").split("\n")]
        change(rows)
        return "\n".join("\t".join(row) for row in rows) + "\n"

    edit_text(project.raw / "expression.bed.gz", edit)


def test_run__missing_file(project):
    (project.raw / "samples.panel").unlink()
    line = refused(project)
    assert "samples.panel: the input file sample_panel is missing; check the path" in line


def test_run__fasta_without_the_contig(project):
    path = project.raw / "reference.fa.gz"
    edit_text(path, lambda text: text.replace(">22", ">23", 1))
    for suffix in (".fai", ".gzi"):
        Path(f"{path}{suffix}").unlink()
    assert "reference.fa.gz: contig 22 is not in the FASTA (contigs there: 21, 23)" in refused(project)


def test_run__one_ref_that_disagrees(project):
    changed = []

    def change(text: str) -> str:
        lines = text.split("\n")
        # Far from every gene, where no genotype is used.
        at = next(i for i, line in enumerate(lines) if re.match(r"21\t1[0-9]{4}\t\S+\t[ACGT]\t[ACGT]\t", line))
        cells = lines[at].split("\t")
        cells[3] = next(base for base in "ACGT" if base not in {cells[3], cells[4]})
        changed.append(cells[1])
        lines[at] = "\t".join(cells)
        return "\n".join(lines)

    edit_vcf(project, change)
    line = refused(project)
    assert f"genotypes.vcf.gz:21:{changed[0]}: REF differs from reference.fa.gz" in line
    assert "1 of 3,134 records differ (99.97 % agree)" in line


def test_run__no_person_in_common(project):
    edit_text(project.raw / "covariates.txt.gz", lambda text: text.replace("DEMO", "OTHER"))
    line = refused(project)
    assert "none of the 152 individuals of expression.bed.gz is in it" in line


def test_run__somebody_without_genotypes_where_all_are_required(project):
    line = refused(project, "--params", "data_prep.individuals=require")
    assert "2 of 152 individuals are not in genotypes.vcf.gz (first: DEMO" in line


def test_run__duplicate_sample_id(project):
    def change(text: str) -> str:
        header = next(line for line in text.split("\n") if line.startswith("#CHROM"))
        cells = header.split("\t")
        cells[10] = cells[9]
        return text.replace(header, "\t".join(cells), 1)

    path = project.raw / "genotypes.vcf.gz"
    edit_text(path, change)
    assert "genotypes.vcf.gz:header: sample id DEMO" in refused(project)


def test_run__text_for_a_number_in_the_expression_table(project):
    def change(rows: list[list[str]]) -> None:
        rows[3][6] = "high"

    edit_bed_lines(project, change)
    line = refused(project)
    assert re.search(
        r"expression\.bed\.gz:line 4 \(ENSD\d+\.\d+\), column DEMO\d+: 'high' is not a finite number", line
    )


def test_run__two_columns_alike_in_the_expression_table(project):
    def change(rows: list[list[str]]) -> None:
        rows[0][7] = rows[0][6]

    edit_bed_lines(project, change)
    assert re.search(r"expression\.bed\.gz:header: column DEMO\d+ stands twice", refused(project))


def test_run__a_gene_twice_in_the_expression_table(project):
    def change(rows: list[list[str]]) -> None:
        rows[5][3] = rows[2][3]

    edit_bed_lines(project, change)
    assert re.search(r"expression\.bed\.gz:line 6: gene ENSD\S+ stands twice", refused(project))


def test_run__a_window_of_unknown_sequence(project):
    line = refused(project, "--params", "sequence_build.max_n_share=0.0001")
    assert re.search(r"reference\.fa\.gz:2[12]:\d+-\d+: 0\.1 % of the window of gene ENSD\S+ is N", line)


def test_run__unknown_track(project):
    line = refused(project, "--params", "enformer.tracks=CAGE:demo blud")
    assert re.search(
        r"enformer\.tracks: 'CAGE:demo blud' fits none of the 64 tracks \(nearest: .*CAGE:demo blood", line
    )


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("enformr.preset=tiny", "parameters:enformr: no such parameter (nearest: enformer); correct the name"),
        ("enformer.preste=tiny", "parameters:enformer.preste: no such parameter (nearest: preset); correct the name"),
        ("data_prep.beagle.sed=2", "parameters:data_prep.beagle.sed: no such parameter (nearest: seed); correct the"),
        ("evaluation.n_folds=2", "parameters:evaluation.n_folds: Input should be greater than or equal to 4, got 2"),
    ],
)
def test_run__misspelt_or_impossible_parameter(project, parameter, message):
    assert message in refused(project, "--params", parameter)


@pytest.mark.parametrize("option", ["--pipeline", "--pipelines"])
def test_run__inference_before_its_inputs_exist(project, option):
    line = refused(project, option, "enformer_inference")
    assert "haplotype_windows: the stored input haplotype_windows is missing or incomplete" in line
    assert line.endswith("run the pipeline that makes it first: kedro run --pipelines sequence_build")


def test_run__unknown_pipeline(project):
    result = project.kedro("run", "--pipelines", "enformer_inferense", check=False)
    assert result.returncode == 1
    assert "enformer_inference" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_run__truncated_vcf(project):
    path = project.raw / "genotypes.vcf.gz"
    path.write_bytes(path.read_bytes()[:-40])
    assert "genotypes.vcf.gz: the file is cut short (no BGZF end block)" in refused(project)


def test_run__plain_gzip_fasta(project):
    path = project.raw / "reference.fa.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())))
    line = refused(project)
    assert "the FASTA is compressed by gzip, which allows no random access; compress it by bgzip" in line


def test_run__unphased_genotypes_stop_sequence_build(project):
    edit_vcf(project, lambda text: text.replace("0|1", "0/1"))
    unphased = r"genotypes\.vcf\.gz: [\d,]+ heterozygous calls are unphased"
    assert re.search(unphased, refused(project))
    project.kedro("run", "--pipelines", "data_prep")
    assert re.search(unphased, refused(project, "--pipelines", "sequence_build"))
    project.kedro("run", "--pipelines", "baselines")


def test_run__beagle_is_asked_for_and_not_here(project, monkeypatch):
    monkeypatch.setenv("PATH", str(project.root))
    line = refused(project, "--params", "data_prep.phase=phase")
    assert "parameters:data_prep.phase: Beagle is not here: no command beagle; install Debian's package beagle" in line
    assert "data_prep.beagle.jar" in line


def test_run__calls_that_beagle_cannot_phase(project, monkeypatch):
    called = stand_in(project.root, monkeypatch)
    edit_vcf(project, lambda text: text.replace("0|1", "0/1").replace("\t1|1\t", "\t1\t", 1))
    line = refused(project, "--pipelines", "data_prep", "--params", "data_prep.phase=phase")
    assert re.search(
        r"genotypes\.vcf\.gz:21:10132: sample DEMO\d+: the call has one allele; Beagle phases diploid", line
    )
    line = refused(project, "--params", "data_prep.phase=phase,data_prep.beagle.map=none.map")
    assert "none.map: the genetic map is missing; check data_prep.beagle.map" in line
    assert called() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--params", "evaluation.fold_seeds=-1"), "parameters:evaluation.fold_seeds.0: Input should be greater"),
        (("--params", "evaluation.fold_seeds=1+1"), "parameters:evaluation.fold_seeds: Value error, an entry stands"),
        (("--params", "evaluation.n_folds=50"), "person_folds: 150 individuals for 50 folds"),
        (
            ("--params", "expression.covariates=~ sex + bach"),
            "parameters:expression.covariates: there is no covariate bach",
        ),
        (
            ("--params", "expression.covariates=sex"),
            "parameters:expression.covariates: Value error, neither all, nor none",
        ),
        (("--params", "stacking.features=elastic_nett"), "parameters:stacking.features.0: Input should be"),
        (("--params", "enformer.weights=pyproject.toml"), "pyproject.toml: no safetensors file"),
        (("--params", "enformer=3"), "parameters:enformer: Input should be a valid dictionary"),
        (("--pipelines", "across_genes"), "expression.bed.gz: is normalised per gene: every gene has the same mean"),
        (("--runner", "ParallelRunner"), "--runner: ParallelRunner cannot pass handles"),
    ],
)
def test_run__what_cannot_work_is_refused_first(project, arguments, message):
    assert message in refused(project, *arguments)


def test_run__more_covariates_than_people_to_fit_them(project):
    def change(text: str) -> str:
        header, first, *_ = text.splitlines()
        name, *values = first.split("\t")
        rows = ["\t".join([f"{name}{i}", *(f"{float(v) + i % 7:.4f}" for v in values)]) for i in range(60)]
        return "\n".join([header, *rows]) + "\n"

    edit_text(project.raw / "covariates.txt.gz", change)
    assert "covariate_table: 60 covariates for training sets of 60 people" in refused(project)


@pytest.mark.parametrize(
    "arguments", [("--env", "nosuch"), ("--nodes", "nosuch"), ("--from-inputs", "nosuch"), ("--runner", "NoRunner")]
)
def test_run__what_kedro_refuses_is_one_line(project, arguments):
    result = project.kedro("run", *arguments, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr + result.stdout
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert project.outputs() == []
