"""What alleles do to the reference, as arrays; which of them give way to earlier ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.genome.edits import Edit, EditTable, allele_edits, first_come, make_edit, pair_edits
from haploformer.genome.variants import NO_SEQUENCE, allele_class
from tests.builders.genome import random_sequence
from tests.oracles.haplotypes import first_of_each


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "edit"),
    [
        (10, "A", "G", Edit(9, 10, "G")),
        (10, "A", "ATT", Edit(10, 10, "TT")),
        (10, "ATT", "A", Edit(10, 12, "")),
        (10, "aTT", "A", Edit(10, 12, "")),
        (10, "ATC", "ATg", Edit(11, 12, "G")),
        (10, "ATC", "GTC", Edit(9, 12, "GTC")),
        (10, "AT", "C", Edit(9, 11, "C")),
        (10, "A", "A", Edit(10, 10, "")),
        (1, "A", "C", Edit(0, 1, "C")),
    ],
)
def test_make_edit__shared_first_bases_are_trimmed(pos, ref, alt, edit):
    assert make_edit(pos, ref, alt) == edit


def test_make_edit__gives_the_alternative_sequence():
    sequence = "TTTACGTACGTTT"
    for ref, alt in [("ACG", "A"), ("ACG", "ACGT"), ("ACGT", "TT"), ("A", "ACC")]:
        start, end, bases = make_edit(4, ref, alt)
        assert sequence[:start] + bases + sequence[end:] == sequence[:3] + alt + sequence[3 + len(ref) :]


def records(rows: list[tuple[int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["pos", "ref", "alt"])


def test_allele_edits__every_allele_that_names_a_sequence_in_file_order():
    rows = [
        (10, "A", "C"),
        (11, "a", "g"),
        (12, "A", "C,*,ATT"),
        (13, "A", "<DEL>"),
        (14, "ACG", "A"),
        (15, "A", "N"),
        (16, "N", "A"),
        (17, "A", "A"),
        (18, "A", "*"),
        (19, "AC", "GT"),
        (20, "A", "."),
    ]
    found = allele_edits(records(rows))
    expected = [
        (i, index, make_edit(pos, ref, alt))
        for i, (pos, ref, alts) in enumerate(rows)
        for index, alt in enumerate(alts.split(","), start=1)
        if allele_class(ref, alt) not in NO_SEQUENCE
    ]
    assert list(zip(found.record.tolist(), found.allele.tolist(), found.table.to_edits(), strict=True)) == expected
    assert len(expected) == 7
    part = found.of_records(2, 6)
    assert part.record.tolist() == [0, 0, 2]
    assert part.table.to_edits() == [edit for i, _, edit in expected if 2 <= i < 6]
    assert part.of_chosen(np.array([False, True, True, True])).record.tolist() == [2]


def test_allele_edits__of_no_record():
    assert len(allele_edits(records([])).table) == 0


def test_pair_edits__bases_and_halves_of_two_bases():
    found = pair_edits(records([(5, "A", "C"), (6, "G", "GT"), (7, "A", "G,AT,T")]))
    expected = [
        (0, 1, Edit(4, 5, "M")),
        (0, 2, Edit(4, 5, "C")),
        (2, 1, Edit(6, 7, "R")),
        (2, 2, Edit(6, 7, "G")),
        (2, 6, Edit(6, 7, "W")),
        (2, 7, Edit(6, 7, "K")),
        (2, 9, Edit(6, 7, "T")),
    ]
    assert list(zip(found.record.tolist(), found.allele.tolist(), found.table.to_edits(), strict=True)) == expected


def test_edit_table__growth_and_rows():
    table = EditTable.of([Edit(3, 4, "T"), Edit(5, 5, "GG"), Edit(7, 10, "")])
    assert table.growth.tolist() == [0, 2, -3]
    assert table.take(np.array([2, 1, 1])).to_edits() == [Edit(7, 10, ""), Edit(5, 5, "GG"), Edit(5, 5, "GG")]


@pytest.mark.parametrize("seed", range(5))
def test_first_come__equals_one_haplotype_at_a_time(seed):
    rng = np.random.default_rng(seed)
    rows = []
    for pos in np.sort(rng.integers(10, 120, 60)).tolist():
        ref = random_sequence(int(rng.choice([1, 1, 1, 2, 5])), rng)
        alts = ["ACGT"[("ACGT".index(ref[0]) + 1) % 4] + ref[1:], ref[0] + "TT" + ref[1:], ref[0], ref[0] + "GTC"]
        rows.append((pos, ref, str(rng.choice([alt for alt in alts if alt != ref]))))
    edits = allele_edits(records(rows))
    alleles = rng.random((len(rows), 200)) < rng.random(200)
    carried = alleles[edits.record]
    listed = edits.table.to_edits()
    lost = first_come(carried, edits)
    for h in range(200):
        kept, n_lost = first_of_each([rows[i] for i in np.flatnonzero(alleles[:, h])])
        assert sorted(listed[i] for i in np.flatnonzero(carried[:, h])) == list(kept)
        assert lost[h] == n_lost
    assert lost.sum() > 500


def kept(*rows: tuple[int, str, str]) -> list[int]:
    """Which of some records in file order a haplotype that carries them all keeps."""
    edits = allele_edits(records(list(rows)))
    carried = np.ones((len(rows), 1), bool)
    n_lost = first_come(carried, edits)
    assert n_lost[0] == len(rows) - carried.sum()
    return np.flatnonzero(carried[:, 0]).tolist()


def test_first_come__the_first_in_file_order_stays():
    assert kept((11, "ACGT", "A"), (13, "G", "T"), (21, "A", "G")) == [0, 2]
    assert kept((13, "G", "T"), (13, "GTA", "CCC"), (21, "A", "G")) == [0, 2]


def test_first_come__an_indel_may_stand_behind_a_base_that_is_taken():
    assert kept((10, "A", "G"), (10, "A", "ATT")) == [0, 1]
    assert kept((10, "A", "G"), (10, "ACC", "A")) == [0, 1]
    assert kept((10, "ACC", "A"), (12, "C", "CTT")) == [0, 1]
    # The base in front of a deletion is its own, and nothing stands behind an insertion.
    assert kept((10, "ACC", "A"), (10, "A", "G")) == [0]
    assert kept((10, "A", "ATT"), (10, "A", "ACC")) == [0]
    # A change of several bases is no indel behind its first.
    assert kept((10, "A", "G"), (10, "ACG", "AT")) == [0]


def test_first_come__a_long_deletion_covers_many_later_variants():
    deletion = (10, "A" * 490, "A")
    assert kept(deletion, *((p, "A", "T") for p in range(20, 480, 20)), (500, "A", "C")) == [0, 24]


def test_first_come__two_alleles_of_one_record_are_no_conflict():
    edits = allele_edits(records([(10, "A", "C,ATT")]))
    carried = np.array([[True, False], [False, True]])
    assert first_come(carried, edits).tolist() == [0, 0]
    assert carried.tolist() == [[True, False], [False, True]]
