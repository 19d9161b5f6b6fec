"""PLINK2 file sets: what VCF says of the same people, and nothing of a file that is cut, damaged or another's."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pgenlib import PgenWriter

from haploformer.errors import InputError
from haploformer.formats import plink2 as plink2_module
from haploformer.formats import pvar as pvar_module
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_batch import GenotypeFile
from haploformer.formats.pgen import check_pgen
from haploformer.formats.plink1 import PlinkFile
from haploformer.formats.plink2 import Plink2File
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.intervals import Interval, whole_contig
from tests.builders.genome import (
    Cohort,
    MemoryReference,
    Record,
    random_cohort,
    random_sequence,
    write_plink2,
    write_vcf,
)

needs_plink2 = pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 (Debian package) is not installed")

LENGTHS = {"21": 8000, "22": 8000}
WHOLE = [Interval("21", 0, 8000), Interval("22", 0, 8000)]
PARTS = [Interval("21", 500, 3000), Interval("21", 3100, 3200), Interval("22", 7000, 8000)]
PEOPLE = ["A", "B", "C"]
SEQUENCE = "ACGT" * 250
REFERENCE = MemoryReference(dict.fromkeys(("21", "22", "X"), SEQUENCE))
RECORDS = [
    Record(1, "A", "C", ["0|1", "1|0", "0/1"]),
    Record(5, "A", "C,G", ["1|2", "0|2", "./."]),
    Record(9, "A", "AT", ["1|1", "0|0", "0|1"]),
    Record(13, "AC", "A", ["0|0", "0|1", "./."]),
]


def joined(file: GenotypeFile, people=None, *, intervals=WHOLE, reference=REFERENCE, **options):
    """Genotypes in one piece, and counts without the name of the file."""
    file.check()
    people = people or file.sample_ids
    batches = list(file.read(intervals, people, reference, **options))
    counts = sum((batch.counts for batch in batches), Counter())
    records = pd.concat([batch.genotypes.records for batch in batches], ignore_index=True)
    alleles = np.concatenate([np.asarray(batch.genotypes.alleles[slice(None)]) for batch in batches])
    n_unphased = sum(batch.genotypes.n_unphased for batch in batches)
    return Genotypes(records, people, alleles, n_unphased), {key[1:]: n for key, n in counts.items()}


def made(folder: Path, records: list[Record] | None = None, samples: list[str] | None = None) -> Plink2File:
    return Plink2File(write_plink2(folder / "g", Cohort(samples or PEOPLE, RECORDS if records is None else records)))


def refusal(file: Plink2File, **options) -> str:
    """The one line that says what is wrong, without the folder."""
    with pytest.raises(InputError) as error:
        joined(file, **options)
    assert "\n" not in str(error.value)
    return str(error.value).replace(f"{file.path.parent}/", "")


def plink2_makes(folder: Path, option: str, path: Path, *modifiers: str) -> Plink2File:
    command = ["plink2", option, str(path), "--make-pgen", *modifiers, "--threads", "1", "--out", str(folder / "g")]
    subprocess.run(command, check=True, capture_output=True)
    return Plink2File(folder / "g")


# What is read ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cohort() -> tuple[Cohort, MemoryReference]:
    """Forty people: every class of allele, two or three alleles, calls phased or not or missing, some filtered."""
    rng = np.random.default_rng(11)
    reference = MemoryReference({contig: random_sequence(8000, rng) for contig in LENGTHS})
    found = Cohort([f"S{i:02d}" for i in range(40)])
    for contig in LENGTHS:
        records = random_cohort(reference.sequences[contig], rng, n_samples=40, contig=contig).records
        for record in records:
            record.filter = str(rng.choice(["PASS", ".", "LowQual"], p=[0.6, 0.3, 0.1]))
            record.name = str(rng.choice([".", f"rs{record.pos}"]))
            if rng.random() < 0.4:
                record.alt += f",{record.ref}GG"
                for i in rng.integers(0, 40, 9):
                    record.calls[i] = str(rng.choice(["0|2", "2|0", "1|2", "2|1", "2|2", "1/2", "0/2"]))
            for i in rng.integers(0, 40, 5):
                record.calls[i] = str(rng.choice(["0/1", "./.", ".|.", "1/1"]))
        for at, alt in enumerate(["<DEL>", "*", "N", "A]22:100]", "."]):
            first = records[7 * at]
            # No call can carry an allele of a variant that has none but REF.
            calls = ["0/0"] * 40 if alt == "." else [call.replace("2", "1") for call in first.calls]
            records.insert(7 * at, Record(first.pos, first.ref, alt, calls, contig))
        twin = records[40]
        records.insert(40, Record(twin.pos, twin.ref, twin.alt, twin.calls, contig, twin.filter))
        found.records += records
    return found, reference


@pytest.fixture(scope="module")
def vcf(tmp_path_factory, cohort) -> VcfFile:
    return VcfFile(write_vcf(tmp_path_factory.mktemp("vcf") / "g.vcf.gz", cohort[0], LENGTHS))


@pytest.fixture
def few(tmp_path, cohort) -> Path:
    """The .pgen of a few variants on each contig."""
    records = [r for contig in LENGTHS for r in [r for r in cohort[0].records if r.contig == contig][:45]]
    return write_plink2(tmp_path / "g", Cohort(cohort[0].samples, records))


def require_equal(ours: tuple[Genotypes, dict], theirs: tuple[Genotypes, dict]) -> None:
    assert ours[0].records.equals(theirs[0].records)
    alleles, expected = np.asarray(ours[0].alleles), np.asarray(theirs[0].alleles)
    assert alleles.dtype == np.int8
    # The order of a heterozygote's alleles means nothing where it has no phase.
    assert np.array_equal(np.sort(alleles), np.sort(expected))
    assert int((alleles != expected).any(-1).sum()) <= ours[0].n_unphased == theirs[0].n_unphased
    assert np.array_equal(alt_dosages(ours[0])[1], alt_dosages(theirs[0])[1], equal_nan=True)
    assert ours[1] == theirs[1]


@pytest.mark.parametrize("filters", [(), ("LowQual",), ("*",)])
@pytest.mark.parametrize("intervals", [WHOLE, PARTS], ids=["whole", "parts"])
@pytest.mark.parametrize("compress", [False, True], ids=["pvar", "pvar.zst"])
def test_read__equals_the_vcf_of_the_same_people(tmp_path, cohort, vcf, compress, intervals, filters):
    path = write_plink2(tmp_path / "g", cohort[0], compress=compress)
    options = {"intervals": intervals, "reference": cohort[1], "filters": filters}
    theirs = joined(vcf, **options)
    require_equal(joined(Plink2File(path), **options), theirs)
    assert len(theirs[0]) > 30
    assert theirs[0].n_unphased > 100
    assert {key[-1] for key in theirs[1]} >= {"used", "symbolic allele", "spanning allele", "repeats an earlier record"}


@needs_plink2
@pytest.mark.parametrize("options", ["", "vzs", "format=2"])
def test_read__what_plink2_makes_of_the_vcf_equals_it(tmp_path, cohort, options):
    people, reference = cohort
    records = [r for r in people.records if options != "format=2" or "," not in r.alt]
    if options == "format=2":
        records = [Record(r.pos, r.ref, r.alt, [c.replace("|", "/") for c in r.calls], r.contig) for r in records]
    path = write_vcf(tmp_path / "g.vcf.gz", Cohort(people.samples, records), LENGTHS)
    command = ["plink2", "--vcf", str(path), "--make-pgen", *options.split(), "--out", str(tmp_path / "g")]
    subprocess.run([*command, "--threads", "1"], check=True, capture_output=True)
    require_equal(joined(Plink2File(tmp_path / "g"), reference=reference), joined(VcfFile(path), reference=reference))


def test_read__people_are_taken_by_id_in_any_order(tmp_path, cohort, vcf):
    path = write_plink2(tmp_path / "g", cohort[0])
    rng = np.random.default_rng(3)
    for n in (1, 7, 40):
        people = rng.permutation(cohort[0].samples)[:n].tolist()
        require_equal(joined(Plink2File(path), people, reference=cohort[1]), joined(vcf, people, reference=cohort[1]))


def test_read__batches_and_blocks_change_nothing(monkeypatch, cohort, few):
    whole, counts = joined(Plink2File(few), reference=cohort[1])
    assert [key[-1] for key in counts].count("repeats an earlier record") == 2
    for records, n_bytes, decoded in ((1, 100, 1), (7, 160, 3), (100, 2000, 256)):
        monkeypatch.setattr(plink2_module, "BATCH_RECORDS", records)
        monkeypatch.setattr(plink2_module, "_DECODED_RECORDS", decoded)
        monkeypatch.setattr(pvar_module, "BLOCK_BYTES", n_bytes)
        file = Plink2File(few)
        batches = list(file.read(WHOLE, file.sample_ids, cohort[1]))
        assert max(len(batch.genotypes) for batch in batches) <= records
        assert all(batch.genotypes.records["contig"].nunique() <= 1 for batch in batches)
        again, again_counts = joined(file, reference=cohort[1])
        assert again.records.equals(whole.records)
        assert np.array_equal(again.alleles, whole.alleles)
        assert (again.n_unphased, again_counts) == (whole.n_unphased, counts)


def test_read__phase_and_alleles_of_each_call(tmp_path):
    found, counts = joined(made(tmp_path))
    assert np.asarray(found.alleles).tolist() == [
        [[0, 1], [1, 0], [0, 1]],
        [[1, 2], [0, 2], [-1, -1]],
        [[1, 1], [0, 0], [0, 1]],
        [[0, 0], [0, 1], [-1, -1]],
    ]
    assert found.n_unphased == 1
    assert found.records["variant_id"].tolist() == ["22_1_A_C", "22_5_A_C,G", "22_9_A_AT", "22_13_AC_A"]
    assert counts == {
        ("22", "snp", "kept", "used"): 2,
        ("22", "insertion", "kept", "used"): 1,
        ("22", "deletion", "kept", "used"): 1,
    }


def test_read__contigs_by_alias_and_haploid_calls_as_two_copies(tmp_path):
    records = [Record(1, "A", "C", ["1|1", "0|1", "0|0"], "chr21"), Record(1, "A", "C", ["1|1"] * 3, "chrX")]
    intervals = [whole_contig("21"), whole_contig("X")]
    found, counts = joined(made(tmp_path, records), intervals=intervals)
    assert found.records["contig"].tolist() == ["21", "X"]
    assert counts == {
        ("21", "snp", "kept", "used"): 1,
        ("X", "snp", "kept", "used, a haploid call as two copies"): 1,
    }


def test_read__the_same_variant_again(tmp_path):
    twice = [Record(1, "A", "C", ["0|1", "0|0", "./."]), Record(1, "a", "c", ["0|1", "0|0", "./."])]
    other = Record(1, "A", "G", ["0|0", "0|1", "0|0"])
    found, counts = joined(made(tmp_path, [twice[0], other, twice[1]]))
    assert found.records["alt"].tolist() == ["C", "G"]
    assert counts[("22", "snp", "dropped", "repeats an earlier record")] == 1
    for different in ("1|0", "0/1", "1|1"):
        file = made(tmp_path, [twice[0], other, Record(1, "A", "C", [different, "0|0", "./."])])
        assert refusal(file) == (
            "g:22:1: the variant stands twice, with the same REF and ALT and different calls; leave one of them out"
        )
        with pytest.raises(InputError, match="stands twice"):
            file.check_records(["22"], REFERENCE)


def test_check_records__ref_differs_from_the_reference(tmp_path):
    file = made(tmp_path, [*RECORDS, Record(17, "C", "A", ["0|0"] * 3)])
    assert refusal(file).startswith(
        "g:22:17: REF differs from memory.fa (REF C, the reference has A); 1 of 5 records differ (80.00 % agree)"
    )
    with pytest.raises(InputError, match=r"g:22:17: REF differs"):
        file.check_records(["22"], REFERENCE)
    assert made(tmp_path).check_records(["22"], REFERENCE).n_compared == 4


def swapped(records: list[Record]) -> list[Record]:
    """REF exchanged with the last ALT in some records, the calls renumbered with them."""
    found = []
    for i, record in enumerate(records):
        alts = record.alt.split(",")
        if i % 3 == 0 and all(set(allele) <= set("ACGT") for allele in (record.ref, *alts)):
            n = str(len(alts))
            turn = str.maketrans({"0": n, n: "0"})
            ref, alts[-1] = alts[-1], record.ref
            record = replace(record, ref=ref, alt=",".join(alts), calls=[call.translate(turn) for call in record.calls])
        found.append(record)
    return found


def test_read__exchanged_alleles_are_repaired_as_in_the_vcf(tmp_path, cohort, vcf):
    """Substitutions only: where an indel stands in a repeat, both of its alleles equal the reference."""
    people, reference = cohort[0].samples, cohort[1]
    plain = [r for r in cohort[0].records if all(len(a) == len(r.ref) for a in r.alt.split(","))]
    turned = swapped(plain)
    assert sum(a.ref != b.ref for a, b in zip(plain, turned, strict=True)) > 50
    pgen = made(tmp_path, turned, people)
    assert "set data_prep.repair_ref: true" in refusal(pgen, reference=reference)
    options = {"reference": reference, "filters": ("*",)}
    repaired, counts = joined(pgen, repair_ref=True, **options)
    as_vcf = VcfFile(write_vcf(tmp_path / "v.vcf.gz", Cohort(people, turned), LENGTHS))
    require_equal((repaired, counts), joined(as_vcf, repair_ref=True, **options))
    (tmp_path / "right").mkdir()
    right, _ = joined(made(tmp_path / "right", plain, people), **options)
    np.testing.assert_array_equal(repaired.alleles, right.alleles)
    assert repaired.records[["pos", "ref", "alt"]].equals(right.records[["pos", "ref", "alt"]])
    found = pgen.check_records(["21", "22"], reference, filters=("*",), repair_ref=True)
    assert found.n_compared == len(right)


def test_read__no_contig_in_common(tmp_path):
    assert refusal(made(tmp_path), intervals=[whole_contig("21")]).startswith(
        "g: no record on contig 21 (contigs there: 22); give genotypes of these contigs"
    )


def test_read__allele_that_int8_does_not_hold(tmp_path):
    alt = ",".join("A" * n for n in range(2, 132))
    for allele, problem in ((127, None), (128, "a call has allele 128, the .pvar 130 ALT (at most 127 are read)")):
        file = made(tmp_path, [Record(1, "A", alt, [f"0|{allele}", "0|0", "0|0"])])
        if problem:
            assert refusal(file).startswith(f"g.pgen:variant 1: {problem}")
        else:
            assert np.asarray(joined(file)[0].alleles).max() == 127


def test_plink2_file__any_of_its_names_and_pickling(tmp_path):
    names = ["g", "g.pgen", "g.pvar", "g.pvar.zst", "g.psam"]
    made(tmp_path)
    files = [Plink2File(tmp_path / name, individual_of={"A": "a"}) for name in names]
    assert all(file.exists() and file.sample_ids == PEOPLE for file in files)
    assert len({file.sha256 for file in files}) == 1
    again = pickle.loads(pickle.dumps(files[1]))  # noqa: S301
    assert (again.sha256, again.individual_of) == (files[0].sha256, {"A": "a"})
    assert len(joined(again)[0]) == 4
    (tmp_path / "g.psam").write_text("#IID\nA\nB\nD\n")
    assert Plink2File(tmp_path / "g").sha256 != files[0].sha256


# People ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "#IID\nA\nB\nC\n",
        "#FID\tIID\tSEX\nF\tA\t1\nF\tB\t2\nF\tC\tNA\n\n",
        "##note\n#other words\n#IID SID SEX\r\nA 1 1\r\nB 1 1\r\nC 1 1\r\n",
        "F A 0 0 1 -9\nF B 0 0 1 -9\nF C 0 0 1 -9\n",
        "F A 0 0 1\nF B 0 0 1\nF C 0 0 1\n",
    ],
)
def test_sample_ids__forms_of_a_psam(tmp_path, text):
    file = made(tmp_path)
    (tmp_path / "g.psam").write_bytes(text.encode())
    file.check()
    assert file.sample_ids == PEOPLE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"#IID\tSEX\nA\t1\nB\nC\t1\n", "g.psam:line 3: has 1 columns, 2 are expected; correct it"),
        (b"#IID\tSEX\nA\t1\n\nB\t1\nC\t1\n", "g.psam:line 3: has 0 columns, 2 are expected; correct it"),
        (b"#IID\tSEX\nA\t1\nB\t1\n", "g.pgen: has 4 variants of 3 people; .pvar and .psam have 4 and 2; give .pgen"),
        (b"#IID\tSEX\nA\t1\nB\t1\nC\t", "g.psam: the last line does not end, the file may be cut short; copy it"),
        (b"#IID\nA\nB\nA\n", "g.psam: individual id A stands twice; give each person an id of its own"),
        (b"#IID\n", "g.psam: has a header and no person"),
        (b"\n", "g.psam:line 1: has 0 columns, 5 are expected"),
        (b"", "g.psam: the .psam file is empty"),
        (b"#SEX\n1\n1\n1\n", "g.psam:line 1: the header has neither #FID nor #IID"),
        (b"#FID\tSEX\nA\t1\nB\t1\nC\t1\n", "g.psam:line 1: the header has no IID"),
        (b"A\nB\nC\n", "g.psam:line 1: has 1 columns, 5 are expected"),
        (b"\x00\x01\x02\n", "g.psam: is not a text file"),
        (b"#IID\n\xff\n", "g.psam: is not UTF-8 text"),
    ],
)
def test_check__psam_that_cannot_be_used(tmp_path, text, problem):
    file = made(tmp_path)
    (tmp_path / "g.psam").write_bytes(text)
    assert refusal(file).startswith(problem)


# Variants --------------------------------------------------------------------------------------------------------

HEADER = "#CHROM\tPOS\tID\tREF\tALT"
ROWS = ["22\t1\t.\tA\tC", "22\t5\t.\tA\tC,G", "22\t9\t.\tA\tAT", "22\t13\t.\tAC\tA"]


def text_of(rows: list[str], header: str = HEADER) -> bytes:
    return "".join(f"{row}\n" for row in [header, *rows]).encode()


def test_read__columns_by_name_and_no_filter(tmp_path):
    expected = joined(made(tmp_path))[0]
    rows = ["\t".join([*row.split("\t")[::-1][:4], "x", row.split("\t")[0]]) for row in ROWS]
    rows = ["\t".join([row.split("\t")[-1], *row.split("\t")[:-1]]) for row in rows]
    file = made(tmp_path)
    (tmp_path / "g.pvar").write_bytes(text_of(rows, "#CHROM\tALT\tREF\tID\tPOS\tCM"))
    assert joined(file)[0].records.equals(expected.records)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (text_of([*ROWS[:2], "22\t9\t.\tA", ROWS[3]]), "g.pvar:line 4: has 4 columns, the header 5; correct the row"),
        (text_of([*ROWS, "22\t9\t.\tA\tC\tx"]), "g.pvar:line 6: has 6 columns, the header 5"),
        (text_of([*ROWS[:2], "", *ROWS[2:]]), "g.pvar:line 4: POS '' is no number"),
        (text_of([ROWS[0], "22\tfive\t.\tA\tC,G", *ROWS[2:]]), "g.pvar:line 3: POS 'five' is no number from 0 to"),
        (text_of([ROWS[0], "22\t-5\t.\tA\tC,G", *ROWS[2:]]), "g.pvar:line 3: POS '-5' is no number"),
        (text_of([*ROWS[:3], "22\t999999999\t.\tA\tC"]), "g.pvar:line 5: POS '999999999' is no number from 0 to 536"),
        (text_of([ROWS[1], ROWS[0], *ROWS[2:]]), "g.pvar:line 3: the variant stands after one with a larger POS; sort"),
        (
            text_of([ROWS[0], "X\t5\t.\tA\tC,G", *ROWS[2:]]),
            "g.pvar:line 4: contig 22 stands in two places (before as 22)",
        ),
        (
            text_of([ROWS[0], "chr22\t5\t.\tA\tC,G", *ROWS[2:]]),
            "g.pvar:line 3: contig chr22 stands in two places (before as 22); give each contig one name",
        ),
        (
            text_of([ROWS[0], "22\t5\t.\tA\t" + ",".join("C" * 300), *ROWS[2:]]),
            "g.pvar:line 3: the variant has 301 alleles, a .pgen holds at most 255",
        ),
        (text_of(ROWS[:3]), "g.pgen: has 4 variants of 3 people; .pvar and .psam have 3 and 3"),
        (text_of([ROWS[0], ROWS[0], *ROWS[2:]]), "g.pgen: has a record that does not fit its type or its alleles"),
        (text_of(ROWS)[:-1], "g.pvar: the last line does not end, the file may be cut short"),
        (text_of(ROWS)[:-4], "g.pvar: the last line does not end, the file may be cut short"),
        (text_of([]), "g.pvar: has a header and no variant"),
        (b"", "g.pvar: the .pvar file is empty"),
        (text_of(ROWS).split(b"\n", 1)[1], "g.pvar: no #CHROM header line; make the file set by plink2"),
        (b"##only\n", "g.pvar: no #CHROM header line"),
        (b"\x28\xb5\x2f\xfd\n", "g.pvar: no #CHROM header line"),
        (text_of(ROWS, "#CHROM POS ID REF ALT"), "g.pvar:header: no column #CHROM; tabs must lie between"),
        (text_of(ROWS, "#CHROM\tPOS\tID\tREF\tX"), "g.pvar:header: no column ALT"),
        (text_of(ROWS, f"{HEADER}\tALT"), "g.pvar:header: column ALT stands twice"),
        (text_of([*ROWS[:3], "22\t13\t\xff\tAC\tA"]).replace("ÿ".encode(), b"\xff"), "g.pvar: cannot be read"),
    ],
)
def test_check__pvar_that_cannot_be_used(tmp_path, text, problem):
    file = made(tmp_path)
    (tmp_path / "g.pvar").write_bytes(text)
    assert refusal(file).startswith(problem)


def test_check__pvar_header_and_rows_are_bounded(tmp_path, monkeypatch):
    file = made(tmp_path)
    monkeypatch.setattr(pvar_module, "MAX_HEADER", 10)
    assert refusal(file).startswith("g.pvar:header: the header is longer than 10 bytes")
    monkeypatch.undo()
    monkeypatch.setattr(pvar_module, "BLOCK_BYTES", 1000)
    (tmp_path / "g.pvar").write_bytes(text_of([*ROWS[:3], "22\t13\t.\tAC\t" + "A" * 5000]))
    assert refusal(Plink2File(file.path)).startswith("g.pvar: cannot be read")


def test_check__compressed_pvar_cut_or_beside_a_plain_one(tmp_path):
    whole = write_plink2(tmp_path / "g", Cohort(PEOPLE, RECORDS), compress=True).with_suffix(".pvar.zst")
    content = whole.read_bytes()
    for n in (3, len(content) // 2, len(content) - 1):
        whole.write_bytes(content[:n])
        assert refusal(Plink2File(tmp_path / "g")).startswith("g.pvar.zst: cannot be read")
    (tmp_path / "g.pvar").write_bytes(text_of(ROWS))
    assert refusal(Plink2File(tmp_path / "g")).startswith("g.pvar: lies beside a .pvar.zst; keep the one")


@pytest.mark.parametrize("suffix", [".pgen", ".pvar", ".psam"])
def test_check__a_file_is_missing(tmp_path, suffix):
    file = made(tmp_path)
    (tmp_path / f"g{suffix}").unlink()
    assert refusal(file).startswith(f"g{suffix}: the {suffix} file is missing; check the path")


# Calls -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A .pgen of more variants than one block of its header tells of, and their numbers of alleles."""
    path, n = tmp_path_factory.mktemp("large") / "g.pgen", 65_536 + 700
    with PgenWriter(str(path).encode(), 5, variant_ct=n, nonref_flags=False) as writer:
        for codes in np.random.default_rng(5).integers(0, 3, (n, 5)).astype(np.int8):
            writer.append_biallelic(codes)
    return path, np.full(n, 2, np.uint8)


