"""Windows laid out from edits: bases and keys equal to those of the obvious builder, on both strands."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.genome.content_keys import sequence_key
from haploformer.genome.edits import Edit, EditTable, split_at
from haploformer.genome.encoding import decode, encode, reverse_complement
from haploformer.genome.placement import Placement, Stretch
from tests.builders.genome import random_sequence
from tests.oracles.haplotypes import build_haplotype

LETTERS = list("ACGT")


def random_edits(rng: np.random.Generator, low: int, high: int, n: int) -> tuple[Edit, ...]:
    """Substitutions, insertions, deletions and changes of several bases anywhere, none overlapping another."""
    edits: list[Edit] = []
    for _ in range(n):
        start = int(rng.integers(low, high))
        end = min(start + int(rng.choice([0, 1, 1, 1, 2, 6])), high)
        alt = "".join(rng.choice(LETTERS, int(rng.choice([0, 1, 1, 1, 3, 7]))))
        if all(end < other.start or other.end < start for other in edits):
            edits.append(Edit(start, end, alt))
    return tuple(sorted(edits))


def placement_of(stretch: Stretch, haplotypes: list[tuple[Edit, ...]]) -> Placement:
    distinct = sorted({edit for edits in haplotypes for edit in edits})
    split, origin = split_at(EditTable.of(distinct), stretch.tss)
    numbers = [[i for i, o in enumerate(origin) if distinct[o] in edits] for edits in haplotypes]
    first = np.concatenate([[0], np.cumsum([len(of) for of in numbers])]).astype(np.int64)
    return Placement(stretch, split, first, np.array([i for of in numbers for i in of], np.int64))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_placement__bases_and_keys_equal_the_obvious_builder(seed, reverse):
    rng = np.random.default_rng(seed)
    codes = encode(random_sequence(700, rng).replace("AAA", "AAN"))
    stretch = Stretch(1000, 1000 + int(rng.integers(300, 400)), 64, 60, codes, reverse)
    n = int(rng.integers(1, 40))
    haplotypes = [random_edits(rng, stretch.tss - 150, stretch.tss + 150, n) for _ in range(60)]
    haplotypes.append(())
    placement = placement_of(stretch, haplotypes)
    expected = np.stack([build_haplotype(stretch, edits) for edits in haplotypes])
    if reverse:
        expected = reverse_complement(expected)
    np.testing.assert_array_equal(placement.codes(), expected)
    assert placement.keys == [sequence_key(row) for row in expected]


def test_placement__take_gives_the_windows_of_some_rows():
    rng = np.random.default_rng(9)
    stretch = Stretch(0, 250, 50, 50, encode(random_sequence(500, rng)))
    placement = placement_of(stretch, [random_edits(rng, 200, 300, 9) for _ in range(8)])
    rows = [5, 0, 5, 7]
    np.testing.assert_array_equal(placement.take(rows).codes(), placement.codes()[rows])
    assert placement.take(rows).keys == [placement.keys[row] for row in rows]
    assert placement.take(rows).edits(1) == placement.edits(0)
    assert placement.take([]).codes().shape == (0, 100)


@pytest.mark.parametrize("reverse", [False, True])
def test_placement__parts_laid_out_apart_change_nothing(monkeypatch, reverse):
    rng = np.random.default_rng(10)
    stretch = Stretch(0, 250, 50, 50, encode(random_sequence(500, rng)), reverse)
    haplotypes = [random_edits(rng, 200, 300, int(rng.integers(0, 9))) for _ in range(20)]
    whole = placement_of(stretch, haplotypes)
    codes, keys, reach = whole.codes(), whole.keys, whole.reach()
    buffer = np.full((9, 100), 255, np.uint8)
    for n_edits in (1, 7, 40):
        monkeypatch.setattr("haploformer.genome.placement.PART_EDITS", n_edits)
        parts = placement_of(stretch, haplotypes)
        assert (parts.keys, parts.reach()) == (keys, reach)
        np.testing.assert_array_equal(parts.codes(), codes)
        rows = [19, 3, 3, 0, 12]
        made = parts.codes(rows, out=buffer)
        np.testing.assert_array_equal(made, codes[rows])
        assert np.shares_memory(made, buffer)
        assert (buffer[5:] == 255).all()


def test_placement__reach_is_what_fills_the_windows():
    stretch = Stretch(0, 50, 10, 10, encode("ACGT" * 25))
    plain = placement_of(stretch, [()])
    assert plain.reach() == (40, 60)
    assert placement_of(stretch, [(Edit(44, 47, ""),)]).reach() == (37, 60)
    assert placement_of(stretch, [(Edit(53, 53, "TTTT"),), (Edit(52, 54, ""),)]).reach() == (40, 62)


def test_placement__a_stretch_too_short_is_our_own_fault():
    stretch = Stretch(38, 50, 10, 10, encode("ACGT" * 6))
    with pytest.raises(AssertionError, match="too short to fill"):
        placement_of(stretch, [(Edit(44, 47, ""),)]).codes()


def test_split_at__an_edit_across_the_tss_fills_the_left_first():
    table = EditTable.of([Edit(3, 8, "ACGTACG"), Edit(1, 2, "T"), Edit(4, 6, "A")])
    split, origin = split_at(table, 5)
    assert split.to_edits() == [Edit(1, 2, "T"), Edit(3, 5, "AC"), Edit(4, 5, "A"), Edit(5, 6, ""), Edit(5, 8, "GTACG")]
    assert origin.tolist() == [1, 0, 2, 2, 0]


def test_placement__the_tss_base_of_the_other_strand_lies_one_before_the_middle():
    sequence = "A" * 50 + "C" + "A" * 49
    for reverse, offset, base in ((False, 10, "C"), (True, 9, "G")):
        window = placement_of(Stretch(0, 50, 10, 10, encode(sequence), reverse), [()]).codes()[0]
        assert decode(window).index(base) == offset
