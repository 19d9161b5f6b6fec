"""Phases from Beagle: whose they are, when they are made, and what they leave alone."""

from __future__ import annotations

import gzip
import logging
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed

from haploformer.errors import InputError
from haploformer.formats import vcf as vcf_module
from haploformer.formats.beagle import find_beagle
from haploformer.formats.genetic_map import GeneticMap
from haploformer.formats.genotype_batch import GenotypeFile
from haploformer.formats.phasing import Phasing, describe_phasing
from haploformer.formats.plink1 import PlinkFile
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genotypes import MISSING
from haploformer.genome.intervals import Interval, whole_contig
from tests.builders.beagle import needs_beagle, simulate_haplotypes, stand_in
from tests.builders.genome import Cohort, MemoryReference, Record, random_sequence, write_vcf

LENGTH = 40_000
_RNG = np.random.default_rng(5)
REFERENCE = MemoryReference({name: random_sequence(LENGTH, _RNG) for name in ("21", "22")})
LENGTHS = {"21": LENGTH, "22": LENGTH}
PEOPLE = [f"P{i:02d}" for i in range(24)]


def records_of(contig: str, truth: np.ndarray, *, separator: str = "/") -> list[Record]:
    """SNPs every 500 bases; without a phase calls are written in order of their alleles."""
    records = []
    for i, row in enumerate(truth.tolist()):
        pos = 1000 + 500 * i
        ref = REFERENCE.sequences[contig][pos - 1]
        pairs = row if separator == "|" else [sorted(pair) for pair in row]
        calls = [separator.join(map(str, pair)) for pair in pairs]
        records.append(Record(pos, ref, "ACGT"[("ACGT".index(ref) + 1) % 4], calls, contig, name=f"rs{pos}"))
    return records


def cohort(
    *, seed: int = 0, n_records: int = 40, n_founders: int = 5, contigs: tuple[str, ...] = ("22",), separator: str = "/"
) -> Cohort:
    records = []
    for i, contig in enumerate(contigs):
        truth = simulate_haplotypes(len(PEOPLE), n_records, seed=seed + i, n_founders=n_founders)
        records += records_of(contig, truth, separator=separator)
    return Cohort(list(PEOPLE), records)


def phasing(path: Path, *, contigs: tuple[str, ...] = ("22",), filters: tuple[str, ...] = (), **options) -> Phasing:
    return Phasing(VcfFile(path), REFERENCE, contigs, filters, find_beagle(**options))


def read(genotypes: GenotypeFile, contigs: tuple[str, ...] = ("22",), people: list[str] | None = None):
    """All records, alleles, counts, and imputed calls of each person."""
    intervals = [whole_contig(contig) for contig in contigs]
    batches = list(genotypes.read(intervals, people or genotypes.sample_ids, REFERENCE))
    assert sum(batch.genotypes.n_unphased for batch in batches) == 0
    records = pd.concat([batch.genotypes.records for batch in batches], ignore_index=True)
    alleles = np.concatenate([batch.genotypes.alleles for batch in batches])
    n_imputed = sum((b.n_imputed for b in batches if b.n_imputed is not None), np.zeros(alleles.shape[1], int))
    return records, alleles, sum((batch.counts for batch in batches), Counter()), n_imputed


