"""Recorded checksums: a file that is not the one recorded is refused, whatever kind of file it is."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from bed_reader import to_bed

from haploformer.errors import InputError
from haploformer.formats.checksums import checksum_path, require_recorded_checksum
from haploformer.formats.fasta import FastaReference
from haploformer.formats.gene_annotation import read_gene_annotation
from haploformer.formats.input_files import InputFile, describe_input
from haploformer.formats.known_answer import read_known_answer
from haploformer.formats.plink1 import PlinkFile
from haploformer.formats.sequences import read_sequences
from haploformer.formats.text_tables import read_text_table
from haploformer.formats.vcf import VcfFile
from tests.builders.damage import record_checksum
from tests.builders.genome import Cohort, Record, write_fasta, write_vcf

DIGEST = hashlib.sha256(b"content").hexdigest()


@pytest.fixture
def path(tmp_path) -> Path:
    made = tmp_path / "a file.txt"
    made.write_bytes(b"content")
    return made


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        require_recorded_checksum(path)
    return str(error.value).replace(f"{path.parent}/", "")


def test_require_recorded_checksum__without_a_record_nothing_is_compared(path):
    require_recorded_checksum(path)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
@pytest.mark.parametrize("binary", [(), ("--binary",)])
@pytest.mark.parametrize("folder", [False, True])
def test_require_recorded_checksum__as_sha256sum_writes_it(path, binary, folder):
    name = str(path) if folder else path.name
    written = subprocess.run(["sha256sum", *binary, name], cwd=path.parent, capture_output=True, check=True).stdout
    checksum_path(path).write_bytes(written)
    require_recorded_checksum(path)
    path.write_bytes(b"contend")
    assert "is not the file whose sha256" in refusal(path)


@pytest.mark.parametrize("text", [DIGEST, DIGEST.upper() + "\n", f"{'0' * 64}  other.txt\n{DIGEST}  a file.txt\r\n"])
def test_require_recorded_checksum__other_spellings(path, text):
    checksum_path(path).write_text(text)
    require_recorded_checksum(path)


def test_require_recorded_checksum__another_content(path):
    record_checksum(path)
    path.write_bytes(b"contend")
    found = hashlib.sha256(b"contend").hexdigest()
    assert refusal(path) == (
        f"a file.txt: is not the file whose sha256 a file.txt.sha256 records (there {DIGEST[:12]}, here {found[:12]}); "
        "copy it again; if it was changed on purpose, record it anew: sha256sum a file.txt > a file.txt.sha256"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no output of sha256sum"),
        ("hello\n", "is no output of sha256sum"),
        (DIGEST[:-1] + "  a file.txt\n", "is no output of sha256sum"),
        (f"{DIGEST}  other.txt\n", "tells of other.txt, not of a file.txt"),
    ],
)
def test_require_recorded_checksum__a_record_that_says_nothing_of_the_file(path, text, problem):
    checksum_path(path).write_text(text)
    assert refusal(path).startswith(
        f"a file.txt.sha256: the recorded checksum {problem}; make it again: sha256sum a file"
    )


def test_require_recorded_checksum__a_known_sha256_is_not_computed_again(path):
    record_checksum(path)
    path.unlink()
    require_recorded_checksum(path, compute=lambda: DIGEST)


def write_inputs(folder: Path) -> dict[str, tuple[Path, object]]:
    """A file of each kind, and what reads it."""
    fasta = write_fasta(folder / "r.fa.gz", {"22": "ACGT" * 20})
    vcf = write_vcf(folder / "g.vcf.gz", Cohort(["A"], [Record(1, "A", "C", ["0|1"])]), {"22": 80})
    to_bed(folder / "g.bed", [[1.0]])
    table, gtf, known, regions = (folder / name for name in ("t.txt", "g.gtf", "k.json", "s.bed"))
    table.write_text("gene_id\tindividual_id\tenformer\nE1\tP1\t0.5\n")
    gtf.write_text('22\tx\tgene\t8\t9\t.\t+\t.\tgene_id "E1"\n')
    known.write_text('{"truth": "t.txt"}')
    regions.write_text("22\t1\t9\n")
    return {
        "fasta": (fasta, lambda: FastaReference(fasta).check()),
        "vcf": (vcf, lambda: VcfFile(vcf).check()),
        "bed": (folder / "g.bed", lambda: PlinkFile(folder / "g").check()),
        "bim": (folder / "g.bim", lambda: PlinkFile(folder / "g").check()),
        "fam": (folder / "g.fam", lambda: PlinkFile(folder / "g").check()),
        "table": (table, lambda: read_text_table(table, what="table")),
        "gtf": (gtf, lambda: read_gene_annotation(gtf)),
        "known answer": (known, lambda: read_known_answer(known)),
        "truth": (table, lambda: read_known_answer(known)),
        "sequences": (regions, lambda: read_sequences(regions)),
    }


KINDS = ["fasta", "vcf", "bed", "bim", "fam", "table", "gtf", "known answer", "truth", "sequences"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_input__is_compared_with_its_checksum(tmp_path, kind):
    path, read = write_inputs(tmp_path)[kind]
    record_checksum(path)
    read()
    record = checksum_path(path)
    record.write_text(record.read_text().translate(str.maketrans("0123456789", "1234567890")))
    with pytest.raises(InputError, match=f"{path.name}: is not the file whose sha256 {record.name} records"):
        read()


def test_describe_input__size_compression_index_and_checksum(tmp_path):
    files = write_inputs(tmp_path)
    vcf, plink = files["vcf"][0], [tmp_path / f"g{suffix}" for suffix in (".bed", ".bim", ".fam")]
    assert describe_input([vcf]) == InputFile("g.vcf.gz", vcf.stat().st_size, "bgzip", (".tbi",), False)
    record_checksum(vcf)
    assert describe_input([vcf]).has_checksum
    size = sum(path.stat().st_size for path in plink)
    assert describe_input(plink) == InputFile("g.bed, g.bim, g.fam", size, "none", (), False)
    record_checksum(plink[0])
    assert not describe_input(plink).has_checksum
    assert describe_input([]) == InputFile(None)
