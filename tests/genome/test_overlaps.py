"""Records elsewhere that are read because others depend on them, against the closure that defines them."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.genome.overlaps import OverlapStack, with_overlapped


def closure(starts: list[int], ends: list[int], near: list[bool]) -> list[bool]:
    """Near ones, those before them that share bases with them, and so on."""
    read = list(near)
    for later in reversed(range(len(starts))):
        for earlier in range(later):
            read[earlier] |= read[later] and ends[earlier] > starts[later]
    return read


@pytest.mark.parametrize("seed", range(60))
def test_with_overlapped__is_the_closure_under_shared_bases(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    starts = np.sort(rng.integers(0, [40, 100, 400][seed % 3], n))
    ends = starts + np.where(rng.random(n) < 0.8, rng.integers(1, 4, n), rng.integers(1, 50, n))
    near = (starts < 220) & (ends > 180) if seed % 2 else rng.random(n) < 0.1
    expected = closure(starts.tolist(), ends.tolist(), near.tolist())
    assert with_overlapped(starts, ends, near, limit=1000).tolist() == expected
    # With a limit more may be read, never less.
    limited = with_overlapped(starts, ends, near, limit=3)
    assert (limited | ~np.array(expected)).all()
    stack, kept, far = OverlapStack(3), [], []
    for i in range(n):
        found = stack.add("22", int(starts[i]), int(ends[i]), i, is_near=bool(near[i]))
        kept += found[0]
        far += found[1]
    assert kept == np.flatnonzero(limited).tolist(), "in their order"
    assert sorted(far + stack.close()) == np.flatnonzero(~limited).tolist()


def test_with_overlapped__no_record():
    none = np.zeros(0, np.int64)
    assert with_overlapped(none, none, none.astype(bool), limit=9).tolist() == []


def test_overlap_stack__another_contig_needs_nothing_of_the_one_before():
    stack: OverlapStack[str] = OverlapStack(9)
    assert stack.add("21", 10, 50, "a", is_near=False) == ([], [])
    assert stack.add("22", 20, 30, "b", is_near=True) == (["b"], ["a"])
    assert stack.add("22", 30, 40, "c", is_near=False) == ([], [])
    # It shares no base with the one before.
    assert stack.add("22", 40, 41, "d", is_near=True) == (["d"], ["c"])
    assert stack.close() == []


def test_overlap_stack__what_lies_under_a_long_deletion_is_not_held():
    stack: OverlapStack[int] = OverlapStack(100)
    stack.add("22", 0, 10**6, -1, is_near=False)
    for i in range(1, 5000):
        assert stack.add("22", 10 * i, 10 * i + 1, i, is_near=False) == ([], [i - 1] if i > 1 else [])
    assert stack.add("22", 900_000, 900_001, 0, is_near=True) == ([-1, 0], [4999])