@needs_beagle
def test_run__calls_keep_their_alleles_and_get_a_phase(tmp_path):
    made = cohort(contigs=("21", "22"))
    odd = made.records[50]
    odd.alt, odd.calls[:3] = f"{odd.alt},{odd.ref}TT,*", ["1/2", "0/2", "2/3"]
    long = made.records[55]
    long.ref = REFERENCE.sequences["22"][long.pos - 1 : long.pos + 4]
    long.alt = long.ref[0]
    twin = made.records[60]
    other = next(b for b in "ACGT" if b not in twin.ref + twin.alt)
    made.records.insert(61, Record(twin.pos, twin.ref, other, list(made.records[3].calls), "22"))
    made.records[65].calls = ["0/0"] * len(PEOPLE)
    made.records[66].calls = ["1/1"] * len(PEOPLE)
    made.records[70].calls[4:8] = ["./.", ".", "0/.", "./1"]
    made.records[71].calls[4] = "./."
    made.records[75].filter = "LowQual"
    path = write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)
    plan = phasing(path, contigs=("21", "22"))
    phased = plan.run(tmp_path / "phased")
    before = list(plan.genotype_file.read([whole_contig("21"), whole_contig("22")], PEOPLE, REFERENCE))
    records, alleles, counts, n_imputed = read(phased, ("21", "22"))
    called = np.concatenate([batch.genotypes.alleles for batch in before])
    expected = pd.concat([batch.genotypes.records for batch in before], ignore_index=True)
    pd.testing.assert_frame_equal(records, expected)
    missing = (called == MISSING).any(-1)
    assert missing.sum() == 5
    np.testing.assert_array_equal(np.sort(alleles, -1)[~missing], np.sort(called, -1)[~missing])
    assert alleles.min() == 0
    assert n_imputed.tolist() == missing.sum(0).tolist()
    assert {(key.contig, key.outcome, key.reason): n for key, n in counts.items() if key.record_class == "call"} == {
        ("22", "imputed", "missing or half missing, by Beagle"): 5
    }
    assert sum(n for key, n in counts.items() if key.reason == "FILTER LowQual") == 1
    assert sum(n for key, n in counts.items() if key.outcome == "kept") == len(records) == 80
    settings = {"program": "Beagle", "version": find_beagle().version, "seed": 1, "threads": 1, "genetic_map": None}
    assert describe_phasing(phased) == {"phasing": settings}


@needs_beagle
def test_run__haplotypes_are_those_that_were_simulated(tmp_path):
    made = cohort(n_records=60)
    truth = simulate_haplotypes(len(PEOPLE), 60)
    _, alleles, *_ = read(phasing(write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)).run(tmp_path / "phased"))
    _, unphased, *_ = read(VcfFile(write_vcf(tmp_path / "t.vcf.gz", cohort(n_records=60, separator="|"), LENGTHS)))
    np.testing.assert_array_equal(unphased, truth)

    def switches(found: np.ndarray) -> float:
        """Share of neighbouring heterozygotes of a person whose order to each other is not the simulated one."""
        wrong = total = 0
        for person in range(len(PEOPLE)):
            het = np.flatnonzero(truth[:, person, 0] != truth[:, person, 1])
            agrees = found[het, person, 0] == truth[het, person, 0]
            wrong, total = wrong + int((np.diff(agrees) != 0).sum()), total + len(het) - 1
        return wrong / total

    assert switches(np.sort(truth, -1)) > 0.3, "as written, phases are arbitrary"
    assert switches(alleles) < 0.05


@needs_beagle
def test_run__plink1_vcf_and_another_order_of_people_give_the_same_haplotypes(tmp_path):
    # Hardly two haplotypes alike: what Beagle finds hangs on chance, hence on all that it is given.
    made, truth = cohort(n_founders=60), simulate_haplotypes(len(PEOPLE), 40, n_founders=60)
    of_vcf = phasing(write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)).run(tmp_path / "a")
    order = np.random.default_rng(3).permutation(len(PEOPLE))
    mixed = Cohort([PEOPLE[i] for i in order], records_of("22", truth[:, order]))
    of_mixed = phasing(write_vcf(tmp_path / "m.vcf.gz", mixed, LENGTHS)).run(tmp_path / "b")
    dosages = truth.sum(-1).T.astype(np.float32)
    swapped = np.arange(40) % 3 == 0
    properties = {
        "iid": PEOPLE,
        "chromosome": ["22"] * 40,
        "sid": [r.name for r in made.records],
        "bp_position": [r.pos for r in made.records],
        "allele_1": [r.ref if s else r.alt for r, s in zip(made.records, swapped, strict=True)],
        "allele_2": [r.alt if s else r.ref for r, s in zip(made.records, swapped, strict=True)],
    }
    to_bed(tmp_path / "p.bed", np.where(swapped, 2 - dosages, dosages), properties=properties, count_A1=True)
    of_plink = Phasing(PlinkFile(tmp_path / "p.bed"), REFERENCE, ("22",), (), find_beagle()).run(tmp_path / "c")
    records, alleles, *_ = read(of_vcf, people=PEOPLE)
    for other in (of_mixed, of_plink):
        found, same, *_ = read(other, people=PEOPLE)
        pd.testing.assert_frame_equal(found, records, check_dtype=False)
        np.testing.assert_array_equal(same, alleles)
    names = [{path.name for path in (tmp_path / folder).iterdir()} for folder in "abc"]
    assert names[0] == names[1] == names[2], "and they are one content"


