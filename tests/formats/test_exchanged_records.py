"""``repair_ref``: a VCF whose REF and ALT are exchanged is read as if it had been written the right way round."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.formats import vcf as vcf_module
from haploformer.formats.fasta import FastaReference
from haploformer.formats.plink1 import PlinkFile
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval, whole_contig
from haploformer.genome.windows import tss_window
from tests.builders.genome import (
    Cohort,
    MemoryReference,
    Record,
    random_cohort,
    random_sequence,
    vcf_text,
    write_bcf,
    write_vcf,
)
from tests.conftest import DEMO

SEQUENCE = "ACGT" * 250
REFERENCE = MemoryReference({"22": SEQUENCE})
WHOLE = [Interval("22", 0, 20_000)]


def read(path: Path, reference=REFERENCE, *, repair_ref: bool = True) -> tuple[pd.DataFrame, np.ndarray, Counter]:
    """Records, alleles and counts of all batches together."""
    file = VcfFile(path)
    batches = list(file.read(WHOLE, file.sample_ids, reference, repair_ref=repair_ref))
    records = pd.concat([batch.genotypes.records for batch in batches], ignore_index=True)
    alleles = np.concatenate([np.asarray(batch.genotypes.alleles[:]) for batch in batches])
    return records, alleles, sum((batch.counts for batch in batches), Counter())


def write_text(path: Path, records: list[Record], samples: tuple[str, ...] = ("A", "B")) -> Path:
    path.write_text(vcf_text(Cohort(list(samples), records), {"22": 1000}))
    return path


def refusal(path: Path, *, repair_ref: bool = True) -> str:
    """What both readings say, without the folder."""
    with pytest.raises(InputError) as error:
        read(path, repair_ref=repair_ref)
    with pytest.raises(InputError) as checked:
        VcfFile(path).check_records(["22"], REFERENCE, repair_ref=repair_ref)
    assert str(checked.value) == str(error.value)
    return str(error.value).replace(str(path), path.name)


def outcomes(counts: Counter) -> dict[tuple[str, str, str], int]:
    return {(key.record_class, key.outcome, key.reason): n for key, n in counts.items()}


# One record ------------------------------------------------------------------------------------------------------


def test_read__alleles_are_numbered_anew(tmp_path):
    calls = ["0|1", "1|0", "0|0", "1|1", "./.", ".|1", "0|.", "1", "0", "."]
    path = write_text(tmp_path / "g.vcf", [Record(1, "G", "A", calls, name="rs1")], tuple("ABCDEFGHIJ"))
    records, alleles, counts = read(path)
    assert records.values.tolist() == [["22", 1, "rs1", "A", "G"]]
    expected = [[1, 0], [0, 1], [1, 1], [0, 0], [-1, -1], [-1, 0], [1, -1], [0, -2], [1, -2], [-1, -1]]
    assert alleles.dtype == np.int8
    assert alleles[0].tolist() == expected
    assert outcomes(counts) == {("snp", "kept", "REF and ALT exchanged"): 1}


def test_read__one_of_several_alts_changes_places_with_ref(tmp_path):
    path = write_text(
        tmp_path / "g.vcf", [Record(1, "G", "T,A,*", ["0|1", "2|3", "1|2", "0|2"], name="rs1")], tuple("ABCD")
    )
    records, alleles, _ = read(path)
    # A was number 2 and becomes 0, G was REF and becomes 2; the others keep their numbers.
    assert records[["ref", "alt"]].values.tolist() == [["A", "T,G,*"]]
    assert alleles[0].tolist() == [[2, 1], [0, 3], [1, 0], [2, 0]]


def test_read__an_insertion_becomes_a_deletion_and_the_other_way_round(tmp_path):
    rows = [Record(1, "ACGTT", "A", ["0|1", "0|0"]), Record(5, "AT", "ACGT", ["1|1", "1|0"])]
    records, alleles, counts = read(write_text(tmp_path / "g.vcf", rows))
    assert records[["pos", "ref", "alt", "variant_id"]].values.tolist() == [
        [1, "A", "ACGTT", "22_1_A_ACGTT"],
        [5, "ACGT", "AT", "22_5_ACGT_AT"],
    ]
    assert alleles.tolist() == [[[1, 0], [1, 1]], [[0, 0], [0, 1]]]
    assert outcomes(counts) == {
        ("insertion", "kept", "REF and ALT exchanged"): 1,
        ("deletion", "kept", "REF and ALT exchanged"): 1,
    }


def test_read__where_ref_fits_nothing_is_done(tmp_path):
    # In a repeat, REF and ALT of an insertion and of a deletion both equal the reference.
    rows = [
        Record(1, "ACGT", "ACGTACGT", ["0|1", "0|0"]),
        Record(5, "ACGTACGT", "ACGT", ["0|1", "0|0"]),
        Record(9, "a", "G", ["0|1", "0|0"]),
    ]
    path = write_text(tmp_path / "g.vcf", rows)
    (records, alleles, counts), plain = read(path), read(path, repair_ref=False)
    assert records.equals(plain[0])
    assert np.array_equal(alleles, plain[1])
    assert counts == plain[2]


def test_read__without_the_option_such_a_record_is_an_error(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(p, "G", "A", ["0|1", "0|0"]) for p in (1, 5, 9)])
    assert refusal(path, repair_ref=False) == (
        "g.vcf:22:1: REF differs from memory.fa (REF G, the reference has A); 3 of 3 records differ (0.00 % agree); "
        "ALT equals the reference in 3 of these 3: REF and ALT are exchanged; set data_prep.repair_ref: true, or make "
        "the file again with REF from the FASTA (plink2 --ref-from-fa)"
    )


@pytest.mark.parametrize(
    ("ref", "alt"),
    [("G", "T"), ("GG", "AT"), ("G", "A,AC"), ("G", "A,a"), ("T", "ACC")],
    ids=["no allele", "not over its whole length", "two ALTs", "an ALT twice", "longer than what fits"],
)
def test_read__a_record_that_cannot_be_repaired_is_an_error(tmp_path, ref, alt):
    rows = [
        Record(1, "G", "A", ["0|1", "0|0"]),
        Record(5, ref, alt, ["0|1", "0|0"]),
        Record(9, "A", "G", ["0|1", "0|0"]),
    ]
    line = refusal_of_check(write_text(tmp_path / "g.vcf", rows))
    assert line == (
        f"g.vcf:22:5: REF differs from memory.fa (REF {ref}, the reference has {'ACGT'[: len(ref)]}); 1 of 3 records "
        "differ (66.67 % agree, with REF and ALT exchanged in 1 others); none of their alleles equals the reference, "
        "or several do; correct them or leave them out"
    )


def refusal_of_check(path: Path) -> str:
    """What `check_records` says; `read` must refuse the same record."""
    with pytest.raises(InputError) as error:
        VcfFile(path).check_records(["22"], REFERENCE, repair_ref=True)
    with pytest.raises(InputError, match=r"g.vcf:22:5: REF differs"):
        read(path)
    return str(error.value).replace(str(path), path.name)


def test_read__calls_without_a_phase_keep_their_order(tmp_path):
    # 0/1 says which two alleles there are; who takes it for 0|1 must not get another haplotype by the repair.
    calls = ["0/1", "1/0", "1/1", "0|1", "./1", "1/.", "0/0", "1|0"]
    path = write_text(tmp_path / "g.vcf", [Record(1, "G", "A", calls)], tuple("ABCDEFGH"))
    [batch] = VcfFile(path).read(WHOLE, list("ABCDEFGH"), REFERENCE, repair_ref=True)
    expected = [[0, 1], [1, 0], [0, 0], [1, 0], [-1, 0], [0, -1], [1, 1], [0, 1]]
    assert np.asarray(batch.genotypes.alleles[:])[0].tolist() == expected
    assert batch.genotypes.n_unphased == 2
    several = write_text(tmp_path / "h.vcf", [Record(1, "G", "T,A", ["0/1", "1/2", "0/2", "2/1"])], tuple("ABCD"))
    assert read(several)[1][0].tolist() == [[1, 2], [0, 1], [0, 2], [1, 0]]


def test_read__impossible_calls_are_told_as_written(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(1, "G", "A", ["0|1", "0|2"])])
    with pytest.raises(InputError, match="sample B carries allele 2, the record has 1 ALT"):
        read(path)


# Records that become equal ---------------------------------------------------------------------------------------


def test_read__a_repair_that_repeats_a_record_with_the_same_calls_counts_once(tmp_path):
    rows = [
        Record(1, "A", "G", ["0|1", ".|0"], name="first"),
        Record(1, "A", "T", ["0|0", "0|0"], name="split"),
        Record(1, "G", "A", ["1|0", ".|1"], name="again"),
        Record(5, "G", "A", ["1|0", "1|1"], name="swapped"),
        Record(5, "A", "G", ["0|1", "0|0"], name="right"),
    ]
    path = write_text(tmp_path / "g.vcf", rows)
    records, alleles, counts = read(path)
    # The order within a POS stays that of the file.
    assert records["variant_id"].tolist() == ["first", "split", "swapped"]
    assert records[["ref", "alt"]].values.tolist() == [["A", "G"], ["A", "T"], ["A", "G"]]
    assert alleles.tolist() == [[[0, 1], [-1, 0]], [[0, 0], [0, 0]], [[0, 1], [0, 0]]]
    assert outcomes(counts) == {
        ("snp", "kept", "used"): 2,
        ("snp", "kept", "REF and ALT exchanged"): 1,
        ("snp", "dropped", "repeats an earlier record"): 2,
    }
    assert VcfFile(path).check_records(["22"], REFERENCE, repair_ref=True).n_compared == 3


@pytest.mark.parametrize("calls", [["1|0", "1|0"], ["1|0", "1|."], ["1/0", "1|1"]])
def test_read__a_repair_that_repeats_a_record_with_other_calls_is_refused(tmp_path, calls):
    rows = [Record(1, "A", "G", ["0|1", "0|0"]), Record(1, "G", "A", calls)]
    assert refusal(write_text(tmp_path / "g.vcf", rows)) == (
        "g.vcf:22:1: the record stands twice, with the same REF and ALT and different calls; leave one of them out"
    )


def test_read__records_that_only_look_alike_as_written_are_two(tmp_path):
    # T/A at one place twice would be a repeat; of these, one is no SNP of the reference at all.
    rows = [Record(1, "G", "A", ["0|1", "0|0"]), Record(1, "T", "A", ["1|1", "0|1"])]
    records, alleles, _ = read(write_text(tmp_path / "g.vcf", rows))
    assert records[["ref", "alt"]].values.tolist() == [["A", "G"], ["A", "T"]]
    assert alleles.tolist() == [[[1, 0], [1, 1]], [[0, 0], [1, 0]]]


# A cohort --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cohort() -> tuple[Cohort, MemoryReference]:
    """Thirty people, SNPs, MNPs and indels of 20 kb, some calls unphased, missing or haploid."""
    rng = np.random.default_rng(5)
    reference = MemoryReference({"22": random_sequence(20_000, rng)})
    found = random_cohort(reference.sequences["22"], rng, n_samples=30)
    for record in found.records:
        record.name = f"v{record.pos}"
        for i in rng.integers(0, 30, 4):
            record.calls[i] = str(rng.choice(["0/1", "./.", ".|1", "1", "0", "."]))
    return found, reference


def exchanged(record: Record) -> Record:
    """REF and ALT exchanged, and so the calls, but for 0/1: whoever has no phase writes the lower number first."""
    turn = str.maketrans("01", "10")
    calls = [call if call == "0/1" else call.translate(turn) for call in record.calls]
    return Record(record.pos, record.alt, record.ref, calls, record.contig, record.filter, record.name)


def exchange_some(cohort: Cohort, reference: MemoryReference, rng: np.random.Generator) -> tuple[Cohort, int]:
    """A third of the records exchanged: those that can be told, whose ALT is not the reference's allele too."""
    sequence, records = reference.sequences["22"], []
    for record in cohort.records:
        told = not sequence.startswith(record.alt, record.pos - 1)
        records.append(exchanged(record) if told and rng.random() < 1 / 3 else record)
    n = sum(new is not old for new, old in zip(records, cohort.records, strict=True))
    return Cohort(cohort.samples, records), n


