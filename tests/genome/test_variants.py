"""Alleles, and the edits that they make."""

from __future__ import annotations

import pytest

from haploformer.genome.variants import (
    NO_SEQUENCE,
    allele_class,
    record_class,
)


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
