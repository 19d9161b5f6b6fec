"""BCF records that htslib does not survive: refused before it sees them, in processes that may die."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest

from haploformer.errors import InputError
from haploformer.formats.bcf import header_length
from haploformer.formats.vcf import VcfFile
from haploformer.genome.intervals import whole_contig
from tests.builders.genome import Cohort, MemoryReference, Record, vcf_text, write_bcf
from tests.builders.hostile import bgzip

REFERENCE = MemoryReference({"21": "ACGT" * 25, "22": "ACGT" * 25})
LENGTHS = {"21": 100, "22": 100}
RECORDS = [Record(pos, "A", "C", ["0|1", "1|1"], contig) for contig in ("21", "22") for pos in (1, 5, 9)]

#: Type of the values of FORMAT/GT; four bits each for how many they are and of which type.
INT8, INT16, INT32, FLOAT, TEXT, NULL = 0x21, 0x22, 0x23, 0x25, 0x37, 0x00

CHILD = """
import sys
from pathlib import Path
from haploformer.errors import InputError
from haploformer.formats.vcf import VcfFile
from tests.builders.genome import MemoryReference
for name in sys.argv[1:]:
    file = VcfFile(Path(name))
    file.check()
    try:
        found = file.check_records(["22"], MemoryReference({"22": "ACGT" * 25}), sample_ids=file.sample_ids)
        print(found.n_calls, found.n_heterozygous, flush=True)
    except InputError as error:
        print(str(error).removeprefix(name), flush=True)
