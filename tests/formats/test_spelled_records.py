"""Symbolic deletions with known ends."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from haploformer.formats.spelled_records import deleted_to, is_spelled, spell_deletions
from tests.builders.genome import MemoryReference

REFERENCE = MemoryReference({"22": "ACGTACGTTTGACCA"})


def record(pos: int, ref: str, alts: list[str], **info) -> SimpleNamespace:
    return SimpleNamespace(CHROM="chr22", POS=pos, REF=ref, ALT=alts, INFO=info, FILTER=None)


@pytest.mark.parametrize(
    ("ref", "alts", "info", "last"),
    [
        ("G", ["<DEL>"], {"END": 6}, 6),
        ("G", ["<DEL>"], {"END": 6, "SVLEN": -99}, 6),
        ("G", ["<DEL>"], {"SVLEN": -3}, 6),
        ("G", ["A", "<DEL>"], {"SVLEN": (0, -3)}, 6),
        ("G", ["<DEL>"], {"SVLEN": (2, 3)}, None),
        ("GTA", ["<DEL>"], {}, 5),
        ("G", ["<DEL>"], {}, None),
        ("G", ["<DEL>"], {"END": 3}, None),
        ("G", ["<DEL>"], {"END": 6, "IMPRECISE": True}, None),
        ("G", ["<DEL>"], {"END": "6"}, None),
        ("G", ["<DEL>"], {"END": (6, 7)}, None),
        ("G", ["<DEL>"], {"END": 6.0}, None),
        ("G", ["<DEL>"], {"SVLEN": "-3"}, None),
    ],
)
def test_deleted_to__end_length_or_ref(ref, alts, info, last):
    assert deleted_to(record(3, ref, alts, **info)) == last


def test_spell_deletions__ref_reaches_to_the_end_and_other_alleles_with_it():
    made = next(spell_deletions(iter([record(3, "G", ["T", "<DEL>", "GAA", "<INS>", "*"], END=6)]), REFERENCE))
    assert is_spelled(made)
    assert (made.REF, made.ALT) == ("GTAC", ["TTAC", "G", "GAATAC", "<INS>", "*"])
    assert (made.POS, made.FILTER) == (3, None)


def test_spell_deletions__a_ref_that_is_longer_stays():
    made = next(spell_deletions(iter([record(3, "GTAC", ["<DEL>", "A"])]), REFERENCE))
    assert (made.REF, made.ALT) == ("GTAC", ["G", "A"])


def test_spell_deletions__a_wrong_first_base_is_left_to_be_found():
    made = next(spell_deletions(iter([record(3, "T", ["<DEL>"], END=5)]), REFERENCE))
    assert (made.REF, made.ALT) == ("TTA", ["T"])


def test_spell_deletions__past_the_contigs_end_has_bases_that_are_not_there():
    made = next(spell_deletions(iter([record(13, "C", ["<DEL>"], END=18)]), REFERENCE))
    assert made.REF == "CCANNN"


def test_spell_deletions__one_of_a_whole_arm_stays_symbolic():
    written = [record(3, "G", ["<DEL>"], END=2_000_000_000)]
    assert list(spell_deletions(iter(written), REFERENCE)) == written


def test_spell_deletions__others_are_as_they_were():
    written = [record(3, "G", ["T"]), record(4, "T", ["<DEL>"]), record(5, "A", ["<CN0>"], END=9)]
    assert list(spell_deletions(iter(written), REFERENCE)) == written
