"""Shifts of positions against the reference: stretches of one shift each, and what chance would find."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.genome.reference_shift import MAX_SHIFT, ShiftSearch, Site, Stretch, search_shifts, shift_agreement
from tests.builders.genome import MemoryReference, random_sequence


def sites(sequence: str, positions: list[int], contig: str = "22") -> list[Site]:
    return [Site(contig, pos, (sequence[pos - 1],)) for pos in positions]


def test_shift_agreement__equals_the_comparison_of_texts():
    rng = np.random.default_rng(0)
    sequence = random_sequence(1500, rng) + "NN" + random_sequence(600, rng)
    found = [
        Site("22", 3, ("AC",)),
        Site("22", 1501, ("G", "TTT")),
        Site("22", 2100, ("acg",)),
        Site("22", 9, ("N", "")),
    ]
    agreement = shift_agreement(found, MemoryReference({"22": sequence}))
    assert agreement.shape == (4, 2 * MAX_SHIFT + 1)
    for row, site in zip(agreement.tolist(), found, strict=True):
        for shift in range(-MAX_SHIFT, MAX_SHIFT + 1):
            start = site.pos - 1 + shift
            texts = [text.upper() for text in site.alleles if text not in ("", "N")]
            expected = start >= 0 and any(sequence.startswith(text, start) for text in texts)
            assert row[shift + MAX_SHIFT] == expected, (site, shift)


def test_search_shifts__stretches_of_a_changed_reference():
    rng = np.random.default_rng(1)
    sequence = random_sequence(30_000, rng)
    there = sites(sequence, list(range(5, 29_000, 50)))
    changed = sequence[:10_000] + "A" * 12 + sequence[10_000:20_000] + sequence[20_005:]
    search = search_shifts(there, MemoryReference({"22": changed}))
    assert [stretch.shift for stretch in search.stretches] == [0, 12, 7]
    assert search.n_sites == len(there) == 580
    # One site or two beside a change may agree with both shifts.
    for stretch, n in zip(search.stretches, (200, 200, 180), strict=True):
        assert abs(stretch.n_sites - n) <= 2
        assert stretch.n_agree >= stretch.n_sites - 1
        assert search.is_beyond_chance(stretch)
    assert search.chance == pytest.approx(0.25, abs=0.01)


def test_search_shifts__none_fits():
    rng = np.random.default_rng(2)
    there = sites(random_sequence(30_000, rng), list(range(5, 29_000, 50)))
    search = search_shifts(there, MemoryReference({"22": random_sequence(30_000, rng)}))
    [stretch] = search.stretches
    assert stretch.shift is None
    assert stretch[:4] == ("22", 5, 28_955, 580)
    assert 0.15 < stretch.n_agree / 580 < 0.35


def test_search_shifts__each_contig_by_itself():
    rng = np.random.default_rng(3)
    one, two = (random_sequence(9_000, rng) for _ in range(2))
    there = sites(one, list(range(50, 8_000, 90)), "21") + sites(two, list(range(50, 8_000, 90)), "22")
    search = search_shifts(there, MemoryReference({"21": one[1:], "22": two}))
    assert [(s.contig, s.shift, s.n_sites, s.n_agree) for s in search.stretches] == [
        ("21", -1, 89, 89),
        ("22", 0, 89, 89),
    ]


def test_is_beyond_chance__by_how_many_agree():
    # 2,001 shifts are tried; a quarter agrees by chance: 1e-6 / 2001 lies between 0.25 ** 15 and 0.25 ** 16.
    search = ShiftSearch((), 0.25)
    assert next(n for n in range(30) if search.is_beyond_chance(Stretch("22", 1, 9, n, n, 3))) == 16
    assert not ShiftSearch((), 0.5).is_beyond_chance(Stretch("22", 1, 9, 30, 30, 3))
