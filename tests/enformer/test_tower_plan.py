"""Which positions of the tower are computed."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.enformer.tower_plan import (
    N_LEVELS,
    OUTSIDE,
    TowerPlan,
    plan_tower,
    plan_tower_from_alleles,
    receptive_field,
)
from haploformer.genome.encoding import UNKNOWN
from haploformer.genome.snp_windows import SnpWindows
from tests.builders.enformer import AlleleWindows, related_windows, snp_windows


def seen(codes: np.ndarray, level: int, position: int) -> tuple:
    """What a position of a level depends on: the bases, and how many of them lie off the window on each side."""
    first, last = receptive_field(level)
    start, end = (position << level) + first, (position << level) + last + 1
    return max(-start, 0), max(end - len(codes), 0), codes[max(start, 0) : end].tobytes()


def test_receptive_field__sizes_of_the_published_tower():
    assert [last - first + 1 for first, last in map(receptive_field, range(1, 8))] == [16, 26, 46, 86, 166, 326, 646]
    assert receptive_field(7) == (-259, 386)


@pytest.mark.parametrize("length", [128, 640, 4096])
def test_plan_tower__tokens_share_an_entry_where_they_see_the_same(length):
    codes = related_windows(length, np.random.default_rng(length)).held
    plan = plan_tower(codes)
    assert plan.tokens.shape == (len(codes), length // 128)
    sights = {}
    for row, numbers in enumerate(plan.tokens):
        for token, entry in enumerate(numbers.tolist()):
            sights.setdefault(entry, set()).add(seen(codes[row], N_LEVELS, token))
    assert all(len(of) == 1 for of in sights.values())
    assert len(set.union(*sights.values())) == len(sights) == plan.n_entries[-1]


def test_plan_tower__entries_are_made_of_the_entries_below_them():
    codes = related_windows(1280, np.random.default_rng(2)).held
    plan = plan_tower(codes)
    # From a token down: each position is six of the level below, of the same window.
    known = {(N_LEVELS, row, token): int(e) for row, of in enumerate(plan.tokens) for token, e in enumerate(of)}
    for level in range(N_LEVELS, 1, -1):
        for (_, row, position), entry in [item for item in known.items() if item[0][0] == level]:
            children = range(2 * position - 2, 2 * position + 4)
            for child, below in zip(children, plan.children[level - 2][entry], strict=True):
                if not 0 <= child < 1280 >> (level - 1):
                    assert below == OUTSIDE
                else:
                    assert known.setdefault((level - 1, row, child), int(below)) == below
    for (level, row, position), entry in known.items():
        if level == 1:
            bases = [codes[row, b] if 0 <= b < 1280 else UNKNOWN for b in range(2 * position - 7, 2 * position + 9)]
            assert plan.first_bases[entry].tolist() == bases
    assert len({key for key in known if key[0] == 1}) == len(codes) * 640


def test_plan_tower__a_window_twice_costs_nothing_more():
    codes = related_windows(2048, np.random.default_rng(3), n=4).held
    once, twice = plan_tower(codes), plan_tower(np.concatenate([codes, codes[::-1]]))
    assert once.n_entries == twice.n_entries
    assert np.array_equal(twice.tokens[:4], twice.tokens[:3:-1])


def test_plan_tower__one_base_changes_the_tokens_that_see_it():
    reference = np.random.default_rng(4).integers(0, 4, 4096).astype(np.uint8)
    changed = reference.copy()
    changed[2000] = (changed[2000] + 1) % 4
    plan = plan_tower(np.stack([reference, changed]))
    differs = np.flatnonzero(plan.tokens[0] != plan.tokens[1])
    assert differs.tolist() == [t for t in range(32) if 128 * t - 259 <= 2000 <= 128 * t + 386]


def test_plan_tower__half_of_the_key_is_not_enough(monkeypatch):
    """Where the first half of the keys is the same for all, the second tells contents apart."""
    codes = related_windows(1024, np.random.default_rng(5)).held
    expected = plan_tower(codes)
    from haploformer.enformer import tower_plan

    whole = tower_plan._Content.keys

    def half(self, row, start, end):
        keys = whole(self, row, start, end)
        keys[0] %= 7
        return keys

    monkeypatch.setattr(tower_plan._Content, "keys", half)
    found = plan_tower(codes)
    assert found.n_entries == expected.n_entries
    assert np.array_equal(found.tokens, expected.tokens)


def test_plan_tower__a_length_that_is_no_multiple_of_128():
    with pytest.raises(ValueError, match="windows of 130 bases, not a multiple of 128"):
        plan_tower(np.zeros((1, 130), np.uint8))


@pytest.mark.parametrize("rows", [range(9), [5], [8, 0, 3, 3]], ids=["all", "one", "some"])
@pytest.mark.parametrize("length", [128, 640, 4096, 12_288])
def test_plan_tower_from_alleles__equals_that_of_the_sequences(length, rows):
    windows = snp_windows(length, np.random.default_rng(length), n=9, every=60, unknown=0)
    found, expected = plan_tower_from_alleles(windows.snps(rows)), plan_tower(windows.codes(rows))
    assert found.n_entries == expected.n_entries
    assert np.array_equal(found.tokens, expected.tokens)
    assert np.array_equal(found.first_bases, expected.first_bases)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(found.children, expected.children, strict=True))


def fields(plan: TowerPlan) -> np.ndarray:
    """The bases under each token, by way of the plan's entries: unknown where there are none."""
    of_level = plan.first_bases  # (n_entries, bases)
    for children in plan.children:
        outside = np.full((1, of_level.shape[1]), UNKNOWN, np.uint8)
        of_level = np.concatenate([of_level, outside])[children].reshape(len(children), -1)
    return of_level[plan.tokens]


@pytest.mark.parametrize("seed", range(3))
def test_plan_tower_from_alleles__unknown_bases_and_edges_are_those_of_the_sequences(seed):
    windows = snp_windows(1024, np.random.default_rng(seed), n=4, every=50)
    found, expected = plan_tower_from_alleles(windows.snps(range(4))), plan_tower(windows.held)
    assert np.array_equal(fields(found), fields(expected))
    # Unknown bases alike at two places are one entry of the sequences' plan, and two here.
    assert found.n_entries[0] > expected.n_entries[0]
    assert found.n_entries[-1] == expected.n_entries[-1]


def test_plan_tower_from_alleles__without_alleles():
    reference = np.random.default_rng(1).integers(0, 4, 1280).astype(np.uint8)
    windows = AlleleWindows(np.stack([reference, reference]))
    plan = plan_tower_from_alleles(windows.snps([0, 1]))
    assert plan.tokens.tolist() == [list(range(10))] * 2
    assert np.array_equal(plan.first_bases, plan_tower(windows.held).first_bases)
    with pytest.raises(ValueError, match="windows of 130 bases, not a multiple of 128"):
        plan_tower_from_alleles(SnpWindows.of(reference[:130], np.array([5]), reference[5:6], np.ones((1, 1), bool)))


def test_plan_tower_from_alleles__half_of_the_key_is_not_enough(monkeypatch):
    windows = snp_windows(2048, np.random.default_rng(6), n=6).snps(range(6))
    expected = plan_tower_from_alleles(windows)
    from haploformer.enformer import tower_plan

    whole = tower_plan._Alleles.keys

    def half(self, row, start, end):
        keys = whole(self, row, start, end)
        keys[0] %= 7
        return keys

    monkeypatch.setattr(tower_plan._Alleles, "keys", half)
    found = plan_tower_from_alleles(windows)
    assert found.n_entries == expected.n_entries
    assert np.array_equal(found.tokens, expected.tokens)