@needs_beagle
def test_run__repeats_for_the_same_seed_and_threads(tmp_path):
    # Hardly two haplotypes alike: what Beagle finds hangs on chance.
    path = write_vcf(tmp_path / "g.vcf.gz", cohort(n_founders=60), LENGTHS)

    def alleles(name: str, **options) -> bytes:
        return read(phasing(path, **options).run(tmp_path / name))[1].tobytes()

    of_one, of_two = alleles("a"), alleles("b", threads=2)
    assert (alleles("c"), alleles("d", threads=2)) == (of_one, of_two)
    near = GeneticMap("near", {"22": f"22 . 0.0 1\n22 . 4.0 {LENGTH}\n"})
    assert len({of_one, alleles("e", seed=2), alleles("f", genetic_map=near)}) == 3


def test_run__beagle_is_not_run_again_for_the_same_content(tmp_path, monkeypatch):
    called = stand_in(tmp_path, monkeypatch)
    made, folder = cohort(contigs=("21", "22")), tmp_path / "phased"
    path = write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)
    first = read(phasing(path).run(folder))[1]
    assert len(called()) == 1
    np.testing.assert_array_equal(read(phasing(path).run(folder))[1], first)
    # A run about more chromosomes makes only what is new; another name, time or column order is no other content.
    phasing(path, contigs=("21", "22")).run(folder)
    assert len(called()) == 2
    moved = write_vcf(tmp_path / "moved.vcf.gz", made, LENGTHS, index=False)
    phasing(moved, contigs=("21", "22"), memory_gib=2).run(folder)
    assert len(called()) == 2
    for changed in ({"seed": 2}, {"threads": 2}, {"genetic_map": GeneticMap("m", {"22": "22 . 0 1\n22 . 1 9\n"})}):
        before = len(called())
        phasing(path, **changed).run(folder)
        phasing(path, **changed).run(folder)
        assert len(called()) == before + 1, changed
    made.records[50].calls[0] = "1/1" if made.records[50].calls[0] != "1/1" else "0/0"
    changed_path = write_vcf(tmp_path / "changed.vcf.gz", made, LENGTHS)
    phasing(changed_path, contigs=("21", "22")).run(folder)
    assert len(called()) == 6, "contig 22 alone"
    stand_in(tmp_path, monkeypatch, version="beagle.01Jan30.abc.jar (version 5.9)")
    phasing(path).run(folder)
    assert len(called()) == 7


def test_run__filters_are_part_of_the_content(tmp_path, monkeypatch):
    called = stand_in(tmp_path, monkeypatch)
    made = cohort()
    made.records[5].filter = "LowQual"
    path = write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)
    assert len(read(phasing(path).run(tmp_path / "phased"))[0]) == 39
    kept = phasing(path, filters=("LowQual",)).run(tmp_path / "phased")
    batches = list(kept.read([whole_contig("22")], PEOPLE, REFERENCE, filters=["LowQual"]))
    assert sum(len(batch.genotypes) for batch in batches) == 40
    assert len(called()) == 2


