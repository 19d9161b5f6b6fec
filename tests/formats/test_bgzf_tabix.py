"""Block-compressed files: whole or not, and whether an index is that of the file."""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pysam
import pytest

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_bgzf, is_gzip, read_blocks, require_whole
from haploformer.formats.tabix import BlockIndex, find_indices, read_index, require_index_fits
from tests.builders.genome import Cohort, Record, random_cohort, random_sequence, write_bcf, write_vcf

TEXT = "".join(f"line {i}\n" for i in range(20_000)).encode()
END_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def write_bgzf(path: Path, content: bytes) -> Path:
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(content)
    return path


def test_is_bgzf__tells_plain_gzip_and_blocks_apart(tmp_path):
    plain, zipped = tmp_path / "a.txt", tmp_path / "a.gz"
    plain.write_bytes(TEXT)
    zipped.write_bytes(gzip.compress(TEXT))
    blocked = write_bgzf(tmp_path / "b.gz", TEXT)
    assert [is_gzip(p) for p in (plain, zipped, blocked)] == [False, True, True]
    assert [is_bgzf(p) for p in (plain, zipped, blocked)] == [False, False, True]
    assert not is_bgzf(blocked, at=1)


def test_require_whole__a_file_cut_anywhere(tmp_path):
    path = write_bgzf(tmp_path / "a.gz", TEXT)
    require_whole(path)
    raw = path.read_bytes()
    for length in (len(raw) - 1, len(raw) - len(END_BLOCK), len(raw) // 2, 20):
        path.write_bytes(raw[:length])
        with pytest.raises(InputError, match=r"a.gz: the file is cut short \(no BGZF end block\); copy"):
            require_whole(path)


def test_read_blocks__give_the_content_from_any_block_on(tmp_path):
    path = write_bgzf(tmp_path / "a.gz", TEXT)
    blocks = list(read_blocks(path))
    assert b"".join(content for _, content in blocks) == TEXT
    assert len(blocks) > 3
    assert blocks[-1][1] == b""
    assert list(read_blocks(path, start=blocks[2][0])) == blocks[2:]


@pytest.mark.parametrize("where", ["header", "data", "checksum", "length", "cut"])
def test_read_blocks__refuse_a_damaged_block(tmp_path, where):
    path = write_bgzf(tmp_path / "a.gz", TEXT)
    second, third = [at for at, _ in read_blocks(path)][1:3]
    raw = bytearray(path.read_bytes())
    if where == "cut":
        del raw[third - 30 :]
    else:
        raw[{"header": second + 12, "data": second + 1000, "checksum": third - 8, "length": third - 1}[where]] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match=f"a.gz:byte {second}: a compressed block is damaged; copy or make"):
        list(read_blocks(path))


def test_require_count__of_the_contig_by_its_number():
    index = BlockIndex(Path("g.vcf.gz.tbi"), ["21", "22", "X"], [(0, 9), (9, 20), None], [3, 4, None])
    index.require_count(0, 3, "g.vcf.gz:21")
    index.require_count(2, 7, "g.vcf.gz:X")
    with pytest.raises(InputError) as error:
        index.require_count(1, 3, "g.vcf.gz:22")
    assert str(error.value) == (
        "g.vcf.gz:22: 3 records can be read, the index g.vcf.gz.tbi counts 4; copy or make the file again; "
        "if records were removed on purpose, make the index again: bcftools index -f"
    )


# Indices ---------------------------------------------------------------------------------------------------------


def cohort(seed: int, *, contigs: tuple[str, ...] = ("21", "22"), length: int = 12_000) -> Cohort:
    rng = np.random.default_rng(seed)
    found = Cohort([f"S{i}" for i in range(40)])
    for contig in contigs:
        found.records += random_cohort(random_sequence(length, rng), rng, n_samples=40, contig=contig).records
    return found


def indexed(path: Path, content: Cohort, kind: str) -> Path:
    lengths = {"21": 12_000, "22": 12_000, "20": 500}
    vcf = write_vcf(path.with_suffix(".vcf.gz"), content, lengths, index=False)
    if kind == "bcf":
        return write_bcf(path.with_suffix(".bcf"), vcf)
    pysam.tabix_index(str(vcf), preset="vcf", force=True, csi=kind == "csi")
    return vcf


@pytest.mark.parametrize("kind", ["tbi", "csi", "bcf"])
def test_read_index__names_and_places_of_the_records(tmp_path, kind):
    path = indexed(tmp_path / "g", cohort(0), kind)
    [found] = find_indices(path)
    index = read_index(found)
    assert index.names == (None if kind == "bcf" else ["21", "22"])
    spans = [span for span in index.spans if span]
    assert len(spans) == 2
    here = [record.contig for record in cohort(0).records]
    counted = [n for n, span in zip(index.counts, index.spans, strict=True) if span]
    assert counted == [here.count("21"), here.count("22")]
    assert spans[0][1] == spans[1][0]
    first, second = (dict(read_blocks(path, start=s >> 16)) for s, _ in spans)
    if kind != "bcf":
        assert first[spans[0][0] >> 16][spans[0][0] & 0xFFFF :].startswith(b"21\t")
        assert second[spans[1][0] >> 16][spans[1][0] & 0xFFFF :].startswith(b"22\t")