@pytest.mark.parametrize("size", [100, 4096])
@pytest.mark.parametrize("kind", ["plain", "tbi", "bcf"])
def test_read__a_repaired_file_equals_the_right_one(tmp_path, monkeypatch, caplog, cohort, kind, size):
    monkeypatch.setattr(vcf_module, "BATCH_RECORDS", size)
    right, reference = cohort
    wrong, n = exchange_some(right, reference, np.random.default_rng(1))
    paths = [write_vcf(tmp_path / f"{name}.vcf.gz", c, {"22": 20_000}) for name, c in (("a", right), ("b", wrong))]
    if kind == "plain":
        paths[1] = tmp_path / "b.vcf"
        paths[1].write_text(vcf_text(wrong, {"22": 20_000}))
    if kind == "bcf":
        paths[1] = write_bcf(tmp_path / "b.bcf", paths[1])
    records, alleles, counts = read(paths[0], reference, repair_ref=False)
    again, same, repaired = read(paths[1], reference)
    assert again.equals(records)
    assert np.array_equal(same, alleles)
    assert 100 < n < len(records) / 2
    assert sum(k for key, k in repaired.items() if key.reason == "REF and ALT exchanged") == n
    assert sum(counts.values()) == sum(repaired.values())
    # A right file is read the same with the option.
    unchanged = read(paths[0], reference)
    assert unchanged[0].equals(records)
    assert unchanged[2] == counts
    with caplog.at_level(logging.INFO):
        assert VcfFile(paths[1]).check_records(["22"], reference, repair_ref=True).n_compared == len(records)
    assert f"REF and ALT are exchanged in {n} of {len(records)} records" in caplog.text
    with pytest.raises(InputError, match=f"ALT equals the reference in {n} of these {n}"):
        VcfFile(paths[1]).check_records(["22"], reference)


