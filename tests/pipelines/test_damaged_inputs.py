"""Damaged files: each is found by ``validate``, told in one line, and nothing is written."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from haploformer.cli import describe_error
from haploformer.pipeline_registry import register_pipelines
from haploformer.preflight import COHORT_OUTPUTS
from tests.builders import damage
from tests.builders.genome import Cohort, read_cohort, write_bcf, write_plink2
from tests.conftest import DEMO, Project, copy_project

VARIANTS = {"snp", "mnp", "insertion", "deletion"}
COHORT_INPUTS = {
    "covariate_table",
    "expression_bed",
    "gene_annotation",
    "genotype_file",
    "known_answer",
    "reference_genome",
    "relatedness_table",
    "sample_panel",
    "track_table",
}

#: Environments with the demo's genotypes in other formats.
ENVIRONMENTS = {
    "bcf": "  type: haploformer.datasets.vcf.VcfDataset\n  filepath: ${_raw}/genotypes.bcf\n",
    "plink": "  type: haploformer.datasets.plink1.PlinkDataset\n  filepath: ${_raw}/genotypes\n",
    "plink2": "  type: haploformer.datasets.plink2.Plink2Dataset\n  filepath: ${_raw}/genotypes.pgen\n",
}


@pytest.fixture(scope="module")
def validated(tmp_path_factory) -> Project:
    """A project that has run nothing, with an environment for each format."""
    made = copy_project(tmp_path_factory.mktemp("validated") / "project")
    for name, entry in ENVIRONMENTS.items():
        folder = made.root / "conf" / name
        folder.mkdir()
        raw = "_raw: ${runtime_params:raw_dir,${globals:raw_dir}}\n"
        (folder / "catalog.yml").write_text(f"{raw}genotype_file:\n{entry}")
        (folder / "parameters.yml").write_text("data_prep:\n  phase: as_written\n")
    bootstrap_project(made.root)
    return made


@pytest.fixture(scope="module")
def demo_bcf(tmp_path_factory) -> Path:
    return write_bcf(tmp_path_factory.mktemp("bcf") / "genotypes.bcf", DEMO / "genotypes.vcf.gz")


@pytest.fixture(scope="module")
def demo_pgen(tmp_path_factory) -> Path:
    path = write_plink2(tmp_path_factory.mktemp("pgen") / "genotypes", read_cohort(DEMO / "genotypes.vcf.gz"))
    return path.with_suffix("")


@pytest.fixture
def raw(tmp_path, demo_bcf, demo_pgen) -> Path:
    """The demo's files, and its genotypes as BCF and in PLINK2."""
    shutil.copytree(DEMO, tmp_path / "raw")
    for folder in (demo_bcf.parent, demo_pgen.parent):
        shutil.copytree(folder, tmp_path / "raw", dirs_exist_ok=True)
    return tmp_path / "raw"


def run(project: Project, raw: Path, env: str | None, pipeline: str) -> None:
    with KedroSession.create(project.root, env=env, runtime_params={"raw_dir": str(raw)}) as session:
        session.run(pipeline_names=[pipeline])


def vcf(change: Callable[[Path], object]) -> Callable[[Path], None]:
    """A damage of the VCF; the index beside it stays as it is."""
    return lambda raw: change(raw / "genotypes.vcf.gz") and None


def unindexed(change: Callable[[Path], object]) -> Callable[[Path], None]:
    """A damage of a VCF that has no index."""

    def apply(raw: Path) -> None:
        (raw / "genotypes.vcf.gz.tbi").unlink()
        change(raw / "genotypes.vcf.gz")

    return apply


def recorded(change: Callable[[Path], object], name: str = "genotypes.vcf.gz") -> Callable[[Path], None]:
    """A damage of a file whose checksum was recorded, and that has no index."""

    def apply(raw: Path) -> None:
        damage.record_checksum(raw / name)
        (raw / f"{name}.tbi").unlink(missing_ok=True)
        change(raw / name)

    return apply


def row(number: int, change: Callable[[list[str]], None]) -> Callable[[Path], None]:
    """A change of one record of the VCF, whose index is made after it where that can be."""
    return lambda raw: damage.edit_record(raw / "genotypes.vcf.gz", number, change, index=False) and None


