"""Files of sequences: FASTA, or BED of regions."""

from __future__ import annotations

import gzip

import pytest

from haploformer.errors import InputError
from haploformer.formats.sequences import read_sequences


def test_read_sequences__fasta(tmp_path):
    path = tmp_path / "s.fa"
    path.write_text(">chr1 first\nACGT\nAC\n>mine\nTTTTTT\n")
    found = read_sequences(path)
    assert found.regions.values.tolist() == [["chr1", "1", 0, 6], ["mine", "mine", 0, 6]]
    assert found.fasta is not None
    assert len(found.sha256) == 64


@pytest.mark.parametrize("zipped", [False, True])
def test_read_sequences__bed(tmp_path, zipped):
    text = "track name=x\n# a comment\nchr1\t10\t20\tpromoter\t0\t-\n2\t5\t15\n\n"
    path = tmp_path / ("r.bed.gz" if zipped else "r.bed")
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    found = read_sequences(path)
    assert found.regions.values.tolist() == [["promoter", "1", 10, 20], ["2:6-15", "2", 5, 15]]
    assert found.fasta is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"chr1 10 20\n", "r.bed:line 1: neither a FASTA"),
        (b"chr1\t10\t20\nchr1\t-5\t5\n", "r.bed:line 2: neither a FASTA"),
        (b"chr1\t10\n", "r.bed:line 1: neither a FASTA"),
        (b"chr1\t1\t" + b"2" * 5000 + b"\n", "r.bed:line 1: neither a FASTA"),
        ("chr1\t1\t\u0662\n".encode(), "r.bed:line 1: neither a FASTA"),
        (gzip.compress(b"chr1\t10\t20\n", mtime=0)[:-4], "r.bed: cannot be decompressed"),
        (gzip.compress(b"chr1\t10\t20\n", mtime=0)[:-5] + b"\1" * 5, "r.bed: cannot be decompressed"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "r.bed: cannot be decompressed"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xff\xff\xff", "r.bed: cannot be decompressed"),
        (b"\xff\xfe\x00", "r.bed: neither a FASTA nor a BED"),
        (b"", "r.bed: the file of sequences is empty"),
    ],
)
def test_read_sequences__what_is_neither(tmp_path, content, message):
    path = tmp_path / "r.bed"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_sequences(path)
    assert message in str(error.value)


def test_read_sequences__absent(tmp_path):
    with pytest.raises(InputError, match=r"none\.fa: the file of sequences is missing"):
        read_sequences(tmp_path / "none.fa")
