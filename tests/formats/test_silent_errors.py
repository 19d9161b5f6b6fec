"""Inputs of which ``bcftools consensus`` makes a wrong sequence, or the reference, without a word: ours are told."""

from __future__ import annotations

import pytest

from haploformer.errors import InputError
from haploformer.formats.vcf import VcfFile
from haploformer.genome.encoding import decode
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.windows import tss_window
from tests.builders.genome import Cohort, MemoryReference, Record, write_vcf

SEQUENCE = "ACGTTGCAAC" * 30
REFERENCE = MemoryReference({"22": SEQUENCE})
WINDOW = tss_window("22", 150, 200)


def read(folder, record: Record, *, contig: str = "22"):
    """The one haplotype that carries the record, and what the audit says of it."""
    path = write_vcf(folder / "g.vcf.gz", Cohort(["A"], [record]), {contig: len(SEQUENCE)})
    [batch] = VcfFile(path).read([WINDOW], ["A"], REFERENCE)
    found = collect_gene_haplotypes(batch.genotypes, REFERENCE, WINDOW, 150, max_missing=0.0)
    text = decode(found.codes([found.window[0, 1]])[0])
    assert set(text) <= set("ACGTN")
    return text, {(key.record_class, key.outcome, key.reason): n for key, n in batch.counts.items()}


@pytest.mark.parametrize(
    ("alt", "kind"),
    [
        ("C[22:200[", "breakend"),
        ("]22:200]C", "breakend"),
        ("*", "spanning"),
        ("<DEL>", "symbolic"),
        ("<INS>", "symbolic"),
        ("<CN0>", "symbolic"),
        ("R", "ambiguous"),
    ],
)
def test_read__an_allele_that_names_no_sequence_is_left_out_and_counted(tmp_path, alt, kind):
    text, counts = read(tmp_path, Record(132, "C", alt, ["0|1"]))
    assert text == SEQUENCE[50:250]
    assert counts == {(kind, "dropped", f"{kind} allele"): 1}


def test_read__a_contig_by_its_other_name_is_the_same_contig(tmp_path):
    text, counts = read(tmp_path, Record(132, "C", "T", ["0|1"], contig="chr22"), contig="chr22")
    assert text == SEQUENCE[50:131] + "T" + SEQUENCE[132:250]
    assert counts == {("snp", "kept", "used"): 1}


def test_read__a_filtered_record_is_left_out_and_counted(tmp_path):
    text, counts = read(tmp_path, Record(132, "C", "T", ["0|1"], filter="LowQual"))
    assert text == SEQUENCE[50:250]
    assert counts == {("snp", "dropped", "FILTER LowQual"): 1}


def test_read__a_position_past_the_end_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"g\.vcf\.gz:22:301: POS lies past the end of contig 22, which has 300 bases"):
        read(tmp_path, Record(301, "C", "T", ["0|1"]), contig="22")


def test_read__an_allele_that_the_record_does_not_have_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"22:132: sample A carries allele 2, the record has 1 ALT"):
        read(tmp_path, Record(132, "C", "T", ["0|2"]))