def set_cell(column: int, value: str) -> Callable[[list[str]], None]:
    def change(cells: list[str]) -> None:
        cells[column] = value

    return change


def swap_samples(text: str) -> str:
    header = re.search(r"#CHROM.*", text)[0]
    cells = header.split("\t")
    return text.replace(header, "\t".join([*cells[:10], cells[9], *cells[11:]]))


def without_last_records(path: Path) -> None:
    damage.edit_text(path, lambda text: "\n".join(text.split("\n")[:-40]) + "\n")


def cut_line(path: Path) -> None:
    damage.edit_text(path, lambda text: text[: -len(text.split("\n")[-2]) // 2])


def plain_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())))


def fasta(change: Callable[[str], str], *, index: bool) -> Callable[[Path], None]:
    def apply(raw: Path) -> None:
        damage.edit_text(raw / "reference.fa.gz", change)
        if not index:
            for suffix in (".fai", ".gzi"):
                (raw / f"reference.fa.gz{suffix}").unlink()

    return apply


def shorten(path: Path, n: int) -> None:
    path.write_bytes(path.read_bytes()[:-n])


def shorten_row(name: str) -> Callable[[Path], None]:
    """Row 5 of a text file without its last cell."""

    def apply(raw: Path) -> None:
        lines = (raw / name).read_text().splitlines()
        lines[4] = lines[4].rsplit(None, 1)[0]
        (raw / name).write_text("\n".join(lines) + "\n")

    return apply


def pgen_of_others(raw: Path) -> None:
    """The .pgen of the same people with a variant less."""
    cohort = read_cohort(raw / "genotypes.vcf.gz")
    write_plink2(raw / "other", Cohort(cohort.samples, cohort.records[:-1])).replace(raw / "genotypes.pgen")