def test_run__what_a_killed_run_left_counts_as_absent(tmp_path, monkeypatch):
    called = stand_in(tmp_path, monkeypatch)
    path, folder = write_vcf(tmp_path / "g.vcf.gz", cohort(), LENGTHS), tmp_path / "phased"
    expected = read(phasing(path).run(folder))[1]
    (place,) = folder.iterdir()
    assert sorted(p.name for p in place.iterdir()) == ["phased.vcf.gz", "phasing.json"]
    (place / "phasing.json").unlink()
    (place / "phased.vcf.gz").write_bytes(b"half")
    (folder / f".{place.name}.tmp").mkdir()
    np.testing.assert_array_equal(read(phasing(path).run(folder))[1], expected)
    assert len(called()) == 2
    assert [p.name for p in folder.iterdir()] == [place.name]


def test_run__calls_that_have_a_phase_are_left_alone(tmp_path, monkeypatch, caplog):
    called = stand_in(tmp_path, monkeypatch)
    made = cohort(separator="|")
    made.records[7].calls[3] = ".|."
    path = write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)
    with caplog.at_level(logging.INFO):
        phased = phasing(path).run(tmp_path / "phased")
    assert called() == []
    assert not (tmp_path / "phased").exists()
    assert "contig 22: all heterozygous calls have a phase, Beagle is not needed" in caplog.text
    np.testing.assert_array_equal(read(phased)[1], read(VcfFile(path))[1])
    assert read(phased)[1].min() == MISSING, "nothing is imputed either"


def test_run__one_contig_has_a_phase_and_the_other_has_none(tmp_path, monkeypatch, caplog):
    called = stand_in(tmp_path, monkeypatch)
    made = cohort(contigs=("21",), separator="|")
    made.records += cohort(seed=1).records
    made.records[45].calls[0] = "1|0"
    path = write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)
    with caplog.at_level(logging.WARNING):
        phased = phasing(path, contigs=("21", "22")).run(tmp_path / "phased")
    assert len(called()) == 1
    assert "contig 22: 1 heterozygous calls have a phase, which Beagle does not keep" in caplog.text
    _, alleles, *_ = read(phased, ("21", "22"))
    np.testing.assert_array_equal(alleles[:40], simulate_haplotypes(len(PEOPLE), 40))
    assert (alleles[40:, :, 0] <= alleles[40:, :, 1]).all(), "as the stand-in has it"


def test_run__no_phase_is_asked_for(tmp_path):
    genotypes = VcfFile(write_vcf(tmp_path / "g.vcf.gz", cohort(), LENGTHS))
    assert Phasing(genotypes, REFERENCE).run(tmp_path / "phased") is genotypes
    assert describe_phasing(genotypes) == {}


@pytest.mark.parametrize("separator", ["/", "|"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda made: made.records[9].calls.__setitem__(2, "1"),
            ":22:5500: sample P02: the call has one allele; Beagle phases diploid calls only; leave the contig out",
        ),
        (
            lambda made: [
                made.samples.__delitem__(slice(1, None)),
                *(r.calls.__delitem__(slice(1, None)) for r in made.records),
            ],
            ": there is one person; Beagle phases people by each other; give a file of the cohort",
        ),
        (
            lambda made: made.records.__delitem__(slice(1, None)),
            ":22:1000: the contig has variants at one position only; Beagle needs several; leave the contig out",
        ),
    ],
)
def test_survey__what_beagle_cannot_phase_is_refused_before_it_runs(tmp_path, monkeypatch, spoil, message, separator):
    called = stand_in(tmp_path, monkeypatch)
    made = cohort(separator=separator)
    spoil(made)
    plan = phasing(write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS))
    if separator == "|":
        assert plan.survey()["22"].n_unphased == 0, "it need not be phased"
        return
    with pytest.raises(InputError) as caught:
        plan.survey()
    assert message in str(caught.value)
    with pytest.raises(InputError):
        plan.run(tmp_path / "phased")
    assert called() == []
    assert not (tmp_path / "phased").exists()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            r"s#/#|#g; /\t1500\t/d",
            "phased.vcf.gz:22: Beagle's result has not the records of g.vcf.gz; remove its folder",
        ),
        ("s#0/1#1|1#; s#/#|#g", "has not the calls of g.vcf.gz"),
        ("s#x#x#", "leaves calls without a phase"),
        (r"s#/#|#g; s#\t0|1#\t.|.#", "has not the calls of g.vcf.gz"),
    ],
)
def test_run__another_result_than_was_asked_for_is_not_kept(tmp_path, monkeypatch, result, message):
    stand_in(tmp_path, monkeypatch, result=result)
    plan = phasing(write_vcf(tmp_path / "g.vcf.gz", cohort(), LENGTHS))
    with pytest.raises(InputError) as caught:
        plan.run(tmp_path / "phased")
    assert message in str(caught.value)
    assert list((tmp_path / "phased").iterdir()) == []


