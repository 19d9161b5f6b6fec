"""PLINK1: the reference's allele becomes REF, calls have no phase, and the files must belong together."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed

from haploformer.errors import InputError
from haploformer.formats.fasta import FastaReference
from haploformer.formats.plink1 import PlinkFile
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.intervals import Interval, whole_contig
from haploformer.genome.reference import NoReference
from tests.builders.genome import MemoryReference
from tests.conftest import DEMO

PEOPLE = ["A", "B", "C"]
REFERENCE = MemoryReference({"22": "ACGTACGTAC" * 10})


def write_plink(folder: Path, counts: list[list[float]], variants: list[tuple[int, str, str]]) -> PlinkFile:
    """A file set; ``counts`` (people, variants) of A1, ``variants`` as (pos, A1, A2)."""
    properties = {
        "iid": PEOPLE,
        "fid": PEOPLE,
        "chromosome": ["22"] * len(variants),
        "sid": [f"v{pos}" for pos, _, _ in variants],
        "bp_position": [pos for pos, _, _ in variants],
        "allele_1": [a1 for _, a1, _ in variants],
        "allele_2": [a2 for _, _, a2 in variants],
    }
    to_bed(folder / "g.bed", np.array(counts, dtype=np.float32), properties=properties)
    return PlinkFile(folder / "g.bed")


def read_all(plink: PlinkFile, reference=REFERENCE, people=PEOPLE) -> Genotypes:
    """Everything in one piece."""
    plink.check()
    batches = list(plink.read([whole_contig("21"), whole_contig("22")], people, reference))
    records = pd.concat([b.genotypes.records for b in batches], ignore_index=True)
    alleles = np.concatenate([np.asarray(b.genotypes.alleles[slice(None)]) for b in batches])
    return Genotypes(records, people, alleles, sum(b.genotypes.n_unphased for b in batches))


def test_read__the_allele_of_the_reference_becomes_ref(tmp_path):
    # Bases 1 and 3 of the reference are A and G: A2 at the first variant, A1 at the second.
    plink = write_plink(tmp_path, [[0, 0], [1, 1], [2, np.nan]], [(1, "T", "A"), (3, "G", "C")])
    found = read_all(plink)
    assert found.records[["pos", "ref", "alt"]].values.tolist() == [[1, "A", "T"], [3, "G", "C"]]
    assert np.asarray(found.alleles).tolist() == [[[0, 0], [0, 1], [1, 1]], [[1, 1], [0, 1], [-1, -1]]]
    assert found.n_unphased == 2
    counts = {key.reason: n for b in plink.read([whole_contig("22")], PEOPLE, REFERENCE) for key, n in b.counts.items()}
    assert counts == {"A2 is REF": 1, "A1 is REF": 1}


def test_read__where_both_alleles_of_an_indel_fit_a2_is_ref_and_it_is_counted(tmp_path):
    # The reference begins with ACGT: ACG fits, and so does its first base.
    for a1, a2 in (("ACG", "A"), ("A", "ACG")):
        plink = write_plink(tmp_path, [[0], [1], [2]], [(1, a1, a2)])
        assert read_all(plink).records[["pos", "ref", "alt"]].values.tolist() == [[1, a2, a1]]
        counts = {key.reason for b in plink.read([whole_contig("22")], PEOPLE, REFERENCE) for key in b.counts}
        assert counts == {"both alleles fit, A2 is taken for REF"}
    # An insertion that the reference does not hold has one allele that fits.
    found = read_all(write_plink(tmp_path, [[0], [1], [2]], [(1, "A", "ATT")]))
    assert found.records[["ref", "alt"]].values.tolist() == [["A", "ATT"]]


def test_read__a_variant_twice_is_one_if_its_calls_are_equal(tmp_path):
    variants = [(1, "T", "A"), (1, "A", "T"), (3, "C", "G")]
    plink = write_plink(tmp_path, [[0, 2, 0], [1, 1, 0], [np.nan, np.nan, 1]], variants)
    assert read_all(plink).records["pos"].tolist() == [1, 3]
    counts = {key.reason: n for b in plink.read([whole_contig("22")], PEOPLE, REFERENCE) for key, n in b.counts.items()}
    assert counts == {"A2 is REF": 2, "repeats an earlier record": 1}
    other = write_plink(tmp_path, [[0, 2, 0], [1, 2, 0], [2, 0, 1]], variants)
    with pytest.raises(InputError, match=r"g\.bim:22:1: the variant stands twice, with the same alleles and different"):
        read_all(other)


def test_read__numbers_of_contigs_are_those_of_plink(tmp_path):
    write_plink(tmp_path, [[0], [1], [2]], [(1, "T", "A")])
    bim = tmp_path / "g.bim"
    bim.write_text(bim.read_text().replace("22\t", "23\t", 1))
    plink = PlinkFile(tmp_path / "g")
    [batch] = [b for b in plink.read([whole_contig("X")], PEOPLE, MemoryReference({"X": "ACGT"})) if len(b.genotypes)]
    assert batch.genotypes.records["contig"].tolist() == ["X"]


def test_read__people_are_taken_by_id(tmp_path):
    plink = write_plink(tmp_path, [[0], [1], [2]], [(1, "T", "A")])
    assert alt_dosages(read_all(plink, people=["C", "A"]))[1].ravel().tolist() == [2.0, 0.0]


def test_check_records__neither_allele_is_the_reference(tmp_path):
    plink = write_plink(tmp_path, [[0, 0], [1, 1], [2, 0]], [(1, "T", "A"), (3, "A", "T")])
    line = r"g:22:3: REF differs from memory\.fa \(A1 A, A2 T, the reference has G\); 1 of 2 records differ"
    with pytest.raises(InputError, match=line):
        plink.check_records(["22"], REFERENCE)
    with pytest.raises(InputError, match="REF differs"):
        read_all(plink)


def test_check_records__counts_what_reading_counts(tmp_path):
    plink = write_plink(tmp_path, [[0, 0], [1, 1], [2, np.nan]], [(1, "T", "A"), (43, "G", "C")])
    found = plink.check_records(["22"], REFERENCE, sample_ids=["C", "B"], near=[Interval("22", 0, 20)])
    assert (found.n_compared, found.n_calls, found.n_heterozygous, found.n_unphased, found.n_missing) == (2, 2, 1, 1, 0)
    assert {(key.outcome, key.reason): n for key, n in found.counts.items()} == {
        ("kept", "A2 is REF"): 1,
        ("dropped", "far from every gene"): 1,
    }
    everywhere = plink.check_records(["22"], REFERENCE, sample_ids=PEOPLE)
    assert (everywhere.n_calls, everywhere.n_heterozygous, everywhere.n_missing) == (6, 2, 1)


def test_check__bed_shorter_than_fam_and_bim_say(tmp_path):
    plink = write_plink(tmp_path, [[0, 0], [1, 1], [2, 0]], [(1, "T", "A"), (3, "G", "C")])
    bed = tmp_path / "g.bed"
    bed.write_bytes(bed.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"g\.bed: has 4 bytes; 2 variants of 3 people are 5; give \.bed, \.bim and"):
        plink.check()


def test_check__a_file_is_missing(tmp_path):
    plink = write_plink(tmp_path, [[0], [1], [2]], [(1, "T", "A")])
    (tmp_path / "g.fam").unlink()
    with pytest.raises(InputError, match=r"g\.fam: the PLINK \.fam file is missing"):
        plink.check()


def test_read__the_demos_plink_has_the_dosages_of_its_vcf(tmp_path):
    for path in DEMO.glob("genotypes.*"):
        shutil.copy(path, tmp_path)
    reference, vcf = FastaReference(DEMO / "reference.fa.gz"), VcfFile(DEMO / "genotypes.vcf.gz")
    people = vcf.sample_ids[::10]
    ours = read_all(PlinkFile(tmp_path / "genotypes"), reference, people)
    theirs = [b.genotypes for b in vcf.read([whole_contig("21"), whole_contig("22")], people, reference)]
    assert len(ours) == sum(len(part) for part in theirs) == 3134
    dosages = np.concatenate([alt_dosages(part)[1] for part in theirs], axis=1)
    np.testing.assert_array_equal(alt_dosages(ours)[1], dosages)
    assert ours.n_unphased == int((dosages == 1).sum())


@pytest.mark.parametrize(
    ("suffix", "content", "problem"),
    [
        (".fam", b"A A 0 0 0 -9\nB B 0 0\nC C 0 0 0 -9\n", r"g\.fam:line 2: has 4 columns, 6 are expected"),
        (".fam", b"A A 0 0 0 -9\n\nB B 0 0 0 -9\nC C 0 0 0 -9\n", r"g\.fam:line 2: has 0 columns, 6 are expected"),
        (".fam", b"A A 0 0 0 -9\nB B 0 0 0 -9\nA A 0 0 0 -9\n", r"g\.fam: individual id A stands twice"),
        (".bim", b"22 v 0 1 T", r"g\.bim: the last line does not end, the file may be cut short"),
        (".bim", b"\x00\x01\n", r"g\.bim: is not a text file"),
        (".bim", b"22 v\xff 0 1 T A\n", r"g\.bim: is not UTF-8 text"),
        (".bim", b"22 v 0 one T A\n", r"g\.bim:line 1: the position is no number"),
    ],
)
def test_check__fam_and_bim_that_cannot_be_used(tmp_path, suffix, content, problem):
    plink = write_plink(tmp_path, [[0], [1], [2]], [(1, "T", "A")])
    (tmp_path / f"g{suffix}").write_bytes(content)
    with pytest.raises(InputError, match=problem):
        plink.check()


def test_read__no_contig_in_common(tmp_path):
    plink = write_plink(tmp_path, [[0], [1], [2]], [(1, "T", "A")])
    with pytest.raises(InputError, match=r"g: no record on contig 21 \(contigs there: 22\); give genotypes of these"):
        list(plink.read([whole_contig("21")], PEOPLE, REFERENCE))
    with pytest.raises(InputError, match="no record on contig 21"):
        plink.check_records(["21"], REFERENCE)


def test_read__without_a_reference_a2_is_ref(tmp_path):
    plink = write_plink(tmp_path, [[0], [1], [2]], [(5_000, "A", "G")])
    found = read_all(plink, reference=NoReference())
    assert found.records[["ref", "alt"]].values.tolist() == [["G", "A"]]
    _, dosages = alt_dosages(found)
    assert dosages[:, 0].tolist() == [0, 1, 2]
    audit = plink.check_records(["22"], NoReference(), sample_ids=PEOPLE)
    assert audit.n_compared == 0
    assert [(key.outcome, key.reason, n) for key, n in audit.counts.items()] == [("kept", "A2 is REF", 1)]