STALE = r"genotypes\.{}\.{}: the index does not belong to genotypes\.{} as it is now; make the index again"
UNREADABLE = r"genotypes\.vcf\.gz: cannot be read after 2[12]:\d+ \(.*; correct or make the file again"
CHECKSUM = r"{}: is not the file whose sha256 {}\.sha256 records \(there \w+, here \w+\); copy it again"
DAMAGED = {
    "no end block": ("", vcf(lambda p: shorten(p, 28)), r"vcf\.gz: the file is cut short \(no BGZF end block\); copy"),
    "cut at a block": (
        "",
        vcf(lambda p: damage.cut_at_block(p, end_block=False)),
        r"vcf\.gz: the file is cut short \(no BGZF end block\); copy",
    ),
    "cut at a block, end block added": (
        "",
        vcf(lambda p: damage.cut_at_block(p, end_block=True)),
        STALE.format(r"vcf\.gz", "tbi", r"vcf\.gz"),
    ),
    "cut at a block, end block added, no index": (
        "",
        recorded(lambda p: damage.cut_at_block(p, end_block=True)),
        CHECKSUM.format(r"genotypes\.vcf\.gz", r"genotypes\.vcf\.gz"),
    ),
    "cut at a block, end block added, BCF": (
        "bcf",
        lambda raw: damage.cut_at_block(raw / "genotypes.bcf", end_block=True),
        STALE.format("bcf", "csi", "bcf"),
    ),
    "flipped bit": (
        "",
        vcf(damage.flip_bit),
        r"vcf\.gz:byte \d+: a compressed block is damaged; copy or make the file",
    ),
    "flipped bit, no index": ("", unindexed(damage.flip_bit), UNREADABLE),
    "flipped bit, BCF": (
        "bcf",
        lambda raw: damage.flip_bit(raw / "genotypes.bcf"),
        r"genotypes\.bcf:byte \d+: a compressed block is damaged; copy or make the file",
    ),
    "plain gzip, cut": ("", unindexed(lambda p: (plain_gzip(p), shorten(p, 9_000))), UNREADABLE),
    "plain gzip, index of the bgzipped file": ("", vcf(plain_gzip), STALE.format(r"vcf\.gz", "tbi", r"vcf\.gz")),
    "plain gzip FASTA": (
        "",
        lambda raw: plain_gzip(raw / "reference.fa.gz"),
        r"reference\.fa\.gz: the FASTA is compressed by gzip, which allows no random access; compress it by bgzip",
    ),
    "cut line": ("", unindexed(cut_line), r"genotypes\.vcf\.gz: cannot be read after 22:\d+ \(.*; correct or make the"),
    "lost line, index": (
        "",
        vcf(damage.lose_line),
        r"vcf\.gz:22: 1,626 records can be read, the index genotypes\.vcf\.gz\.tbi counts 1,627; copy or make the file",
    ),
    "lost lines, checksum": (
        "",
        recorded(without_last_records),
        CHECKSUM.format(r"genotypes\.vcf\.gz", r"genotypes\.vcf\.gz"),
    ),
    "another covariate table": (
        "",
        recorded(lambda p: damage.edit_text(p, lambda text: text.replace("0.1", "0.2", 1)), "covariates.txt.gz"),
        CHECKSUM.format(r"covariates\.txt\.gz", r"covariates\.txt\.gz"),
    ),
    "duplicate sample": (
        "",
        vcf(lambda p: damage.edit_text(p, swap_samples)),
        r"vcf\.gz:header: sample id DEMO\d+ stands 2 times; give each sample an id of its own",
    ),
    "short row": ("", row(700, lambda cells: cells.pop()), UNREADABLE),
    "text for POS": ("", row(700, set_cell(1, "abc")), UNREADABLE),
    "text for GT": ("", row(700, set_cell(20, "x|y")), UNREADABLE),
    "allele above the ALT count": (
        "",
        row(700, set_cell(20, "0|3")),
        r"vcf\.gz:21:\d+: sample DEMO\d+ carries allele 3, the record has 1 ALT; correct the record or leave it out",
    ),
    "three alleles": (
        "",
        row(700, set_cell(20, "0|1|0")),
        r"vcf\.gz:21:\d+: the call of sample DEMO\d+ has 3 alleles; leave out samples that are not diploid",
    ),
    "no GT": (
        "",
        row(700, set_cell(8, "DP")),
        r"vcf\.gz:21:\d+: the record has no GT; give a VCF with genotypes",
    ),
    "empty file": (
        "",
        vcf(lambda p: p.write_bytes(b"")),
        r"vcf\.gz: the genotype file is empty; copy or make the file",
    ),
    "binary file": (
        "",
        unindexed(lambda p: p.write_bytes(bytes(range(256)) * 40)),
        r"vcf\.gz: no #CHROM header line; give",
    ),
    "stale .tbi": ("", vcf(without_last_records), STALE.format(r"vcf\.gz", "tbi", r"vcf\.gz")),
    "stale .csi of a BCF": (
        "bcf",
        lambda raw: write_bcf(
            raw / "genotypes.bcf", damage.edit_record(raw / "genotypes.vcf.gz", 9, set_cell(2, "x")), index=False
        ),
        STALE.format("bcf", "csi", "bcf"),
    ),
    "stale .fai": (
        "",
        fasta(lambda text: text.replace(">21", ">21 assembled", 1), index=True),
        r"reference\.fa\.gz:\S+: the index does not fit the FASTA \(.*\); remove the \.fai and \.gzi",
    ),
    "blank lines in the FASTA": (
        "",
        fasta(lambda text: text.replace("\nA", "\n\nA", 20), index=False),
        r"reference\.fa\.gz: not a FASTA that can be indexed \(.*\); give a FASTA",
    ),
    "truncated .bed": (
        "plink",
        lambda raw: shorten(raw / "genotypes.bed", 100),
        r"genotypes\.bed: has [\d,]+ bytes; 3,134 variants of 153 people are 122,229; give \.bed, \.bim and \.fam of one",
    ),
    "short row of the .fam": (
        "plink",
        shorten_row("genotypes.fam"),
        r"genotypes\.fam:line 5: has 5 columns, 6 are expected; correct it",
    ),
    "truncated .pgen": (
        "plink2",
        lambda raw: shorten(raw / "genotypes.pgen", 100),
        r"genotypes\.pgen: has [\d,]+ bytes; its header says [\d,]+; the file is cut short or damaged: copy or make it",
    ),
    "truncated header of the .pgen": (
        "plink2",
        lambda raw: (raw / "genotypes.pgen").write_bytes((raw / "genotypes.pgen").read_bytes()[:90]),
        r"genotypes\.pgen: has no whole header; the file is cut short or damaged: copy or make it again",
    ),
    "short row of the .psam": (
        "plink2",
        shorten_row("genotypes.psam"),
        r"genotypes\.psam:line 5: has 1 columns, 2 are expected; correct it",
    ),
    ".pvar cut within a row": (
        "plink2",
        lambda raw: shorten(raw / "genotypes.pvar", 10),
        r"genotypes\.pvar: the last line does not end, the file may be cut short; copy it again, or end the line",
    ),
    ".pvar cut between rows": (
        "plink2",
        lambda raw: damage.cut_lines(raw / "genotypes.pvar", 34),
        r"genotypes\.pgen: has 3,134 variants of 153 people; \.pvar and \.psam have 3,100 and 153; give \.pgen, \.pvar and",
    ),
    ".pgen of another file set": (
        "plink2",
        pgen_of_others,
        r"genotypes\.pgen: has 3,133 variants of 153 people; \.pvar and \.psam have 3,134 and 153; give \.pgen, \.pvar and",
    ),
    ".pgen of another file set of the same size": (
        "plink2",
        recorded(damage.flip_bit, "genotypes.pgen"),
        CHECKSUM.format(r"genotypes\.pgen", r"genotypes\.pgen"),
    ),
    "another .bed of the same size": (
        "plink",
        recorded(damage.flip_bit, "genotypes.bed"),
        CHECKSUM.format(r"genotypes\.bed", r"genotypes\.bed"),
    ),
}