def test_read__a_stored_result_that_is_damaged_later(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch)
    phased = phasing(write_vcf(tmp_path / "g.vcf.gz", cohort(), LENGTHS)).run(tmp_path / "phased")
    (stored,) = (tmp_path / "phased").glob("*/phased.vcf.gz")
    lines = gzip.decompress(stored.read_bytes()).decode().splitlines(keepends=True)
    stored.write_bytes(gzip.compress("".join(lines[:-1]).encode()))
    with pytest.raises(InputError, match=r"has not the records of g\.vcf\.gz"):
        read(phased)
    stored.write_bytes(stored.read_bytes()[:200])
    with pytest.raises(InputError, match=r"phased\.vcf\.gz"):
        read(phased)


def test_read__intervals_people_and_batches(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch)
    made = cohort(contigs=("21", "22"))
    path = write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)
    phased = phasing(path, contigs=("21", "22")).run(tmp_path / "phased")
    _, everything, *_ = read(phased, ("21", "22"))
    intervals = [Interval("21", 3_000, 9_000), Interval("22", 0, 2_000), Interval("22", 12_000, LENGTH)]
    people, names = ["P07", "P00", "P23"], ["seven", "zero", "last"]
    for size in (4096, 7):
        monkeypatch.setattr(vcf_module, "BATCH_RECORDS", size)
        batches = list(pickle.loads(pickle.dumps(phased)).read(intervals, people, REFERENCE, individual_ids=names))  # noqa: S301
        records = pd.concat([batch.genotypes.records for batch in batches], ignore_index=True)
        chosen = [
            i
            for i, r in enumerate(made.records)
            if any(c == r.contig and start < r.pos <= end for c, start, end in intervals)
        ]
        assert records["pos"].tolist() == [made.records[i].pos for i in chosen]
        alleles = np.concatenate([batch.genotypes.alleles for batch in batches])
        np.testing.assert_array_equal(alleles, everything[chosen][:, [7, 0, 23]])
        assert all(list(batch.genotypes.individual_ids) == names for batch in batches)
        assert (max(len(batch.genotypes) for batch in batches) == 7) == (size == 7)


def test_read__people_whose_ids_are_odd(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch)
    made = cohort()
    made.samples[:4] = ["a b", "../x", "S1", "S0"]
    path = write_vcf(tmp_path / "g.vcf.gz", made, LENGTHS)
    phased = phasing(path).run(tmp_path / "phased")
    expected = np.sort(simulate_haplotypes(len(PEOPLE), 40), -1)
    np.testing.assert_array_equal(read(phased, people=["S0", "a b", "S1"])[1], expected[:, [3, 0, 2]])
    (stored,) = (tmp_path / "phased").glob("*/phased.vcf.gz")
    assert "../x" not in gzip.decompress(stored.read_bytes()).decode()
