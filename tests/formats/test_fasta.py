"""Reference genomes: what the file holds, or an error; never bases of another place."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pysam
import pytest

from haploformer.errors import InputError
from haploformer.formats.fasta import FastaReference
from haploformer.genome.encoding import decode
from haploformer.genome.reference import fetch_padded
from tests.builders.genome import random_sequence, write_fasta

RNG = np.random.default_rng(0)
SEQUENCES = {"chr22": random_sequence(200_000, RNG), "chrM": random_sequence(1001, RNG)}


def fasta_text(sequences: dict[str, str], *, width: int = 60, ending: str = "\n", title: str = "") -> str:
    return "".join(
        f">{name}{title}{ending}" + "".join(s[i : i + width] + ending for i in range(0, len(s), width))
        for name, s in sequences.items()
    )


def write(path: Path, text: str) -> Path:
    """A FASTA without an index; bgzipped if its name says so."""
    if path.suffix == ".gz":
        with pysam.BGZFile(str(path), "wb") as stream:
            stream.write(text.encode())
    else:
        path.write_bytes(text.encode())
    return path


def opened(path: Path) -> FastaReference:
    reference = FastaReference(path)
    reference.check()
    return reference


@pytest.mark.parametrize("name", ["r.fa", "r.fa.gz"])
def test_read__bases_of_every_place(tmp_path, name):
    reference = opened(write(tmp_path / name, fasta_text(SEQUENCES)))
    assert dict(reference.contig_lengths) == {"22": 200_000, "MT": 1001}
    for contig, sequence in (("22", SEQUENCES["chr22"]), ("MT", SEQUENCES["chrM"])):
        n = len(sequence)
        for start, end in [(0, 1), (0, n), (59, 61), (60, 120), (n - 1, n), (n // 3, n // 2), (7, 7)]:
            assert decode(reference.read(contig, start, end)) == sequence[start:end]


def test_read__equals_pysam_at_random_places(tmp_path):
    path = write_fasta(tmp_path / "r.fa.gz", SEQUENCES)
    reference, theirs = opened(path), pysam.FastaFile(str(path))
    rng = np.random.default_rng(1)
    for start in rng.integers(0, 199_000, 40):
        end = int(start + rng.integers(1, 900))
        assert decode(reference.read("22", int(start), end)) == theirs.fetch("chr22", start, end)


@pytest.mark.parametrize("text", ["acgtnNACGT", "aCgTnNaCgT"])
def test_read__soft_masked_bases_are_bases(tmp_path, text):
    assert decode(opened(write(tmp_path / "r.fa", f">1\n{text}\n")).read("1", 0, 10)) == "ACGTNNACGT"


def test_read__other_letters_are_unknown(tmp_path):
    reference = opened(write(tmp_path / "r.fa", ">1\nACGTRYSWKMBDHVN-*\n"))
    assert decode(reference.read("1", 0, 17)) == "ACGT" + "N" * 13


def test_fetch_padded__off_the_contig_is_unknown(tmp_path):
    reference = opened(write(tmp_path / "r.fa.gz", fasta_text({"1": "ACGT" * 30})))
    assert decode(fetch_padded(reference, "1", -3, 4)) == "NNNACGT"
    assert decode(fetch_padded(reference, "1", 118, 125)) == "GT" + "N" * 5
    assert decode(fetch_padded(reference, "1", 500, 502)) == "NN"


@pytest.mark.parametrize("name", ["r.fa", "r.fa.gz"])
def test_read__past_the_end_is_refused(tmp_path, name):
    reference = opened(write(tmp_path / name, fasta_text(SEQUENCES)))
    with pytest.raises(InputError, match=rf"{name}:chrM:991-1010: "):
        reference.read("MT", 990, 1010)


STALE = {
    "lines of 80": fasta_text(SEQUENCES, width=80),
    "lines of 50": fasta_text(SEQUENCES, width=50),
    "longer title": fasta_text(SEQUENCES, title=" assembled"),
    "CRLF": fasta_text(SEQUENCES, ending="\r\n"),
    "first contig shorter": fasta_text({**SEQUENCES, "chr22": SEQUENCES["chr22"][60:]}),
    "last contig shorter": fasta_text({**SEQUENCES, "chrM": SEQUENCES["chrM"][:940]}),
    "last contig longer": fasta_text({**SEQUENCES, "chrM": SEQUENCES["chrM"] + "A" * 60}),
    "a contig more": fasta_text({**SEQUENCES, "chr1": "ACGT"}),
    "another order": fasta_text(dict(reversed(SEQUENCES.items()))),
    "another name": fasta_text({"chr21": SEQUENCES["chr22"], "chrM": SEQUENCES["chrM"]}),
}


@pytest.mark.parametrize("name", ["r.fa", "r.fa.gz"])
@pytest.mark.parametrize("change", STALE)
def test_check__a_stale_index(tmp_path, name, change):
    path = write(tmp_path / name, fasta_text(SEQUENCES))
    opened(path)
    write(path, STALE[change])
    reference = FastaReference(path)
    with pytest.raises(InputError, match=r"remove the .fai and .gzi"):
        reference.check()
    for index in tmp_path.glob("*i"):
        index.unlink()
    assert opened(path).contig_lengths


def test_read__a_stale_index_is_seen_without_check(tmp_path):
    path = write(tmp_path / "r.fa", fasta_text(SEQUENCES))
    opened(path)
    write(path, STALE["longer title"])
    with pytest.raises(InputError, match="the index does not fit the FASTA"):
        FastaReference(path).read("22", 100, 160)


def test_check__an_index_older_than_the_file_is_good_if_it_fits(tmp_path):
    path = write(tmp_path / "r.fa.gz", fasta_text(SEQUENCES))
    opened(path)
    for index in tmp_path.glob("*i"):
        os.utime(index, (0, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(opened(path).read("22", 5, 9)) == SEQUENCES["chr22"][5:9]


@pytest.mark.parametrize("suffix", [".fai", ".gzi"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, partial(os.symlink, "nowhere")], ids=["pipe", "folder", "link"])
def test_check__an_index_that_is_no_file(tmp_path, suffix, make):
    path = write(tmp_path / "r.fa.gz", fasta_text(SEQUENCES))
    make(f"{path}{suffix}")
    with pytest.raises(InputError, match=rf"r.fa.gz{suffix}: the FASTA index is no file; remove it"):
        FastaReference(path).check()


def test_check__an_empty_index(tmp_path):
    path = write(tmp_path / "r.fa", fasta_text(SEQUENCES))
    Path(f"{path}.fai").touch()
    with pytest.raises(InputError, match=r"r.fa.fai: the FASTA index is empty; remove it"):
        FastaReference(path).check()


def test_check__plain_gzip(tmp_path):
    path = tmp_path / "r.fa.gz"
    path.write_bytes(gzip.compress(fasta_text(SEQUENCES).encode()))
    with pytest.raises(InputError) as error:
        FastaReference(path).check()
    assert str(error.value) == (
        f"{path}: the FASTA is compressed by gzip, which allows no random access; "
        "compress it by bgzip: gunzip -c r.fa.gz | bgzip > new.fa.gz"
    )


def test_check__cut_bgzf(tmp_path):
    path = write(tmp_path / "r.fa.gz", fasta_text(SEQUENCES))
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(InputError, match="the file is cut short"):
        FastaReference(path).check()


@pytest.mark.parametrize("with_index", [False, True])
def test_read__a_flipped_bit_in_bgzf(tmp_path, with_index):
    path = write(tmp_path / "r.fa.gz", fasta_text(SEQUENCES))
    if with_index:
        opened(path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 16
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match=r"r.fa.gz"):
        opened(path).read("22", 0, 200_000)


def test_check__a_name_that_hides_the_compression(tmp_path):
    blocked = write(tmp_path / "a.fa.gz", fasta_text(SEQUENCES)).rename(tmp_path / "a.fa")
    plain = write(tmp_path / "b.fa", fasta_text(SEQUENCES)).rename(tmp_path / "b.fa.gz")
    with pytest.raises(InputError, match="the FASTA is compressed, its name says otherwise"):
        FastaReference(blocked).check()
    with pytest.raises(InputError, match="the FASTA is not compressed, its name says otherwise"):
        FastaReference(plain).check()


def test_check__one_contig_under_two_names(tmp_path):
    path = write(tmp_path / "r.fa", ">22\nACGT\n>21\nAC\n>chr22\nAAAA\n")
    with pytest.raises(InputError, match=r"r.fa:22: the contig is there twice, also as chr22; keep one of them"):
        FastaReference(path).check()


@pytest.mark.parametrize(
    "text",
    [
        "hello\nworld\n",
        "\0" * 60,
        ">22\nACGT\nAC\nACGT\n",
        ">22\nACGT\n\nACGT\n",
        ">22\nAC\n>22\nAC\n",
        "@read\nACGT\n+\nIIII\n",
        ">\nACGT\n",
        "22\tACGT\n",
    ],
)
def test_check__no_fasta(tmp_path, text):
    with pytest.raises(InputError, match=r"r.fa: not a FASTA that can be indexed \(.*\); give a FASTA"):
        FastaReference(write(tmp_path / "r.fa", text)).check()


def test_check__missing_and_empty_files(tmp_path):
    with pytest.raises(InputError, match=r"r.fa: the reference FASTA is missing"):
        FastaReference(tmp_path / "r.fa").check()
    (tmp_path / "r.fa").touch()
    with pytest.raises(InputError, match=r"r.fa: the reference FASTA is empty"):
        FastaReference(tmp_path / "r.fa").check()


def test_pickle__a_handle_opens_the_file_again(tmp_path):
    reference = opened(write(tmp_path / "r.fa.gz", fasta_text(SEQUENCES)))
    again = pickle.loads(pickle.dumps(reference))  # noqa: S301
    assert (again.path, again.name) == (reference.path, "r.fa.gz")
    assert np.array_equal(again.read("22", 40, 90), reference.read("22", 40, 90))


def test_sha256__of_the_bytes(tmp_path):
    path = write(tmp_path / "r.fa.gz", fasta_text(SEQUENCES))
    assert FastaReference(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