"""


def write(path: Path, records: list[Record] = RECORDS, samples: tuple[str, ...] = ("A", "B"), header: str = "") -> Path:
    text = vcf_text(Cohort(list(samples), records), LENGTHS)
    vcf = path.with_suffix(".vcf")
    vcf.write_text(text.replace("#CHROM", f"{header}#CHROM", 1))
    return write_bcf(path, vcf, index=False)


def records_of(data: bytes) -> list[tuple[int, int, int]]:
    """Where each record begins, and the bytes of its two parts."""
    found, at = [], 9 + struct.unpack("<I", data[5:9])[0]
    while at < len(data):
        found.append((at, *struct.unpack("<II", data[at : at + 8])))
        at += 8 + sum(found[-1][1:])
    return found


def with_calls(data: bytes, number: int, calls: bytes, *, counts: bytes = b"") -> bytes:
    """The BCF with other bytes for the calls of a record, and other numbers of samples and fields."""
    at, n_shared, n_calls = records_of(data)[number]
    shared = data[at + 8 : at + 8 + n_shared]
    shared = shared[:20] + (counts or shared[20:24]) + shared[24:]
    rest = data[at + 8 + n_shared + n_calls :]
    return data[:at] + struct.pack("<II", len(shared), len(calls)) + shared + calls + rest


def gt(data: bytes, kind: int, values: bytes) -> bytes:
    """The calls of a record with nothing but GT."""
    at, n_shared, _ = records_of(data)[0]
    return data[at + 8 + n_shared : at + 8 + n_shared + 2] + bytes([kind]) + values


def lines_of_child(*paths: Path) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, paths)], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, f"{result.returncode}: {result.stderr}"
    return result.stdout.splitlines()


def test_check_records__calls_that_htslib_does_not_survive(tmp_path):
    data = gzip.decompress(write(tmp_path / "whole.bcf").read_bytes())
    two = struct.pack("<I", 1 << 24 | 2)
    one = struct.pack("<I", 1 << 24 | 1)
    cases = {
        "whole": (data, "6 3"),
        "text": (with_calls(data, 4, gt(data, TEXT, b"0|11|1")), ":22:5: GT holds text where alleles belong; "),
        "lone text": (with_calls(data, 4, gt(data, 0x17, b"01")), ":22:5: GT holds text where alleles belong; "),
        "no text": (with_calls(data, 4, gt(data, 0x07, b"")), ":22:5: GT holds text where alleles belong; "),
        "fractions": (with_calls(data, 4, gt(data, FLOAT, bytes(16))), ":22:5: GT holds fractions where alleles"),
        "nothing": (with_calls(data, 4, gt(data, NULL, b"")), ":22:5: GT holds nothing where alleles belong; "),
        "no numbers": (with_calls(data, 4, gt(data, 0x01, b"")), ":22:5: GT holds nothing where alleles belong; "),
        "one sample": (
            with_calls(data, 4, gt(data, INT8, b"\2\5\4\5"), counts=one),
            ":22:5: the record has 1 samples, the header 2; correct the record, or make the file again",
        ),
        "16 bits": (with_calls(data, 4, gt(data, INT16, b"\2\0\5\0\4\0\5\0")), "6 3"),
        "32 bits": (with_calls(data, 4, gt(data, INT32, b"\2\0\0\0\5\0\0\0\4\0\0\0\5\0\0\0"), counts=two), "6 3"),
        "no such type": (with_calls(data, 4, gt(data, 0x26, bytes(8))), ": cannot be read after 22:1 ("),
        "cut short": (with_calls(data, 4, gt(data, INT8, b"\2")), ": cannot be read after 22:1 ("),
        "elsewhere": (with_calls(data, 0, gt(data, TEXT, b"0|11|1")), ":21:1: GT holds text where alleles belong"),
    }
    paths = [tmp_path / f"{i}.bcf" for i in range(len(cases))]
    for path, (content, _) in zip(paths, cases.values(), strict=True):
        path.write_bytes(bgzip(content))
    for (name, (_, expected)), line in zip(cases.items(), lines_of_child(*paths), strict=True):
        assert line.startswith(expected), name


def test_check_records__of_an_indexed_bcf_the_contigs_that_are_read(tmp_path):
    data = gzip.decompress(write(tmp_path / "whole.bcf").read_bytes())
    paths = []
    for number in (0, 4):
        paths.append(tmp_path / f"{number}.bcf")
        paths[-1].write_bytes(bgzip(with_calls(data, number, gt(data, TEXT, b"0|11|1"))))
        pysam.tabix_index(str(paths[-1]), preset="bcf", force=True)
    assert lines_of_child(*paths) == [
        "6 3",
        ":22:5: GT holds text where alleles belong; correct the record, or make the file again",
    ]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bgzip])
def test_require_sound_calls__of_a_bcf_however_it_is_compressed(tmp_path, pack):
    data = gzip.decompress(write(tmp_path / "whole.bcf").read_bytes())
    path = tmp_path / "g.bcf"
    for content, is_sound in ((data, True), (with_calls(data, 5, gt(data, TEXT, b"0|11|1")), False)):
        path.write_bytes(pack(content))
        assert header_length(path) == struct.unpack("<I", data[5:9])[0]
        file = VcfFile(path)
        if is_sound:
            assert file.check_records(["21", "22"], REFERENCE, sample_ids=["B"]).n_calls == 6
            continue
        with pytest.raises(InputError, match=r"g\.bcf:22:9: GT holds text"):
            file.check_records(["22"], REFERENCE, sample_ids=["B"])
        with pytest.raises(InputError, match=r"g\.bcf:22:9: GT holds text"):
            list(file.read([whole_contig("22")], ["A"], REFERENCE))


def test_header_length__what_cannot_be_decompressed(tmp_path):
    path = tmp_path / "g.bcf"
    path.write_bytes(gzip.compress(gzip.decompress(write(tmp_path / "whole.bcf").read_bytes()))[:-9])
    with pytest.raises(InputError, match=r"g\.bcf: cannot be decompressed \(Compressed file ended"):
        header_length(path)


def test_header_length__of_another_file(tmp_path):
    path = tmp_path / "g.vcf"
    for content in (b"", b"BCF", b"##fileformat=VCFv4.3\n", b"##fileformat"):
        path.write_bytes(content)
        assert header_length(path) == 0


@pytest.mark.parametrize("n_samples", [3, 3000])
def test_require_sound_calls__gt_behind_fields_of_every_type_and_across_blocks(tmp_path, n_samples):
    """Fields are passed over by their types and lengths, GT found by the header's number for it."""
    rng = np.random.default_rng(n_samples)
    texts = ["x" * 40, "yy"]
    lines = [
        "##FORMAT=<ID=TX,Number=1,Type=String,Description=t>",
        "##FORMAT=<ID=FL,Number=.,Type=Float,Description=f>",
    ]
    lines += ["##FORMAT=<ID=NU,Number=.,Type=Integer,Description=n>"]
    calls = rng.integers(0, 2, (4, n_samples, 2))
    rows = []
    for i, record in enumerate(calls):
        numbers = ",".join(str(10**i * k) for k in range(17))
        cells = [f"{texts[(i + j) % 2]}:0.5,1e9:{numbers}:{a}|{b}" for j, (a, b) in enumerate(record)]
        rows.append("\t".join(["22", str(4 * i + 1), ".", "A", "C", ".", ".", ".", "TX:FL:NU:GT", *cells]))
    text = vcf_text(Cohort([f"S{i}" for i in range(n_samples)]), LENGTHS)
    vcf, path = tmp_path / "g.vcf", tmp_path / "g.bcf"
    header = "\n".join(lines)
    vcf.write_text(text.replace("##FORMAT", f"{header}\n##FORMAT", 1).replace("t>", '"t">') + "\n".join(rows) + "\n")
    write_bcf(path, vcf, index=False)
    file = VcfFile(path)
    [batch] = [b for b in file.read([whole_contig("22")], file.sample_ids, REFERENCE) if len(b.genotypes)]
    np.testing.assert_array_equal(batch.genotypes.alleles, calls)
    data = gzip.decompress(path.read_bytes())
    at, n_shared, n_calls = records_of(data)[3]
    gt_at = at + 8 + n_shared + n_calls - 2 * n_samples - 1
    assert data[gt_at] == INT8
    path.write_bytes(bgzip(data[:gt_at] + bytes([0x27]) + data[gt_at + 1 :]))
    with pytest.raises(InputError, match=r"g\.bcf:22:13: GT holds text where alleles belong"):
        list(file.read([whole_contig("22")], ["S1"], REFERENCE))


def test_require_sound_calls__a_header_that_does_not_number_its_entries(tmp_path):
    data = gzip.decompress(write(tmp_path / "whole.bcf").read_bytes())
    length = struct.unpack("<I", data[5:9])[0]
    header = data[9 : 9 + length]
    assert b",IDX=2>" in header
    for number in range(3):
        header = header.replace(b",IDX=%d>" % number, b">")
    plain = data[:5] + struct.pack("<I", len(header)) + header
    path = tmp_path / "g.bcf"
    path.write_bytes(bgzip(plain + with_calls(data, 4, gt(data, TEXT, b"0|11|1"))[9 + length :]))
    with pytest.raises(InputError, match=r"g\.bcf:22:5: GT holds text"):
        VcfFile(path).check_records(["22"], REFERENCE, sample_ids=["A"])
    path.write_bytes(bgzip(plain + data[9 + length :]))
    assert VcfFile(path).check_records(["22"], REFERENCE, sample_ids=["A"]).n_calls == 3
