"""Genotypes from VCF and BCF: every record once, every allele as called, and what cannot be used refused."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from haploformer.errors import InputError
from haploformer.formats import vcf as vcf_module
from haploformer.formats.genotype_batch import GenotypeBatch
from haploformer.formats.vcf import VcfFile
from haploformer.genome.intervals import Interval
from tests.builders.damage import lose_line
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

SEQUENCE = "ACGT" * 250
REFERENCE = MemoryReference({"22": SEQUENCE, "21": SEQUENCE})
LENGTHS = {"21": 1000, "22": 1000}
CONTIGS = ["21", "22"]
EVERYWHERE = [Interval("21", 0, 1000), Interval("22", 0, 1000)]


def join(batches: list[GenotypeBatch]) -> tuple[pd.DataFrame, np.ndarray, Counter]:
    """Records, alleles and counts of all batches together."""
    counts = sum((batch.counts for batch in batches), Counter())
    records = pd.concat([batch.genotypes.records for batch in batches], ignore_index=True)
    return records, np.concatenate([np.asarray(batch.genotypes.alleles[:]) for batch in batches]), counts


def read(path: Path, samples=None, intervals=EVERYWHERE, reference=REFERENCE, **options):
    file = VcfFile(path)
    file.check()
    return join(list(file.read(intervals, samples or file.sample_ids, reference, **options)))


def write_text(path: Path, records: list[Record], samples: tuple[str, ...] = ("A", "B")) -> Path:
    path.write_text(vcf_text(Cohort(list(samples), records), LENGTHS))
    return path


def reasons(counts: Counter) -> dict[tuple[str, str], int]:
    return {(key.record_class, key.reason): n for key, n in counts.items() if key.outcome == "dropped"}


def refusal(path: Path, **options) -> str:
    with pytest.raises(InputError) as error:
        read(path, **options)
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(path), path.name)


# What is read ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cohort() -> tuple[Cohort, MemoryReference]:
    """Forty people and two contigs, some calls unphased, missing or haploid, some records filtered."""
    rng = np.random.default_rng(7)
    reference = MemoryReference({c: random_sequence(8000, rng) for c in ("21", "22")})
    found = Cohort([f"S{i:02d}" for i in range(40)])
    for contig in ("21", "22"):
        found.records += random_cohort(reference.sequences[contig], rng, n_samples=40, contig=contig).records
    for record in found.records:
        record.filter = str(rng.choice(["PASS", ".", "LowQual"], p=[0.6, 0.3, 0.1]))
        record.name = str(rng.choice([".", f"rs{record.pos}"]))
        for i in rng.integers(0, 40, 5):
            record.calls[i] = str(rng.choice(["0/1", "./.", ".|1", "1", "0", "."]))
    return found, reference


WHOLE = [Interval("21", 0, 8000), Interval("22", 0, 8000)]
PARTS = [Interval("21", 500, 3000), Interval("21", 3100, 3200), Interval("22", 7000, 8000)]


def write_cohort(path: Path, cohort: Cohort, kind: str) -> Path:
    lengths = {"21": 8000, "22": 8000}
    if kind == "plain":
        path = path.with_suffix(".vcf")
        path.write_text(vcf_text(cohort, lengths))
        return path
    vcf = write_vcf(path.with_suffix(".vcf.gz"), cohort, lengths, index=kind == "tbi")
    if kind == "gzip":
        vcf.write_bytes(gzip.compress(gzip.decompress(vcf.read_bytes())))
    if kind == "csi":
        pysam.tabix_index(str(vcf), preset="vcf", force=True, csi=True)
    if kind.startswith("bcf"):
        return write_bcf(path.with_suffix(".bcf"), vcf, index=kind == "bcf indexed")
    return vcf


def plain_reading(cohort: Cohort, intervals: list[Interval]) -> tuple[list, np.ndarray]:
    """The obvious reader: records of the intervals that pass, and their calls, split by hand."""
    kept = [
        r
        for r in cohort.records
        if r.filter != "LowQual" and any(i.contig == r.contig and i.start <= r.pos - 1 < i.end for i in intervals)
    ]
    alleles = np.full((len(kept), len(cohort.samples), 2), -2)
    for row, record in zip(alleles, kept, strict=True):
        for person, call in zip(row, record.calls, strict=True):
            called = [-1 if a == "." else int(a) for a in call.replace("/", "|").split("|")]
            person[: len(called)] = called
            if call == ".":
                person[:] = -1
    return [[r.contig, r.pos, r.ref, r.alt] for r in kept], alleles


@pytest.mark.parametrize("intervals", [WHOLE, PARTS], ids=["whole", "parts"])
@pytest.mark.parametrize("kind", ["plain", "gzip", "bgzip", "tbi", "csi", "bcf", "bcf indexed"])
def test_read__equals_the_obvious_reader_in_every_format(tmp_path, cohort, kind, intervals):
    people, reference = cohort
    path = write_cohort(tmp_path / "g", people, kind)
    records, alleles, counts = read(path, intervals=intervals, reference=reference)
    rows, expected = plain_reading(people, intervals)
    assert records[["contig", "pos", "ref", "alt"]].values.tolist() == rows
    assert alleles.dtype == np.int8
    assert np.array_equal(alleles, expected)
    assert len(rows) > 20
    assert sum(n for key, n in counts.items() if key.outcome == "kept") == len(rows)


@pytest.mark.parametrize("indexed", [False, True])
def test_read__batches_change_nothing(tmp_path, monkeypatch, cohort, indexed):
    people, reference = cohort
    path = write_cohort(tmp_path / "g", people, "tbi" if indexed else "plain")
    whole = read(path, intervals=WHOLE, reference=reference)
    for size in (1, 7, 100):
        monkeypatch.setattr(vcf_module, "BATCH_RECORDS", size)
        batches = list(VcfFile(path).read(WHOLE, people.samples, reference))
        assert max(len(batch.genotypes) for batch in batches) == size
        assert all(batch.genotypes.records["contig"].nunique() == 1 for batch in batches)
        records, alleles, counts = join(batches)
        assert records.equals(whole[0])
        assert np.array_equal(alleles, whole[1])
        assert counts == whole[2]


def test_read__chosen_samples_in_the_order_asked_for(tmp_path, cohort):
    people, reference = cohort
    path = write_cohort(tmp_path / "g", people, "tbi")
    _, every, _ = read(path, intervals=WHOLE, reference=reference)
    order = [31, 4, 5, 39, 0]
    _, chosen, _ = read(path, [people.samples[i] for i in order], intervals=WHOLE, reference=reference)
    assert np.array_equal(chosen, every[:, order])


def test_read__order_of_the_columns_changes_nothing(tmp_path, cohort):
    people, reference = cohort
    order = np.random.default_rng(0).permutation(40).tolist()
    shuffled = Cohort(
        [people.samples[i] for i in order],
        [Record(r.pos, r.ref, r.alt, [r.calls[i] for i in order], r.contig, r.filter, r.name) for r in people.records],
    )
    paths = [write_cohort(tmp_path / name, c, "bgzip") for name, c in (("a", people), ("b", shuffled))]
    (records, alleles, _), (again, same, _) = (
        read(path, people.samples, intervals=WHOLE, reference=reference) for path in paths
    )
    assert VcfFile(paths[1]).sample_ids != people.samples
    assert np.array_equal(alleles, same)
    assert records.equals(again)


def test_read__individuals_have_names_of_their_own(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", ["0|1", "1|1"])])
    [batch] = VcfFile(path).read(EVERYWHERE, ["B", "A"], REFERENCE, individual_ids=["person b", "person a"])
    assert batch.genotypes.individual_ids == ["person b", "person a"]
    assert batch.genotypes.alleles.tolist() == [[[1, 1], [0, 1]]]
    assert batch.genotypes.provenance == {"source": "g.vcf"}


def test_read__ids_of_the_file_or_made_from_the_record(tmp_path):
    path = write_text(
        tmp_path / "g.vcf", [Record(1, "A", "C", ["0|1", "0|0"], name="rs1"), Record(5, "A", "G,T", ["0|1", "2|0"])]
    )
    assert read(path)[0]["variant_id"].tolist() == ["rs1", "22_5_A_G,T"]


def test_read__contigs_match_by_the_alias_rule(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(5, "A", "C", ["0|1", "0|0"], contig="chr22")])
    records, _, counts = read(path)
    assert records[["contig", "pos"]].values.tolist() == [["22", 5]]
    assert {key.contig for key in counts} == {"22"}


@pytest.mark.parametrize("index", [False, True])
def test_read__records_that_reach_into_a_half_open_interval(tmp_path, index):
    # Nine bases of REF: from 2 to 10, and from 3 to 11, which is the first of the interval; one depends on the other.
    for places, expected in (((2, 11, 20, 21), [11, 20]), ((3, 20), [3, 20]), ((2, 3, 21), [2, 3])):
        records = [Record(p, SEQUENCE[p - 1 : p + 8], SEQUENCE[p - 1], ["0|1", "0|0"]) for p in places]
        path = write_vcf(tmp_path / f"{places[0]}{places[1]}.vcf.gz", Cohort(["A", "B"], records), LENGTHS, index=index)
        assert read(path, intervals=[Interval("22", 10, 20)])[0]["pos"].tolist() == expected


def test_read__unphased_heterozygotes_are_counted(tmp_path):
    calls = ["0/1", "0|1", "1/1", "./1", "1", "1/0", "./."]
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", calls)], tuple("ABCDEFG"))
    [batch] = VcfFile(path).read(EVERYWHERE, list("ABCDEFG"), REFERENCE)
    assert batch.genotypes.n_unphased == 2
    [batch] = VcfFile(path).read(EVERYWHERE, list("BCF"), REFERENCE)
    assert batch.genotypes.n_unphased == 1


def test_read__calls_are_copied_before_the_reader_moves_on(tmp_path):
    # cyvcf2's arrays are views of a buffer that the next record overwrites.
    rng = np.random.default_rng(0)
    calls = rng.integers(0, 2, (200, 3, 2))
    records = [Record(4 * i + 1, "A", "C", [f"{a}|{b}" for a, b in row]) for i, row in enumerate(calls.tolist())]
    path = write_text(tmp_path / "g.vcf", records, ("A", "B", "C"))
    _, alleles, _ = read(path)
    assert np.array_equal(alleles, calls)


def test_read__one_ploidy_per_call(tmp_path):
    path = write_text(
        tmp_path / "g.vcf", [Record(1, "A", "C", ["1", "0|1", "."]), Record(5, "A", "C", ["1", "0", "."])], tuple("ABC")
    )
    # A lone dot is missing as a whole: it does not make a haploid of a diploid person.
    assert read(path)[1].tolist() == [[[1, -2], [0, 1], [-1, -1]], [[1, -2], [0, -2], [-1, -1]]]


def test_read__gt_need_not_be_the_first_field(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", ["7:0|1", "8:1|1"])])
    text = path.read_text().replace("\tGT\t", "\tDP:GT\t")
    path.write_text(text.replace("#CHROM", '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">\n#CHROM'))
    assert read(path)[1].tolist() == [[[0, 1], [1, 1]]]


def with_format(path: Path, keys: str, *calls: str) -> Path:
    """A VCF with one record, its FORMAT and cells as given."""
    write_text(path, [Record(1, "A", "C", list(calls))])
    header = '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">\n#CHROM'
    path.write_text(path.read_text().replace("\tGT\t", f"\t{keys}\t").replace("#CHROM", header))
    return path


def test_check__an_index_that_htslib_does_not_survive(tmp_path):
    path = write_vcf(tmp_path / "g.vcf.gz", Cohort(["A", "B"], [Record(1, "A", "C", ["0|1", "1|1"])]), LENGTHS)
    index = tmp_path / "g.vcf.gz.tbi"
    content = bytearray(gzip.decompress(index.read_bytes()))
    # The bin's number of chunks, below 0.
    content[content.index(b"22\0") + 11 + 3] = 0x9C
    with pysam.BGZFile(str(index), "wb") as stream:
        stream.write(bytes(content))
    with pytest.raises(InputError, match=r"g.vcf.gz.tbi: not a readable index \(.tbi, .csi\); make the index again"):
        VcfFile(path).check()


def test_read__gt_that_every_sample_leaves_out_is_missing(tmp_path):
    assert read(with_format(tmp_path / "g.vcf", "DP:GT", "7", "."))[1].tolist() == [[[-1, -1], [-1, -1]]]


def test_read__gt_twice_in_format(tmp_path):
    with pytest.raises(InputError, match="22:1: FORMAT is GT:GT: GT stands 2 times; correct the record"):
        read(with_format(tmp_path / "g.vcf", "GT:GT", "0|1:0|1", "0|0:0|0"))


@pytest.mark.parametrize("index", [False, True])
def test_read__records_outside_the_intervals_are_counted(tmp_path, index):
    rows = [Record(p, SEQUENCE[p - 1], "AT" if p % 2 else "N", ["0|1", "0|0"]) for p in (101, 500, 501, 505)]
    path = write_vcf(tmp_path / "g.vcf.gz", Cohort(["A", "B"], rows), LENGTHS, index=index)
    records, alleles, counts = read(path, intervals=[Interval("22", 0, 100)])
    assert (len(records), alleles.shape) == (0, (0, 2, 2))
    assert reasons(counts) == {("insertion", "far from every gene"): 3, ("ambiguous", "ambiguous allele"): 1}


@pytest.mark.parametrize("names", [("A,B", "C"), ("^A", "B"), ("-", "B"), ("a b", "../x"), ("é", "x" * 5000)])
def test_read__sample_names_are_data(tmp_path, names):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", ["0|1", "1|1"])], names)
    assert VcfFile(path).sample_ids == list(names)
    assert read(path, [names[1]])[1].tolist() == [[[1, 1]]]
    assert read(path, [names[0]])[1].tolist() == [[[0, 1]]]


# What is left out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ((), ["PASS", "."]),
        (("LowQual",), ["PASS", ".", "LowQual"]),
        (("LowQual", "q10"), ["PASS", ".", "LowQual", "LowQual;q10"]),
        (("*",), ["PASS", ".", "LowQual", "LowQual;q10"]),
    ],
)
def test_read__filters(tmp_path, filters, kept):
    values = ["PASS", ".", "LowQual", "LowQual;q10"]
    rows = [Record(4 * i + 1, "A", "C", ["0|1", "0|0"], filter=f, name=f"v{i}") for i, f in enumerate(values)]
    path = write_text(tmp_path / "g.vcf", rows)
    records, _, counts = read(path, filters=filters)
    assert [values[int(name[1:])] for name in records["variant_id"]] == kept
    assert reasons(counts) == {("snp", f"FILTER {f}"): 1 for f in values if f not in kept}
    assert VcfFile(path).check_records(CONTIGS, REFERENCE, filters=filters).n_compared == len(kept)


def test_read__alleles_without_a_sequence_are_left_out_and_counted(tmp_path):
    alts = ["*", "<DEL>", "<INS>", "A[22:500[", "]22:500]A", ".A", "N", "R", ".", "C"]
    rows = [Record(4 * i + 1, "A", alt, ["0|1", "0|0"]) for i, alt in enumerate(alts)]
    records, _, counts = read(write_text(tmp_path / "g.vcf", rows))
    assert records["alt"].tolist() == ["C"]
    assert reasons(counts) == {
        ("spanning", "spanning allele"): 1,
        ("symbolic", "symbolic allele"): 2,
        ("breakend", "breakend allele"): 3,
        ("ambiguous", "ambiguous allele"): 2,
        ("missing", "missing allele"): 1,
    }


def test_read__a_record_with_one_usable_allele_keeps_its_allele_numbers(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "*,C,<DEL>", ["2|1", "0|3"])])
    records, alleles, counts = read(path)
    assert records["alt"].tolist() == ["*,C,<DEL>"]
    assert alleles.tolist() == [[[2, 1], [0, 3]]]
    assert [(key.record_class, key.outcome) for key in counts] == [("snp", "kept")]


def test_read__a_repeated_record_counts_once(tmp_path):
    rows = [
        Record(1, "A", "C", ["0|1", "0|0"], name="first"),
        Record(1, "A", "G", ["0|0", "0|1"], name="split"),
        Record(1, "A", "c", ["0|1", "0|0"], name="again"),
        Record(5, "A", "C", ["1|1", "0|0"]),
    ]
    path = write_text(tmp_path / "g.vcf", rows)
    records, _, counts = read(path)
    assert records["variant_id"].tolist() == ["first", "split", "22_5_A_C"]
    assert reasons(counts) == {("snp", "repeats an earlier record"): 1}
    assert VcfFile(path).check_records(CONTIGS, REFERENCE).n_compared == 3


@pytest.mark.parametrize("size", [1, 4096])
def test_read__a_repeated_record_with_other_calls_is_refused(tmp_path, monkeypatch, size):
    monkeypatch.setattr(vcf_module, "BATCH_RECORDS", size)
    rows = [
        Record(1, "A", "C", ["0|1", "0|0"]),
        Record(1, "A", "G", ["0|0", "0|0"]),
        Record(1, "A", "C", ["0|1", "0|1"]),
    ]
    path = write_text(tmp_path / "g.vcf", rows)
    message = (
        "g.vcf:22:1: the record stands twice, with the same REF and ALT and different calls; leave one of them out"
    )
    assert refusal(path) == message
    with pytest.raises(InputError, match="the record stands twice"):
        VcfFile(path).check_records(CONTIGS, REFERENCE)


# What is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4096])
def test_read__unsorted_records(tmp_path, monkeypatch, size):
    monkeypatch.setattr(vcf_module, "BATCH_RECORDS", size)
    path = write_text(tmp_path / "g.vcf", [Record(p, "A", "C", ["0|1", "0|0"]) for p in (1, 9, 5)])
    assert refusal(path) == "g.vcf:22:5: the record stands after one with a larger POS; sort it: bcftools sort"
    with pytest.raises(InputError, match="larger POS"):
        VcfFile(path).check_records(CONTIGS, REFERENCE)


def test_read__a_contig_in_two_places(tmp_path):
    rows = [Record(p, "A", "C", ["0|1", "0|0"], contig=c) for c, p in (("22", 1), ("21", 5), ("22", 9))]
    line = refusal(write_text(tmp_path / "g.vcf", rows))
    assert line.startswith("g.vcf:22:9: contig 22 stands in two places (before as 22); give each contig one name")


def test_read__a_contig_under_two_names(tmp_path):
    rows = [Record(p, "A", "C", ["0|1", "0|0"], contig=c) for c, p in (("22", 1), ("chr22", 5))]
    assert "contig chr22 stands in two places (before as 22)" in refusal(write_text(tmp_path / "g.vcf", rows))


@pytest.mark.parametrize("kind", ["plain", "bgzip", "tbi", "csi", "bcf", "bcf indexed"])
def test_read__no_contig_in_common(tmp_path, cohort, kind):
    path = write_cohort(tmp_path / "g", cohort[0], kind)
    line = refusal(path, intervals=[Interval("7", 0, 100)])
    assert line.startswith(f"{path.name}: no record on contig 7 (contigs there: 21, 22); give genotypes of these")
    with pytest.raises(InputError, match="no record on contig 7"):
        VcfFile(path).check_records(["7"], REFERENCE)


@pytest.mark.parametrize("index", [False, True])
def test_read__no_record_at_all(tmp_path, index):
    path = write_vcf(tmp_path / "g.vcf.gz", Cohort(["A"]), LENGTHS, index=index)
    assert "no record on contig 21, 22 (contigs there: none)" in refusal(path)


def test_read__ref_that_differs_in_the_middle(tmp_path, monkeypatch):
    monkeypatch.setattr(vcf_module, "BATCH_RECORDS", 50)
    rows = [Record(4 * i + 1, "A", "T", ["0|1", "0|0"]) for i in range(200)]
    rows[120].ref = "G"
    path = write_text(tmp_path / "g.vcf", rows)
    batches = VcfFile(path).read(EVERYWHERE, ["A"], REFERENCE)
    assert [len(next(batches).genotypes) for _ in range(2)] == [50, 50]
    with pytest.raises(InputError, match=r"g.vcf:22:481: REF differs from memory.fa \(REF G, the reference has A\)"):
        next(batches)
    with pytest.raises(InputError) as error:
        VcfFile(path).check_records(CONTIGS, REFERENCE)
    assert str(error.value) == (
        f"{path}:22:481: REF differs from memory.fa (REF G, the reference has A); 1 of 200 records differ "
        "(99.50 % agree); a single record is wrong; correct the record or leave it out"
    )


OFF = {
    (1001, "A"): "POS lies past the end of contig 22, which has 1,000 bases in memory.fa",
    (1200, "A"): "POS lies past the end of contig 22, which has 1,000 bases in memory.fa",
    (999, "GTA"): "REF (3 bases) reaches past the end of contig 22, which has 1,000 bases in memory.fa",
    (0, "A"): "POS is 0, the first base of a contig is 1",
}


@pytest.mark.parametrize("left_out", [False, True])
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize(("pos", "ref"), OFF)
def test_read__records_off_the_contig(tmp_path, pos, ref, index, left_out):
    # Those that FILTER leaves out are no different, nor those far from every gene.
    off = Record(pos, ref, "C", ["0|1", "0|0"], filter="LowQual" if left_out else "PASS")
    records = sorted([off, Record(1, "A", "C", ["0|1", "0|0"])], key=lambda record: record.pos)
    path = write_vcf(tmp_path / "g.vcf.gz", Cohort(["A", "B"], records), LENGTHS, index=index)
    message = (
        f"g.vcf.gz:22:{pos}: {OFF[pos, ref]}; 1 of 2 records do not lie on their contig, 100.00 % of the others agree; "
        "use the FASTA that the variants were called on, all of it, or correct the records"
    )
    assert refusal(path, intervals=[Interval("22", 0, 20)]) == message
    with pytest.raises(InputError) as error:
        VcfFile(path).check_records(CONTIGS, REFERENCE)
    assert str(error.value) == f"{tmp_path}/{message}"


def test_read__the_last_base_is_on_the_contig(tmp_path):
    rows = [Record(997, "ACGT", "A", ["0|1", "0|0"]), Record(1000, "T", "C", ["0|1", "0|0"])]
    assert len(read(write_text(tmp_path / "g.vcf", rows))[0]) == 2


@pytest.mark.parametrize("index", [False, True])
def test_read__breakends_at_a_telomere_are_left_out_and_counted(tmp_path, index):
    # VCF writes them at 0 and at one past the last base.
    rows = [Record(0, "N", ".[21:1[", ["0|1", "0|0"]), Record(1001, "N", "]21:1].", ["0|1", "0|0"])]
    path = write_vcf(tmp_path / "g.vcf.gz", Cohort(["A", "B"], rows), LENGTHS, index=index)
    records, _, counts = read(path)
    assert len(records) == 0
    assert reasons(counts) == {("breakend", "breakend allele"): 2}
    assert VcfFile(path).check_records(CONTIGS, REFERENCE).n_compared == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("0|2", "sample B carries allele 2, the record has 1 ALT; correct the record"),
        ("7", "sample B carries allele 7, the record has 1 ALT; correct the record"),
        ("0|300", "sample B carries allele 300, the record has 1 ALT (at most 127 are read); correct"),
        ("0|1|1", "the call of sample B has 3 alleles; leave out samples that are not diploid"),
        ("0/0/1/1", "the call of sample B has 4 alleles; leave out samples that are not diploid"),
    ],
)
def test_read__calls_that_cannot_be(tmp_path, call, message):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", ["0|1", call, "1|1"])], tuple("ABC"))
    assert refusal(path).startswith(f"g.vcf:22:1: {message}")
    assert refusal(path, samples=["C", "B"]).startswith(f"g.vcf:22:1: {message}")
    # People who are not read may have what calls they like.
    assert read(path, samples=["C", "A"])[1].tolist() == [[[1, 1], [0, 1]]]


def test_read__allele_numbers_that_int8_cannot_hold(tmp_path):
    alts = ",".join("A" + "C" * n for n in range(1, 141))
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", alts, ["0|127", "0|0"])])
    assert read(path)[1].tolist() == [[[0, 127], [0, 0]]]
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", alts, ["0|127", "0|130"])])
    assert "sample B carries allele 130, the record has 140 ALT (at most 127 are read)" in refusal(path)


def test_read__no_gt(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", ["3", "4"])])
    path.write_text(path.read_text().replace("\tGT\t", "\tDP\t"))
    assert refusal(path) == "g.vcf:22:1: the record has no GT; give a VCF with genotypes"


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace("\t5\t", "\tfive\t"),
        lambda line: line.replace("\t5\t", "\t5e0\t"),
        lambda line: line.replace("0|1", "x|1"),
        lambda line: line.replace("0|1", ""),
        lambda line: line.rsplit("\t", 1)[0],
        lambda line: line.replace("A\tC", "A\tC\udce9"),
    ],
    ids=["text for POS", "a float for POS", "text for a call", "an empty call", "a call less", "ALT not UTF-8"],
)
def test_read__lines_that_are_no_records(tmp_path, change):
    path = write_text(tmp_path / "g.vcf", [Record(p, "A", "C", ["0|1", "0|0"]) for p in (1, 5, 9)])
    lines = path.read_text().split("\n")
    lines[-3] = change(lines[-3])
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    line = refusal(path)
    assert line.startswith("g.vcf: cannot be read after 22:1 (")
    assert line.endswith("; correct or make the file again")


@pytest.mark.parametrize("kind", ["plain", "gzip", "bgzip", "bcf"])
def test_read__a_file_cut_short(tmp_path, cohort, kind):
    path = write_cohort(tmp_path / "g", cohort[0], kind)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2 + 7])
    line = refusal(path, intervals=WHOLE, reference=cohort[1])
    assert ("cut short (no BGZF end block)" if kind in {"bgzip", "bcf"} else "cannot be read after 21:") in line


@pytest.mark.parametrize("kind", ["bgzip", "tbi", "csi", "bcf", "bcf indexed"])
def test_read__a_flipped_bit(tmp_path, cohort, kind):
    path = write_cohort(tmp_path / "g", cohort[0], kind)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 16
    path.write_bytes(bytes(raw))
    line = refusal(path, intervals=WHOLE, reference=cohort[1])
    assert ("a compressed block is damaged" if kind != "bgzip" else "cannot be read") in line


@pytest.mark.parametrize("kind", ["tbi", "csi", "bcf indexed"])
def test_read__a_stale_index(tmp_path, cohort, kind):
    people, reference = cohort
    path = write_cohort(tmp_path / "g", people, kind)
    fewer = Cohort(people.samples, people.records[5:])
    shutil.copy(write_cohort(tmp_path / "h", fewer, kind), path)
    line = refusal(path, intervals=WHOLE, reference=reference)
    assert "the index does not belong to" in line
    assert line.endswith("as it is now; make the index again: bcftools index -f")
    with pytest.raises(InputError, match="the index does not belong"):
        VcfFile(path).check_records(["21", "22"], reference)


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_read__no_index_where_one_should_be(tmp_path, cohort, content):
    path = write_cohort(tmp_path / "g", cohort[0], "tbi")
    Path(f"{path}.tbi").write_bytes(content)
    assert "g.vcf.gz.tbi: not a readable index (.tbi, .csi)" in refusal(path, intervals=WHOLE, reference=cohort[1])


# Checked before a run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "tbi", "csi", "bcf", "bcf indexed"])
@pytest.mark.parametrize("filters", [(), ("*",)])
def test_check_records__counts_what_reading_counts(tmp_path, cohort, kind, filters):
    people, reference = cohort
    path, chosen = write_cohort(tmp_path / "g", people, kind), people.samples[3:30]
    found = VcfFile(path).check_records(CONTIGS, reference, filters=filters, sample_ids=chosen, near=PARTS)
    _, alleles, counts = read(path, chosen, PARTS, reference, filters=filters)
    assert found.counts == counts
    assert found.n_calls == alleles.shape[0] * len(chosen)
    one, other = alleles[..., 0], alleles[..., 1]
    assert found.n_heterozygous == ((one >= 0) & (other >= 0) & (one != other)).sum() > 0
    assert found.n_missing == (alleles == -1).any(-1).sum() > 0
    batches = VcfFile(path).read(PARTS, chosen, reference, filters=filters)
    assert found.n_unphased == sum(batch.genotypes.n_unphased for batch in batches) > 0
    assert found.n_compared == VcfFile(path).check_records(CONTIGS, reference, filters=filters).n_compared
    assert found.n_compared == sum(n for key, n in found.counts.items() if not key.reason.startswith("FILTER"))


@pytest.mark.parametrize("call", ["0|2", "0|1|1"])
def test_check_records__calls_that_cannot_be_are_found_wherever_they_are(tmp_path, call):
    path = write_text(tmp_path / "g.vcf", [Record(p, "A", "C", ["0|1", call if p == 5 else "0|0"]) for p in (1, 5, 9)])
    file = VcfFile(path)
    with pytest.raises(InputError, match=r"g.vcf:22:5: .*sample B"):
        file.check_records(["22"], REFERENCE, sample_ids=["A", "B"], near=[Interval("22", 0, 2)])
    # Nobody is asked about, or not B.
    assert file.check_records(["22"], REFERENCE, sample_ids=["A"]).n_calls == 3
    assert file.check_records(["22"], REFERENCE).n_compared == 3


def test_check_records__a_line_less_than_the_index_counts(tmp_path, cohort):
    people, reference = cohort
    path = write_cohort(tmp_path / "g", people, "tbi")
    lose_line(path)
    n = sum(record.contig == "22" for record in people.records)
    message = (
        rf"g.vcf.gz:22: {n - 1} records can be read, the index g.vcf.gz.tbi counts {n}; copy or make the file again"
    )
    with pytest.raises(InputError, match=message):
        VcfFile(path).check_records(CONTIGS, reference)
    with pytest.raises(InputError, match=message):
        list(VcfFile(path).read(PARTS, people.samples, reference))
    # The other contig has all of its lines.
    assert VcfFile(path).check_records(["21"], reference).n_compared > 100


# The header ------------------------------------------------------------------------------------------------------


def test_check__missing_and_empty_files(tmp_path):
    path = tmp_path / "g.vcf"
    with pytest.raises(InputError, match=r"g.vcf: the genotype file is missing; check the path"):
        VcfFile(path).check()
    path.touch()
    with pytest.raises(InputError, match=r"g.vcf: the genotype file is empty; copy"):
        VcfFile(path).check()


@pytest.mark.parametrize("suffix", [".vcf", ".bcf"])
@pytest.mark.parametrize("content", [b"hello\nworld\n", bytes(500), b"##fileformat=VCFv4.2\n", b"BCF\2\2\xff\xff\0\0"])
def test_check__no_vcf(tmp_path, suffix, content):
    path = tmp_path / f"g{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"no #CHROM header line; give|not a readable VCF or BCF"):
        VcfFile(path).check()


def test_check__a_sample_twice(tmp_path):
    path = write_text(tmp_path / "g.vcf", [], ("A", "B", "A"))
    with pytest.raises(InputError, match=r"g.vcf:header: sample id A stands 2 times; give each sample an id"):
        VcfFile(path).check()


@pytest.mark.parametrize("suffix", [".vcf", ".bcf"])
def test_check__no_samples(tmp_path, suffix):
    path = tmp_path / f"g{suffix}"
    header = pysam.VariantHeader()
    header.add_line("##contig=<ID=22,length=1000>")
    with pysam.VariantFile(str(path), "wb" if suffix == ".bcf" else "w", header=header) as stream:
        stream.write(stream.new_record(contig="22", start=0, alleles=("A", "C")))
    with pytest.raises(InputError, match=r"header: the file has no samples; give a VCF with genotypes"):
        VcfFile(path).check()


def test_check__a_sample_name_that_other_readers_cut(tmp_path):
    path = write_text(tmp_path / "g.vcf", [], ("A\0B", "C"))
    with pytest.raises(InputError, match=r"g.vcf:header: a sample id is not UTF-8 text, or holds a NUL"):
        VcfFile(path).check()


@pytest.mark.parametrize("suffix", [".vcf", ".bcf"])
def test_check__a_sample_name_that_is_not_utf8(tmp_path, suffix):
    vcf = write_vcf(tmp_path / "g.vcf.gz", Cohort(["Ae", "B"], [Record(1, "A", "C", ["0|1", "0|1"])]), LENGTHS)
    path = tmp_path / f"h{suffix}"
    if suffix == ".vcf":
        path.write_bytes(gzip.decompress(vcf.read_bytes()).replace(b"\tAe\t", b"\tA\xe9\t"))
    else:
        with pysam.BGZFile(str(path), "wb") as stream:
            stream.write(
                gzip.decompress(write_bcf(tmp_path / "g.bcf", vcf).read_bytes()).replace(b"\tAe\t", b"\tA\xe9\t")
            )
    with pytest.raises(InputError, match=rf"h{suffix}:header: a sample id is not UTF-8 text, or holds a NUL"):
        VcfFile(path).check()


@pytest.mark.parametrize("line", ["##x=" + "y" * 600 + "\n", ("##x=" + "y" * 20 + "\n") * 60])
def test_check__a_header_without_end(tmp_path, monkeypatch, line):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", ["0|1", "0|0"])])
    VcfFile(path).check()
    monkeypatch.setattr(vcf_module, "MAX_HEADER", 550)
    VcfFile(path).check()
    first, rest = path.read_text().split("\n", 1)
    path.write_text(f"{first}\n{line}{rest}")
    with pytest.raises(InputError, match=r"g.vcf:header: the header is longer than 550 characters"):
        VcfFile(path).check()


def test_check__a_bcf_header_without_end(tmp_path, monkeypatch):
    vcf = write_vcf(tmp_path / "g.vcf.gz", Cohort(["A"], [Record(1, "A", "C", ["0|1"])]), LENGTHS)
    path = write_bcf(tmp_path / "g.bcf", vcf)
    VcfFile(path).check()
    monkeypatch.setattr(vcf_module, "MAX_HEADER", 100)
    with pytest.raises(InputError, match=r"g.bcf:header: the header is longer than 100 characters"):
        VcfFile(path).check()


def test_sample_ids__windows_line_ends(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", ["0|1", "1|1"])])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert VcfFile(path).sample_ids == ["A", "B"]
    assert read(path)[1].tolist() == [[[0, 1], [1, 1]]]


def test_pickle__a_handle_opens_the_file_again(tmp_path):
    path = write_text(tmp_path / "g.vcf", [Record(1, "A", "C", ["0|1", "1|1"])])
    file = VcfFile(path)
    assert file.sample_ids == ["A", "B"]
    again = pickle.loads(pickle.dumps(file))  # noqa: S301
    assert (again.path, again.name, again.sample_ids) == (path, "g.vcf", ["A", "B"])
    assert again.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