def test_check_pgen__cut_anywhere(few):
    path, file, content = few, Plink2File(few), few.read_bytes()
    n_alleles = file._layout.n_alleles
    check_pgen(path, n_alleles, 40)
    for n in [*range(1, 700), *range(700, len(content), 7)]:
        path.write_bytes(content[:n])
        with pytest.raises(InputError, match=r"(cut short or damaged: copy or make it again|not a \.pgen)"):
            check_pgen(path, n_alleles, 40)
    path.write_bytes(content[:-1])
    assert refusal(file).startswith(
        f"g.pgen: has {len(content) - 1:,} bytes; its header says {len(content):,}; the file"
    )
    path.write_bytes(content + b"\0")
    assert refusal(file).startswith(
        f"g.pgen: has {len(content) + 1:,} bytes; its header says {len(content):,}; the file"
    )


def test_check_pgen__several_blocks(tmp_path, large):
    path, n_alleles = large
    check_pgen(path, n_alleles, 5)
    content = path.read_bytes()
    again = tmp_path / "g.pgen"
    for n in (20, 40_000, len(content) // 2, len(content) - 1):
        again.write_bytes(content[:n])
        with pytest.raises(InputError, match="cut short or damaged"):
            check_pgen(again, n_alleles, 5)
    again.write_bytes(content[:20] + b"\x07" + content[21:])
    with pytest.raises(InputError, match="has records at byte"):
        check_pgen(again, n_alleles, 5)


@pytest.mark.parametrize(
    ("at", "new", "problem"),
    [
        (0, b"#", "g.pgen: not a .pgen; make it by plink2 --make-pgen"),
        (2, b"\x01", "g.pgen: is a PLINK1 .bed; name it so and use haploformer.datasets.plink1.PlinkDataset"),
        (2, b"\x20", "g.pgen: storage mode 0x20 with header format"),
        (2, b"\x02", "g.pgen: storage mode 0x02 with header format"),
        (3, b"\x05", "g.pgen: has 5 variants of 3 people; .pvar and .psam have 4 and 3; give .pgen, .pvar and .psam"),
        (7, b"\x04", "g.pgen: has 4 variants of 4 people; .pvar and .psam have 4 and 3"),
        (3, b"\xff\xff\xff\xff\xff\xff\xff\xff", "g.pgen: has 4,294,967,295 variants of 4,294,967,295 people"),
        (11, b"\x4f", "g.pgen: storage mode 0x10 with header format 0x4f is not read"),
        (12, b"\x01", "g.pgen: has records at byte 1, where its header says"),
    ],
)
def test_check__pgen_header_that_cannot_be_used(tmp_path, at, new, problem):
    file = made(tmp_path)
    content = (tmp_path / "g.pgen").read_bytes()
    (tmp_path / "g.pgen").write_bytes(content[:at] + new + content[at + len(new) :])
    assert refusal(file).startswith(problem)


@pytest.mark.parametrize("content", [b"", b"\x00" * 500, b"just text\n" * 50, b"l\x1b", b"l\x1b\x10\x04"])
def test_check__pgen_that_is_something_else(tmp_path, content):
    file = made(tmp_path)
    (tmp_path / "g.pgen").write_bytes(content)
    assert refusal(file).startswith("g.pgen: ")


FLIPS = """
import sys
from pathlib import Path
import numpy as np
import pandas as pd
from haploformer.errors import InputError
from haploformer.formats.plink2 import Plink2File
path, rng = Path(sys.argv[1]), np.random.default_rng(17)
content, file, refused = path.read_bytes(), Plink2File(path), 0
rows = pd.DataFrame({"row": np.arange(len(file._layout.n_alleles)), "exchanged": 0})
for _ in range(600):
    damaged = bytearray(content)
    for at in rng.integers(0, rng.choice([len(content), 40 + 6 * len(rows)]), rng.choice([1, 1, 5, 60])):
        damaged[at] = rng.choice([0, 255, damaged[at] ^ 1 << rng.integers(8), rng.integers(256)])
    path.write_bytes(damaged)
    try:
        file.check()
        with file._opened() as pgen:
            assert all(alleles.min() >= -1 for _, alleles, _ in pgen.read(rows))
    except InputError as error:
        assert str(error).startswith(str(path))
        refused += 1
print(refused)
"""


def test_read__flipped_bytes_are_refused_or_read_and_never_crash(tmp_path, cohort):
    path = write_plink2(tmp_path / "g", cohort[0])
    result = subprocess.run([sys.executable, "-c", FLIPS, str(path)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert 200 < int(result.stdout) < 600


# Real people -----------------------------------------------------------------------------------------------------

PREFIX = "geuvadis343.hm3.chr22_16-22Mb"


@needs_plink2
@pytest.mark.real_data
def test_read__plink1_its_vcf_and_its_pgen_say_the_same_of_real_people(tmp_path, shared_data):
    reference = FastaReference(shared_data / "reference" / "chr22_1-22000000.hg19.fa.gz")
    folder, options = shared_data / "genotypes", {"intervals": [whole_contig("22")], "reference": reference}
    bed, _ = joined(PlinkFile(folder / PREFIX), **options)
    vcf, vcf_counts = joined(VcfFile(folder / f"{PREFIX}.plink2.vcf.gz"), **options)
    pgen, counts = joined(plink2_makes(tmp_path, "--bfile", folder / PREFIX), **options)
    assert len(pgen) == 2184
    assert counts == vcf_counts == {("22", "snp", "kept", "used"): 2184}
    assert pgen.n_unphased == bed.n_unphased == vcf.n_unphased == 235_145
    assert pgen.individual_ids == bed.individual_ids == [name.split("_")[0] for name in vcf.individual_ids]
    for other in (bed, vcf):
        assert pgen.records.equals(other.records)
        assert np.array_equal(np.asarray(pgen.alleles), np.asarray(other.alleles))
        assert np.array_equal(alt_dosages(pgen)[1], alt_dosages(other)[1], equal_nan=True)


@needs_plink2
@pytest.mark.real_data
def test_read__a2_as_ref_is_refused_as_in_its_vcf(tmp_path, shared_data):
    reference = FastaReference(shared_data / "reference" / "chr22_1-22000000.hg19.fa.gz")
    vcf = VcfFile(shared_data / "genotypes" / f"{PREFIX}.plink2_asis_A2ref.vcf.gz")
    messages = []
    for file in (vcf, plink2_makes(tmp_path, "--vcf", vcf.path)):
        with pytest.raises(InputError, match=r"547 of 2,184 records differ \(74\.95 % agree\)") as error:
            file.check_records(["22"], reference)
        messages.append(str(error.value).removeprefix(str(file.path)))
    assert messages[0] == messages[1]


@needs_plink2
@pytest.mark.real_data
def test_read__phased_block_of_real_people(tmp_path, shared_data):
    reference = FastaReference(shared_data / "reference" / "chr22_1-22000000.hg19.fa.gz")
    path = shared_data / "phased_block" / "1000Gphase1_1092.chr22_phased.vcf.gz"
    options = {"intervals": [whole_contig("22")], "reference": reference}
    pgen, counts = joined(plink2_makes(tmp_path, "--vcf", path, "vzs"), **options)
    vcf, vcf_counts = joined(VcfFile(path), **options)
    assert (len(pgen), counts) == (1988, vcf_counts)
    assert pgen.records.equals(vcf.records)
    assert np.array_equal(np.asarray(pgen.alleles), np.asarray(vcf.alleles))