@pytest.mark.parametrize("kind", ["tbi", "csi", "bcf"])
def test_require_index_fits__its_own_index(tmp_path, kind):
    path = indexed(tmp_path / "g", cohort(0), kind)
    [index] = map(read_index, find_indices(path))
    for contigs in (["21"], ["22"], ["21", "22"], []):
        require_index_fits(index, path, contigs)


@pytest.mark.parametrize("kind", ["tbi", "csi", "bcf"])
@pytest.mark.parametrize("change", ["other calls", "fewer records", "other contig", "cut at a block"])
def test_require_index_fits__refuses_the_index_of_another_file(tmp_path, kind, change):
    path = indexed(tmp_path / "g", cohort(0), kind)
    [found] = find_indices(path)
    index = read_index(found)
    if change == "cut at a block":
        blocks = [at for at, _ in read_blocks(path)]
        path.write_bytes(path.read_bytes()[: blocks[len(blocks) // 2]] + END_BLOCK)
    else:
        other = cohort(1) if change == "other calls" else cohort(0)
        if change == "fewer records":
            del other.records[-1]
        if change == "other contig":
            for record in other.records:
                record.contig = "20" if record.contig == "21" else record.contig
        shutil.copy(indexed(tmp_path / "other", other, kind), path)
    with pytest.raises(InputError) as error:
        require_index_fits(index, path, ["21", "22"])
    assert str(error.value) == (
        f"{found}: the index does not belong to {path.name} as it is now; make the index again: bcftools index -f"
    )


@pytest.mark.parametrize("kind", ["tbi", "csi", "bcf"])
def test_require_index_fits__a_flipped_bit_among_the_records_to_read(tmp_path, kind):
    path = indexed(tmp_path / "g", cohort(0), kind)
    [index] = map(read_index, find_indices(path))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 16
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match="a compressed block is damaged"):
        require_index_fits(index, path, ["21", "22"])


def test_require_index_fits__damage_in_a_contig_that_is_not_read_is_no_matter(tmp_path):
    path = indexed(tmp_path / "g", cohort(0), "tbi")
    [index] = map(read_index, find_indices(path))
    blocks = [at for at, _ in read_blocks(path)]
    raw = bytearray(path.read_bytes())
    raw[blocks[1] - 8] ^= 1
    path.write_bytes(bytes(raw))
    assert index.spans[1][0] >> 16 >= blocks[1]
    require_index_fits(index, path, ["22"])
    with pytest.raises(InputError, match="damaged"):
        require_index_fits(index, path, ["21"])


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000)])
def test_read_index__no_index(tmp_path, content):
    path = tmp_path / "g.vcf.gz.tbi"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"g.vcf.gz.tbi: not a readable index \(.tbi, .csi\); make the index again"):
        read_index(path)


@pytest.mark.parametrize(("place", "value"), [(0, 0x84), (3, 0x84), (0, 1)])
def test_read_index__a_bin_that_cannot_be(tmp_path, place, value):
    path = indexed(tmp_path / "g", cohort(0), "bcf")
    [found] = find_indices(path)
    content = bytearray(gzip.decompress(found.read_bytes()))
    depth = int.from_bytes(content[8:12], "little")
    # The number of the bin that holds counts, before its place in the file, which is 0, and its two chunks.
    counts_bin = struct.pack("<IQi", ((1 << 3 * (depth + 1)) - 1) // 7 + 1, 0, 2)
    content[content.rindex(counts_bin) + place] = value
    write_bgzf(found, bytes(content))
    with pytest.raises(InputError, match=r"g.bcf.csi: not a readable index \(.tbi, .csi\); make the index again"):
        read_index(found)


def test_read_index__a_folder_in_its_place(tmp_path):
    # htslib takes it for the index, too.
    (tmp_path / "g.vcf.gz.csi").mkdir()
    [path] = find_indices(tmp_path / "g.vcf.gz")
    with pytest.raises(InputError, match=r"g.vcf.gz.csi: not a readable index"):
        read_index(path)


@pytest.mark.parametrize("magic", [b"TBI\1", b"CSI\1", b"BAI\1"])
def test_read_index__numbers_that_lead_nowhere(tmp_path, magic):
    for content in (b"\xff" * 400, b"\x7f\xff\xff\x7f" * 100, b"\1\0\0\0" * 100):
        path = write_bgzf(tmp_path / "g.tbi", magic + content)
        with pytest.raises(InputError, match="not a readable index"):
            read_index(path)


def test_require_index_fits__a_line_that_goes_on_in_the_next_block(tmp_path):
    # The header ends one byte before the end of a block, so that the first record's contig does too.
    record = Record(5, "A", "C", ["0|1"] * 40, contig="21")
    lengths = {"21": 100}
    samples = [f"S{i}" for i in range(40)]
    path = write_vcf(tmp_path / "g.vcf.gz", Cohort(samples, [record]), lengths, index=False)
    text = gzip.decompress(path.read_bytes())
    header = text[: text.index(b"\n21\t") + 1]
    padding = 65_280 - 1 - len(header) - len(b"##x=\n")
    first, rest = text.split(b"\n", 1)
    write_bgzf(path, first + b"\n##x=" + b"y" * padding + b"\n" + rest)
    pysam.tabix_index(str(path), preset="vcf", force=True)
    [index] = map(read_index, find_indices(path))
    assert index.spans[0][0] & 0xFFFF == 65_279
    require_index_fits(index, path, ["21"])