# Other causes, in files ------------------------------------------------------------------------------------------


def rewrite(path: Path, change) -> Path:
    """The demo's VCF with each record changed: ``change`` takes its fields."""
    import gzip

    lines = gzip.decompress((DEMO / "genotypes.vcf.gz").read_bytes()).decode().splitlines(keepends=True)
    rows = ["\t".join(change(line.split("\t"))) if line[0] != "#" else line for line in lines]
    path.write_text("".join(rows))
    return path


class Changed:
    """The demo's reference, with its contigs' bases changed."""

    name = "changed.fa"

    def __init__(self, change) -> None:
        source = FastaReference(DEMO / "reference.fa.gz")
        self.codes = {name: change(source.read(name, 0, n)) for name, n in source.contig_lengths.items()}
        self.contig_lengths = {name: len(codes) for name, codes in self.codes.items()}

    def read(self, contig: str, start: int, end: int) -> np.ndarray:
        return self.codes[contig][start:end]


def refused(path: Path, reference) -> str:
    with pytest.raises(InputError) as error:
        VcfFile(path).check_records(["21", "22"], reference)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_check_records__the_demos_reference_shifted():
    path = DEMO / "genotypes.vcf.gz"
    line = refused(path, Changed(lambda codes: np.roll(codes, 3)))
    assert "positions are shifted by +3: " in line
    line = refused(path, Changed(lambda codes: np.insert(codes, len(codes) // 2, [0, 1])))
    assert "positions are shifted by +2 (and in 1 more stretches): bases are missing from this FASTA or too" in line


def test_check_records__the_demos_reference_replaced():
    rng = np.random.default_rng(0)
    line = refused(DEMO / "genotypes.vcf.gz", Changed(lambda codes: rng.integers(0, 4, len(codes)).astype(np.uint8)))
    assert "no more agree than by chance" in line
    assert "another genome build; use the FASTA" in line


def test_check_records__the_demos_alleles_of_the_other_strand(tmp_path):
    turn = str.maketrans("ACGT", "TGCA")

    def flip(fields: list[str]) -> list[str]:
        turned = [",".join(a.translate(turn)[::-1] for a in text.split(",")) for text in fields[3:5]]
        return fields[:3] + turned + fields[5:]

    line = refused(rewrite(tmp_path / "g.vcf", flip), FastaReference(DEMO / "reference.fa.gz"))
    assert "alleles are of the other strand" in line


def test_check_records__the_demos_positions_0_based(tmp_path):
    path = rewrite(tmp_path / "g.vcf", lambda fields: [fields[0], str(int(fields[1]) - 1), *fields[2:]])
    line = refused(path, FastaReference(DEMO / "reference.fa.gz"))
    assert "as if POS were 0-based; count POS from 1" in line


@pytest.mark.parametrize(
    ("lengths", "told"),
    [
        ("##contig=<ID=chr22,length=51304566>\n", "the header's contig lengths are those of GRCh37"),
        ("##contig=<ID=22,length=50818468>\n", "the header's contig lengths are those of GRCh38"),
        ("##contig=<ID=22,length=22000000>\n", "another genome build; use the FASTA"),
        ("##contig=<ID=22>\n", "another genome build; use the FASTA"),
        ("", "another genome build; use the FASTA"),
    ],
)
def test_check_records__the_headers_contig_lengths_name_the_build(tmp_path, lengths, told):
    rng = np.random.default_rng(2)
    calls = [Record(p, str(rng.choice(list("ACGT"))), "*,AAAA,CCCC,GGGG,TTTT", ["0|0"]) for p in range(1, 900, 9)]
    path = tmp_path / "g.vcf"
    header, rows = vcf_text(Cohort(["A"], calls), {}).split("#CHROM")
    path.write_text(f"{header}{lengths}#CHROM{rows}")
    assert told in refused(path, MemoryReference({"21": "", "22": random_sequence(1000, rng)}))


# Real people -----------------------------------------------------------------------------------------------------

PREFIX = "genotypes/geuvadis343.hm3.chr22_16-22Mb"


@pytest.mark.real_data
def test_read__the_export_with_a2_as_ref_equals_the_corrected_one(shared_data, caplog):
    reference = FastaReference(shared_data / "reference/chr22_1-22000000.hg19.fa.gz")
    wrong, right = (VcfFile(shared_data / f"{PREFIX}.{name}.vcf.gz") for name in ("plink2_asis_A2ref", "plink2"))
    with pytest.raises(InputError) as error:
        wrong.check_records(["22"], reference)
    assert "547 of 2,184 records differ (74.95 % agree); ALT equals the reference in 547 of these 547" in str(
        error.value
    )
    assert error.value.remedy.startswith("set data_prep.repair_ref: true")
    with caplog.at_level(logging.INFO):
        assert wrong.check_records(["22"], reference, repair_ref=True).n_compared == 2184
    assert "REF and ALT are exchanged in 547 of 2184 records, 0 of them A/T or C/G" in caplog.text

    people = right.sample_ids
    assert wrong.sample_ids == people
    found = []
    for file, options in ((right, {}), (wrong, {"repair_ref": True})):
        batches = list(file.read([whole_contig("22")], people, reference, **options))
        alleles = np.concatenate([np.asarray(batch.genotypes.alleles[:]) for batch in batches])
        records = pd.concat([batch.genotypes.records for batch in batches], ignore_index=True)
        n_unphased = sum(batch.genotypes.n_unphased for batch in batches)
        found.append(Genotypes(records, people, alleles, n_unphased))
    assert found[1].records.equals(found[0].records)
    assert found[1].n_unphased == found[0].n_unphased > 100_000
    np.testing.assert_array_equal(found[1].alleles, found[0].alleles)

    for tss in (17_489_112, 19_929_262, 21_213_291):
        window = tss_window("22", tss, 196_608)
        for mean in (False, True):
            ours, theirs = (
                collect_gene_haplotypes(g, reference, window, tss, max_missing=0.05, mean=mean) for g in found[::-1]
            )
            np.testing.assert_array_equal(ours.window, theirs.window)
            assert ours.keys == theirs.keys
            assert len(ours) > 50
            np.testing.assert_array_equal(ours.codes(range(50)), theirs.codes(range(50)))


@pytest.mark.real_data
def test_check_records__plink1_is_oriented_by_the_reference_whatever_the_option(shared_data):
    reference = FastaReference(shared_data / "reference/chr22_1-22000000.hg19.fa.gz")
    plink = PlinkFile(shared_data / f"{PREFIX}.bed")
    for repair_ref in (False, True):
        assert plink.check_records(["22"], reference, repair_ref=repair_ref).n_compared == 2184
    people = plink.sample_ids[:5]
    parts = [list(plink.read([whole_contig("22")], people, reference, repair_ref=flag)) for flag in (False, True)]
    for without, with_option in zip(*parts, strict=True):
        assert with_option.counts == without.counts
        np.testing.assert_array_equal(with_option.genotypes.alleles, without.genotypes.alleles)
