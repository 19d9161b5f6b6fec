"""Distinct haplotype windows on disk."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.formats.haplotype_store import haplotypes_exist, read_haplotypes, write_haplotypes
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotype_windows import HaplotypeWindows, combine_genes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.windows import tss_window
from tests.builders.disk import full_disk
from tests.builders.genome import MemoryReference, random_sequence

SEQUENCE = "C" * 40 + random_sequence(300, np.random.default_rng(0))


def windows_of(records: list[tuple[int, int, str]], alleles: list) -> HaplotypeWindows:
    rows = [("22", pos, f"v{pos}", SEQUENCE[pos - 1 : pos - 1 + n], alt) for pos, n, alt in records]
    table = pd.DataFrame(rows, columns=["contig", "pos", "variant_id", "ref", "alt"])
    genotypes = Genotypes(table, ["P0", "P1"], np.array(alleles, np.int8).reshape(len(rows), 2, 2))
    genes = pd.DataFrame({"gene_id": ["a", "b"], "contig": "22"})
    collected = [
        collect_gene_haplotypes(
            genotypes, MemoryReference({"22": SEQUENCE}), tss_window("22", tss, 64), tss, max_missing=0.0
        )
        for tss in (10, 180)
    ]
    return combine_genes(genes, collected, genotypes.individual_ids, provenance={"rule": "pinned", "n": [1]})


@pytest.fixture(scope="module")
def windows() -> HaplotypeWindows:
    """A SNP, an insertion and a deletion, whose edit has an empty ALT; P1 is haploid at the second gene."""
    return windows_of(
        [(15, 1, "A"), (160, 1, "ACGTT"), (170, 4, SEQUENCE[169]), (190, 1, "G")],
        [[[0, 1], [1, 1]], [[1, 0], [0, -2]], [[0, 1], [1, -2]], [[0, 0], [1, -2]]],
    )


def test_write_haplotypes__what_goes_in_comes_out(tmp_path, windows):
    write_haplotypes(windows, tmp_path / "h")
    stored = read_haplotypes(tmp_path / "h")
    assert len(stored) == len(windows) > 5
    for name in ("genes", "windows", "haplotypes", "edits"):
        ours, theirs = getattr(stored, name), getattr(windows, name)
        assert ours.columns.tolist() == theirs.columns.tolist()
        assert ours.values.tolist() == theirs.values.tolist()
    assert np.array_equal(stored.reference, windows.reference)
    assert (stored.provenance, stored.length, stored.keys) == (windows.provenance, 64, windows.keys)


def test_write_haplotypes__sequences_and_carriers_are_the_same(tmp_path, windows):
    write_haplotypes(windows, tmp_path / "h")
    stored = read_haplotypes(tmp_path / "h")
    every = range(len(windows))
    assert np.array_equal(stored.codes(every), windows.codes(every))
    assert np.array_equal(stored.one_hot([3, 1]), windows.one_hot([3, 1]))
    assert stored.carriers().astype(str).equals(windows.carriers().astype(str))
    assert isinstance(stored.reference, np.memmap)


def test_write_haplotypes__without_an_edit(tmp_path):
    plain = windows_of([], [])
    write_haplotypes(plain, tmp_path / "h")
    stored = read_haplotypes(tmp_path / "h")
    assert (len(stored), len(stored.edits)) == (2, 0)
    assert np.array_equal(stored.codes([0, 1]), plain.codes([0, 1]))
    assert stored.haplotypes["window"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_write_haplotypes__same_content_same_bytes_and_nothing_beside_it(tmp_path, windows):
    for name in ("a", "b", "b"):
        write_haplotypes(windows, tmp_path / name)
    a, b = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "ab")
    assert a == b
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_write_haplotypes__an_error_leaves_the_old_store(tmp_path, windows):
    write_haplotypes(windows, tmp_path / "h")
    with pytest.raises(TypeError):
        write_haplotypes(replace(windows, provenance={"no JSON": object()}), tmp_path / "h")
    assert read_haplotypes(tmp_path / "h").provenance == windows.provenance
    assert [p.name for p in tmp_path.iterdir()] == ["h"]


def test_haplotypes_exist__only_when_finished(tmp_path, windows):
    assert not haplotypes_exist(tmp_path / "h")
    write_haplotypes(windows, tmp_path / "h")
    assert haplotypes_exist(tmp_path / "h")
    (tmp_path / "h" / "haplotypes.json").unlink()
    assert not haplotypes_exist(tmp_path / "h")


def test_read_haplotypes__a_handle_can_be_pickled(tmp_path, windows):
    write_haplotypes(windows, tmp_path / "h")
    again = pickle.loads(pickle.dumps(read_haplotypes(tmp_path / "h")))  # noqa: S301
    assert np.array_equal(again.codes([4, 0]), windows.codes([4, 0]))


def test_write_haplotypes__arrays_are_what_numpy_saves(tmp_path, windows):
    write_haplotypes(windows, tmp_path / "h")
    for name in ("reference", "carried"):
        np.save(tmp_path / "expected.npy", getattr(windows, name))
        assert (tmp_path / "h" / f"{name}.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()


@pytest.mark.parametrize("n_bytes", [0, 100, 3000])
def test_write_haplotypes__a_full_disk_leaves_the_old_store(tmp_path, windows, n_bytes):
    write_haplotypes(windows, tmp_path / "h")
    before = {p.name: p.read_bytes() for p in (tmp_path / "h").iterdir()}
    message = r"/h: cannot be written \(.*\); make room for more than [\d,]+ bytes"
    with pytest.raises(InputError, match=message), full_disk(n_bytes):
        write_haplotypes(replace(windows, provenance={"long": "x" * 5000}), tmp_path / "h")
    assert {p.name: p.read_bytes() for p in (tmp_path / "h").iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["h"]
