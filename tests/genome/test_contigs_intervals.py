"""Contig names and intervals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from haploformer.genome.contigs import canonical_contig
from haploformer.genome.intervals import Interval, group_by_contig, merge_intervals, reach_into


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("22", "22"),
        ("chr22", "22"),
        ("Chr22", "22"),
        ("CHR22", "22"),
        ("chrM", "MT"),
        ("M", "MT"),
        ("MT", "MT"),
        ("mt", "MT"),
        ("chrx", "X"),
        ("y", "Y"),
        ("chr", "chr"),
        ("GL000192.1", "GL000192.1"),
        ("chrUn_KI270302v1", "Un_KI270302v1"),
        ("HLA-A*01:01:01:01", "HLA-A*01:01:01:01"),
    ],
)
def test_canonical_contig__one_name_per_contig(name, canonical):
    assert canonical_contig(name) == canonical
    assert canonical_contig(canonical) == canonical


def test_canonical_contig__different_contigs_stay_different():
    names = ["1", "11", "X", "Y", "MT", "Xp", "Mt2"]
    assert len({canonical_contig(name) for name in names}) == len(names)


def test_merge_intervals__touching_and_nested_are_one():
    merged = merge_intervals(
        [Interval("2", 5, 9), Interval("1", 10, 20), Interval("1", 0, 10), Interval("1", 12, 15), Interval("1", 21, 22)]
    )
    assert merged == [Interval("1", 0, 20), Interval("1", 21, 22), Interval("2", 5, 9)]
    assert merge_intervals([]) == []


def test_merge_intervals__covers_the_same_bases():
    rng = np.random.default_rng(0)
    intervals = [
        Interval(str(c), int(s), int(s + n))
        for c, s, n in zip(rng.integers(0, 3, 60), rng.integers(0, 400, 60), rng.integers(1, 30, 60), strict=True)
    ]
    bases = {(i.contig, b) for i in intervals for b in range(i.start, i.end)}
    merged = merge_intervals(intervals)
    assert sum(i.end - i.start for i in merged) == len(bases)
    assert {(i.contig, b) for i in merged for b in range(i.start, i.end)} == bases
    assert all(a.contig != b.contig or a.end < b.start for a, b in pairwise(merged))


def test_reach_into__a_base_in_a_half_open_interval():
    intervals = [Interval("22", 10, 12), Interval("22", 20, 21)]
    pos = np.array([10, 11, 12, 13, 20, 21, 22])
    one = np.ones(7, np.int64)
    assert reach_into(pos, one, intervals).tolist() == [False, True, True, False, False, True, False]
    assert reach_into(pos, one + 1, intervals).tolist() == [True, True, True, False, True, True, False]
    assert reach_into(pos, one, []).tolist() == [False] * 7


def test_group_by_contig__keeps_order_within_each():
    a, b, c = Interval("22", 5, 6), Interval("21", 0, 1), Interval("22", 0, 1)
    assert group_by_contig([a, b, c]) == {"22": [a, c], "21": [b]}