def refused(project: Project, raw: Path, env: str | None, pipeline: str) -> str:
    """The line that a run ends with, which writes nothing."""
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    with pytest.raises(Exception) as error:  # noqa: PT011
        run(project, raw, env, pipeline)
    line = describe_error(error.value)
    assert line is not None, "not an error that the user can mend"
    assert "\n" not in line
    assert project.outputs() == []
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == before
    return line


@pytest.mark.parametrize("name", DAMAGED)
def test_validate__finds_a_damaged_file(validated, raw, name):
    env, apply, expected = DAMAGED[name]
    apply(raw)
    line = refused(validated, raw, env or None, "validate")
    assert re.fullmatch(rf"[^;]*/[^;]*{expected}.*", line), line


@pytest.mark.parametrize("name", ["lost line, index", "allele above the ALT count", "truncated .bed"])
@pytest.mark.parametrize("pipeline", ["data_prep", "__default__"])
def test_run__every_pipeline_refuses_what_validate_refuses(validated, raw, name, pipeline):
    env, apply, expected = DAMAGED[name]
    apply(raw)
    line = refused(validated, raw, env or None, pipeline)
    assert re.fullmatch(rf"[^;]*/[^;]*{expected}.*", line), line


@pytest.fixture
def validation(validated, raw) -> Callable[[str | None], pd.DataFrame]:
    """Run ``validate`` on the files as they are, and take its table away."""

    def validate(env: str | None) -> pd.DataFrame:
        run(validated, raw, env, "validate")
        [path] = validated.outputs()
        assert path == validated.root / "data/08_reporting/demo/input_validation.parquet"
        table = pd.read_parquet(path)
        path.unlink()
        return table

    return validate


def counts(table: pd.DataFrame, name: str) -> dict[tuple[str, str, str], int]:
    rows = table[table["input"] == name]
    return rows.groupby(["record_class", "outcome", "reason"])["count"].sum().to_dict()


