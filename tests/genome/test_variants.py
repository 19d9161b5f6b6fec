"""Alleles, the edits that they make, and REF against the reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.variants import (
    NO_SEQUENCE,
    ReferenceTally,
    allele_class,
    record_class,
    reference_mismatches,
)
from tests.builders.genome import MemoryReference


@pytest.mark.parametrize(
    ("ref", "alt", "name"),
    [
        ("A", "C", "snp"),
        ("a", "c", "snp"),
        ("AC", "GT", "mnp"),
        ("A", "AT", "insertion"),
        ("AT", "A", "deletion"),
        ("ATG", "CC", "deletion"),
        ("A", "CTG", "insertion"),
        ("A", "*", "spanning"),
        ("A", "<DEL>", "symbolic"),
        ("A", "<*>", "symbolic"),
        ("A", "A[22:17[", "breakend"),
        ("A", "]22:17]A", "breakend"),
        ("A", ".A", "breakend"),
        ("A", "A.", "breakend"),
        ("A", ".", "missing"),
        ("A", "", "missing"),
        ("A", "N", "ambiguous"),
        ("A", "R", "ambiguous"),
        ("N", "A", "ambiguous"),
        ("A", "A C", "ambiguous"),
    ],
)
def test_allele_class__by_length_and_letters(ref, alt, name):
    assert allele_class(ref, alt) == name


def test_record_class__that_of_the_first_allele_with_a_sequence():
    assert record_class("A", "*,C") == "snp"
    assert record_class("A", "<DEL>,*,AT") == "insertion"
    assert record_class("A", "*,<DEL>") == "spanning"
    assert record_class("A", "") == "missing"
    assert {record_class("A", alt) for alt in ("*", "<X>", ".", "N", "A[1:2[")} == NO_SEQUENCE


def records(rows: list[tuple[int, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [("22", pos, f"v{pos}", ref, "A") for pos, ref in rows], columns=["contig", "pos", "variant_id", "ref", "alt"]
    )


def test_reference_mismatches__each_record_by_its_own_bases():
    reference = MemoryReference({"22": "ACGTNacgt"})
    table = records(
        [(1, "A"), (1, "ACGT"), (2, "c"), (3, "T"), (4, "TN"), (5, "A"), (6, "ACGT"), (8, "GTA"), (10, "A")]
    )
    # REF past the contig's end, on an N, and of another base do not agree; case does not matter.
    assert reference_mismatches(table, reference).tolist() == [False, False, False, True, True, True, False, True, True]


def test_reference_mismatches__none_of_no_record():
    assert reference_mismatches(records([]), MemoryReference({})).tolist() == []


def tally_of(n_records: int, n_mismatches: int, *, source: str, reference: str) -> ReferenceTally:
    """Records 22:1, 22:2 ... with REF C, added in two parts; the mismatches begin at 22:17."""
    records = pd.DataFrame({"contig": "22", "pos": np.arange(1, n_records + 1), "ref": "C"})
    mismatch = np.zeros(n_records, bool)
    mismatch[16 : 16 + n_mismatches] = True
    tally = ReferenceTally(source, reference)
    tally.add(records.iloc[:10], mismatch[:10])
    tally.add(records.iloc[10:], mismatch[10:])
    assert tally.n_records == n_records
    return tally


def test_require_match__one_wrong_record_names_it_and_the_share():
    with pytest.raises(InputError) as error:
        tally_of(1000, 1, source="g.vcf.gz", reference="r.fa").require_match()
    assert str(error.value) == (
        "g.vcf.gz:22:17: REF differs from r.fa (REF C); 1 of 1,000 records differ (99.90 % agree); "
        "correct the record or leave it out"
    )


def test_require_match__many_wrong_records_mean_another_genome_build():
    with pytest.raises(InputError, match=r"6 of 1,000 records differ \(99.40 % agree\); use the genome build"):
        tally_of(1000, 6, source="g", reference="r").require_match()
    tally_of(1000, 0, source="g", reference="r").require_match()
