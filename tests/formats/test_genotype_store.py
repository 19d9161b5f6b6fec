"""Called alleles on disk: what goes in comes out, window by window, or nothing is there."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.formats.genotype_batch import CHUNK_BYTES, GenotypeBatch, batch_records, chunk_records
from haploformer.formats.genotype_store import (
    GenotypeStream,
    StoredGenotypes,
    genotypes_exist,
    read_genotypes,
    write_genotypes,
)
from haploformer.genome.audit import AuditKey, audit_individuals
from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.intervals import Interval
from tests.builders.disk import full_disk

PEOPLE = [f"P{i}" for i in range(7)]


def batch_of(contig: str, first: int, n: int, seed: int, n_unphased: int = 0) -> GenotypeBatch:
    rng = np.random.default_rng(seed)
    records = pd.DataFrame(
        [(contig, first + 3 * i, f"v{first + i}", "A", "C" if i % 3 else "C,G") for i in range(n)],
        columns=["contig", "pos", "variant_id", "ref", "alt"],
    ).astype({"pos": "int64"})
    alleles = rng.integers(-2, 2, (n, len(PEOPLE), 2)).astype(np.int8)
    counts = Counter({AuditKey("g.vcf", contig, "snp", "kept", "used"): n})
    return GenotypeBatch(Genotypes(records, PEOPLE, alleles, n_unphased), counts)


def batches() -> list[GenotypeBatch]:
    return [
        batch_of("21", 1, 50, 0, 3),
        batch_of("22", 10, 64, 1),
        batch_of("22", 900, 1, 2, 4),
        batch_of("22", 0, 0, 3),
    ]


def stream_of(content: list[GenotypeBatch] | Iterator[GenotypeBatch]) -> GenotypeStream:
    return GenotypeStream(content, PEOPLE, {"source": "g.vcf", "sha256": "0" * 64, "filters": ["q10"]})


def test_write_genotypes__what_goes_in_comes_out(tmp_path):
    write_genotypes(stream_of(batches()), tmp_path / "g")
    stored = read_genotypes(tmp_path / "g")
    found, given = stored.genotypes, [batch.genotypes for batch in batches()]
    assert np.array_equal(found.alleles[:], np.concatenate([g.alleles for g in given]))
    records = pd.concat([g.records for g in given], ignore_index=True)
    assert found.records.values.tolist() == records.values.tolist()
    assert found.records.columns.tolist() == records.columns.tolist()
    assert found.records["pos"].dtype == "int64"
    assert (found.individual_ids, found.n_unphased) == (PEOPLE, 7)
    assert found.provenance == {"source": "g.vcf", "sha256": "0" * 64, "filters": ["q10"]}
    assert stored.audit[["contig", "count"]].values.tolist() == [["21", 50], ["22", 65]]


def stored(content: list[GenotypeBatch], folder: Path) -> StoredGenotypes:
    write_genotypes(stream_of(content), folder / "g")
    return read_genotypes(folder / "g")


def test_write_genotypes__imputed_calls_are_summed(tmp_path):
    made = batches()
    assert stored(made, tmp_path).n_imputed.tolist() == [0] * 7
    made[0].n_imputed, made[2].n_imputed = np.arange(7), np.array([1, 0, 0, 0, 0, 0, 5])
    assert stored(made, tmp_path).n_imputed.tolist() == [1, 1, 2, 3, 4, 5, 11]


@pytest.mark.parametrize("intervals", [None, (Interval("21", 0, 200), Interval("22", 0, 10**6))])
def test_write_genotypes__where_records_were_looked_for(tmp_path, intervals):
    write_genotypes(GenotypeStream(batches(), PEOPLE, {}, intervals), tmp_path / "g")
    stored = read_genotypes(tmp_path / "g").genotypes
    assert stored.intervals == intervals
    stored.require_covered(Interval("22", 5, 900))


def test_write_genotypes__a_window_from_disk_equals_one_from_memory(tmp_path):
    write_genotypes(stream_of(batches()), tmp_path / "g")
    stored = read_genotypes(tmp_path / "g").genotypes
    memory = Genotypes(stored.records, stored.individual_ids, np.asarray(stored.alleles[:]))
    for window in (("22", 0, 10**6), ("22", 30, 90), ("21", 0, 2), ("22", 2000, 3000), ("7", 0, 9)):
        ours, theirs = stored.select(*window), memory.select(*window)
        assert ours.records.equals(theirs.records)
        assert np.array_equal(ours.alleles, theirs.alleles)
        assert isinstance(ours.alleles, np.ndarray)
        assert np.array_equal(alt_dosages(ours)[1], alt_dosages(theirs)[1], equal_nan=True)
    assert audit_individuals(stored, batch=13).equals(audit_individuals(memory))


def test_write_genotypes__a_long_cohort_over_several_chunks(tmp_path):
    content = [batch_of("22", 1 + 20_000 * i, 4096, i) for i in range(3)] + [batch_of("X", 1, 5, 9)]
    write_genotypes(stream_of(content), tmp_path / "g")
    stored = read_genotypes(tmp_path / "g").genotypes
    assert np.array_equal(stored.alleles[4000:8300], np.concatenate([b.genotypes.alleles for b in content])[4000:8300])
    assert stored.select("X", 0, 100).records["pos"].tolist() == [1, 4, 7, 10, 13]


@pytest.mark.parametrize(
    ("n_people", "n_chunk", "n_batch"),
    [(0, 2048, 4096), (1, 2048, 4096), (128, 2048, 4096), (670, 391, 782), (10_000, 26, 52), (10**6, 1, 2)],
)
def test_chunk_records__bytes_are_bounded_whatever_the_cohort(n_people, n_chunk, n_batch):
    assert (chunk_records(n_people), batch_records(n_people)) == (n_chunk, n_batch)
    assert 2 * n_people * n_chunk <= CHUNK_BYTES or n_chunk == 1
    assert batch_records(n_people, limit=7) == min(7, n_batch)


def test_read_genotypes__windows_in_any_order_over_kept_and_other_chunks(monkeypatch, tmp_path):
    monkeypatch.setattr("haploformer.formats.genotype_batch.CHUNK_BYTES", 70)
    monkeypatch.setattr("haploformer.formats.genotype_store._KEPT_CHUNKS", 3)
    given = batch_of("22", 1, 103, 5)
    write_genotypes(stream_of([given]), tmp_path / "g")
    alleles, expected = read_genotypes(tmp_path / "g").genotypes.alleles, given.genotypes.alleles
    rng = np.random.default_rng(0)
    spans = np.sort(rng.integers(0, 110, (200, 2)), axis=1).tolist()
    for start, stop in [*spans, (0, 5), (0, 10), (5, 10), (103, 103), (100, 103), (7, 3), (0, 103)]:
        assert np.array_equal(alleles[start:stop], expected[start:stop]), (start, stop)
    with pytest.raises(ValueError, match="read-only"):
        alleles[0:5][0, 0, 0] = 1


def test_write_genotypes__no_record(tmp_path):
    write_genotypes(stream_of([batch_of("22", 0, 0, 0)]), tmp_path / "g")
    stored = read_genotypes(tmp_path / "g")
    assert (len(stored.genotypes), stored.genotypes.alleles.shape) == (0, (0, 7, 2))
    assert len(stored.genotypes.select("22", 0, 100)) == 0


def test_write_genotypes__same_content_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_genotypes(stream_of(iter(batches())), tmp_path / name)
    a, b = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()} for n in "ab"
    )
    assert a == b


def test_write_genotypes__an_error_among_the_batches_leaves_the_old_store(tmp_path):
    path = tmp_path / "g"
    write_genotypes(stream_of(batches()[:1]), path)

    def broken() -> Iterator[GenotypeBatch]:
        yield batches()[1]
        raise ValueError("a bad record")

    with pytest.raises(ValueError, match="a bad record"):
        write_genotypes(stream_of(broken()), path)
    assert len(read_genotypes(path).genotypes) == 50
    assert [p.name for p in tmp_path.iterdir()] == ["g"]


def test_genotypes_exist__only_when_finished(tmp_path):
    path: Path = tmp_path / "g"
    assert not genotypes_exist(path)
    write_genotypes(stream_of(batches()), path)
    assert genotypes_exist(path)
    (path / "genotypes.json").unlink()
    assert not genotypes_exist(path)


def test_read_genotypes__a_handle_can_be_pickled(tmp_path):
    write_genotypes(stream_of(batches()), tmp_path / "g")
    stored = read_genotypes(tmp_path / "g")
    again = pickle.loads(pickle.dumps(stored))  # noqa: S301
    assert np.array_equal(again.genotypes.alleles[10:20], stored.genotypes.alleles[10:20])
    assert again.audit.equals(stored.audit)


@pytest.mark.parametrize("n_bytes", [0, 300, 900])
def test_write_genotypes__a_full_disk_leaves_the_old_store(tmp_path, n_bytes):
    write_genotypes(stream_of(batches()), tmp_path / "g")
    before = {p: p.read_bytes() for p in (tmp_path / "g").rglob("*") if p.is_file()}
    message = r"/g: cannot be written \(.*\); make room for more than [\d,]+ bytes"
    with pytest.raises(InputError, match=message), full_disk(n_bytes):
        write_genotypes(stream_of(batches()), tmp_path / "g")
    assert {p: p.read_bytes() for p in (tmp_path / "g").rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["g"]