def test_validate__tells_what_the_demo_holds(validation, raw):
    for name in ("genotypes.vcf.gz", "reference.fa.gz", "expression.bed.gz"):
        damage.record_checksum(raw / name)
    table = validation(None)
    assert table["input"].unique().tolist() == sorted(name for name in COHORT_INPUTS)
    assert counts(table, "genotype_file") == {
        ("snp", "kept", "used"): 2832,
        ("mnp", "kept", "used"): 12,
        ("insertion", "kept", "used"): 104,
        ("deletion", "kept", "used"): 114,
        ("snp", "dropped", "far from every gene"): 62,
        ("insertion", "dropped", "far from every gene"): 4,
        ("deletion", "dropped", "far from every gene"): 6,
        ("REF", "kept", "compared with reference.fa.gz: equal"): 3134,
        ("call", "kept", "heterozygous, phased"): 90090,
        ("call", "kept", "one allele"): 369210,
        ("individual", "kept", "used"): 150,
        ("individual", "dropped", "not in expression.bed.gz"): 3,
    }
    assert counts(table, "expression_bed") == {
        ("gene", "kept", "used"): 24,
        ("individual", "kept", "used"): 150,
        ("individual", "dropped", "not in genotypes.vcf.gz"): 2,
    }
    assert counts(table, "reference_genome") == {
        ("base", "kept", "on a contig with genes"): 1_480_000,
        ("window", "kept", "known sequence"): 24,
    }
    assert counts(table, "track_table") == {
        ("track", "kept", "of the tissue"): 4,
        ("track", "kept", "of other tissues"): 60,
    }
    files = table.drop_duplicates("input").set_index("input")
    assert files.loc["genotype_file", ["file", "compression", "indices"]].tolist() == [
        "genotypes.vcf.gz",
        "bgzip",
        ".tbi",
    ]
    assert files.loc["genotype_file", "n_bytes"] == (raw / "genotypes.vcf.gz").stat().st_size
    assert files.index[files["checksum"]].tolist() == ["expression_bed", "genotype_file", "reference_genome"]


def test_validate__prints_a_line_per_input_and_writes_one_table(project):
    result = project.kedro("run", "--pipelines", "validate")
    lines = result.stdout.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("input "))
    assert {line.split()[0] for line in lines[header + 1 : -1]} == COHORT_INPUTS
    assert len(lines) == header + 2 + len(COHORT_INPUTS)
    assert lines[-1].endswith("data/08_reporting/demo/input_validation.parquet")
    assert [path.name for path in project.outputs()] == ["input_validation.parquet"]


def test_validate__counts_are_those_of_the_data_preparation(validated, raw):
    with KedroSession.create(validated.root, runtime_params={"raw_dir": str(raw)}) as session:
        session.run(pipeline_names=["validate", "data_prep"])
    data = validated.root / "data"
    audit = pd.read_parquet(data / "03_primary/demo/input_audit.parquet")
    table = pd.read_parquet(data / "08_reporting/demo/input_validation.parquet")
    for folder in ("03_primary", "08_reporting"):
        shutil.rmtree(data / folder)
    assert validated.outputs() == []
    for name, source in {"genotype_file": "genotypes.vcf.gz", "expression_bed": "expression.bed.gz"}.items():
        ours = {key: n for key, n in counts(table, name).items() if key[0] not in {"REF", "call"}}
        theirs = audit[audit["source"] == source].groupby(["record_class", "outcome", "reason"])["count"].sum()
        assert ours == theirs.to_dict()


@pytest.mark.parametrize("kind", ["plain gzip", "bcf", "plink", "plink2"])
def test_validate__genotypes_in_other_formats(validation, raw, kind):
    if kind == "plain gzip":
        unindexed(plain_gzip)(raw)
    table = validation(kind if kind in ENVIRONMENTS else None)
    found = counts(table, "genotype_file")
    assert sum(n for (kind_, outcome, _), n in found.items() if outcome == "kept" and kind_ in VARIANTS) == 3062
    heterozygous = "heterozygous, without a phase" if kind == "plink" else "heterozygous, phased"
    assert found["call", "kept", heterozygous] == 90090
    assert found["call", "kept", "one allele"] == 369210


def test_validate__reads_all_that_a_cohort_run_reads():
    cohort = register_pipelines()["__default__"]
    assert {name for name in cohort.inputs() if not name.startswith("params:")} == COHORT_INPUTS
    assert cohort.all_outputs() >= COHORT_OUTPUTS
    read = register_pipelines()["validate"].inputs() - {"checked_inputs"}
    assert {name for name in read if not name.startswith("params:")} == COHORT_INPUTS
