"""Small files that are large inside: refused at once, or read in bounded time and memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from pathlib import Path

import pytest

from haploformer.errors import InputError
from haploformer.formats.gene_annotation import read_gene_annotation
from haploformer.formats.tabix import read_index
from haploformer.formats.text_tables import read_text_table
from haploformer.formats.vcf import VcfFile
from tests.builders.damage import END_BLOCK
from tests.builders.genome import Cohort, Record, vcf_text

GIB = 1 << 30
BLOCK = 65_280


def bomb(path: Path, start: bytes, filling: bytes) -> Path:
    """A BGZF file of 2 to 6 MB that holds ``start``, then a GiB of ``filling``; the end block stands at the end."""
    block = _block(path, (filling * BLOCK)[:BLOCK])
    with path.open("wb") as stream:
        stream.write(_block(path.with_suffix(".start"), start))
        for _ in range(GIB // BLOCK):
            stream.write(block)
        stream.write(END_BLOCK)
    assert path.stat().st_size < 6_000_000
    return path


def _block(path: Path, content: bytes) -> bytes:
    import pysam

    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(content)
    return path.read_bytes()[: -len(END_BLOCK)]


HEADER, LINE = b"##fileformat=VCFv4.3\n", b"##x=" + b"y" * 30_000 + b"\n"


@pytest.mark.parametrize(
    ("name", "start", "filling", "read", "message"),
    [
        (
            "g.vcf.gz",
            HEADER,
            b"##x=" + b"y" * 250 + b"\n",
            lambda p: VcfFile(p).check(),
            "header: the header is longer than 67,108,864",
        ),
        ("g.vcf.gz", HEADER + b"##x=", b"y", lambda p: VcfFile(p).check(), "header: the header is longer than"),
        ("g.bcf", b"BCF\2\2\0\0\0\x40", b"##x=y\n", lambda p: VcfFile(p).check(), "header: the header is longer than"),
        ("g.csi", b"CSI\1" + bytes(8), b"\0", read_index, "not a readable index"),
        ("t.gz", b"a\tb\n", b"y", lambda p: read_text_table(p, what="x"), "line 2: the line is longer than 67,108,864"),
        ("t.gz", b"a\tb", b"\ty", lambda p: read_text_table(p, what="x"), "line 1: the line is longer than"),
        ("t.gtf.gz", b"##x\n", b"y", read_gene_annotation, "line 2: the line is longer than"),
    ],
    ids=["header lines", "one header line", "BCF", "index", "row", "columns", "GTF"],
)
def test_bomb__a_gib_inside_a_few_megabytes(tmp_path, name, start, filling, read, message):
    path, begin = bomb(tmp_path / name, start, filling), time.monotonic()
    with pytest.raises(InputError, match=message):
        read(path)
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("content", [b"TBI\1\xff\xff\xff\x0f" + bytes(28), b"CSI\1" + bytes(12) + b"\xff\xff\xff\x0f"])
def test_read_index__more_contigs_than_any_genome_has(tmp_path, content):
    path = tmp_path / "g.tbi"
    path.write_bytes(_block(path, content + bytes(50_000)) + END_BLOCK)
    with pytest.raises(InputError, match="not a readable index"):
        read_index(path)


#: A tenth of a million contigs or samples within a tenth of 60 s, beside the imports; and within 4 GiB.
SCALE = 100_000
SCRIPT = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from pathlib import Path
from haploformer.formats.vcf import VcfFile
from tests.builders.genome import MemoryReference
file, start = VcfFile(Path(sys.argv[1])), time.monotonic()
file.check()
found = file.check_records(["22"], MemoryReference({"22": "ACGT" * 9}), sample_ids=file.sample_ids)
print(found.n_compared, found.n_calls, time.monotonic() - start < 6)
"""


@pytest.mark.parametrize("what", ["contigs", "samples"])
def test_check_records__very_many_contigs_or_samples(tmp_path, what):
    n_contigs, n_samples = (SCALE, 1) if what == "contigs" else (1, SCALE)
    records = [Record(pos, "A", "C", ["0|1"] * n_samples) for pos in (1, 5, 9)]
    lengths = {"22": 36} | {f"c{i}": 1000 for i in range(n_contigs - 1)}
    path = tmp_path / "g.vcf.gz"
    path.write_bytes(gzip.compress(vcf_text(Cohort([f"S{i}" for i in range(n_samples)], records), lengths).encode(), 1))
    result = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, timeout=60)
    assert result.stdout.split() == ["3", str(3 * n_samples), "True"], result.stderr
