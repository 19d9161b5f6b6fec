"""Haplotypes one at a time, edit by edit: the obvious version of `haploformer.genome.placement`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from haploformer.genome.edits import Edit
from haploformer.genome.encoding import encode_edit
from haploformer.genome.placement import Stretch


def build_haplotype(stretch: Stretch, edits: Sequence[Edit]) -> NDArray[np.uint8]:
    """Bases of a haplotype, the TSS pinned.

    Parameters
    ----------
    stretch : Stretch
        Must reach far enough that both sides can be filled.
    edits : sequence of Edit
        Sorted, none overlapping another. An edit across the TSS fills the left side first; an insertion right before
        the TSS base belongs to the left.

    Returns
    -------
    uint8 (left + right,)
    """
    cut = stretch.tss - stretch.start
    codes = stretch.codes
    left: list[NDArray[np.uint8]] = []
    right: list[NDArray[np.uint8]] = []
    cursor = 0
    for start, end, alt in edits:
        start, end = start - stretch.start, end - stretch.start
        bases = encode_edit(alt)
        side = left if start < cut or end == start == cut else right
        if side is right and cursor < cut:
            left.append(codes[cursor:cut])
            cursor = cut
        side.append(codes[cursor:start])
        if side is left and end > cut:
            before = cut - start
            left.append(bases[:before])
            right.append(bases[before:])
        else:
            side.append(bases)
        cursor = end
    if cursor < cut:
        left.append(codes[cursor:cut])
        cursor = cut
    right.append(codes[cursor:])
    upstream, downstream = np.concatenate(left), np.concatenate(right)
    assert len(upstream) >= stretch.left, "the stretch is too short to fill the left side"
    assert len(downstream) >= stretch.right, "the stretch is too short to fill the right side"
    return np.concatenate([upstream[len(upstream) - stretch.left :], downstream[: stretch.right]])


def without_overlaps(edits: Sequence[Edit]) -> tuple[tuple[Edit, ...], int]:
    """Edits of one haplotype in file order, without those that touch bases an earlier one has replaced.

    Returns
    -------
    kept : tuple of Edit
        Sorted by position.
    n_overlapping : int
        How many were left out.
    """
    kept: list[Edit] = []
    n_overlapping = 0
    reached = -1
    for edit in edits:
        beyond = edit.start > reached or (edit.start == reached and edit.end > edit.start)
        if beyond or not any(_overlap(edit, other) for other in kept):
            kept.append(edit)
            reached = max(reached, edit.end)
        else:
            n_overlapping += 1
    return tuple(sorted(kept)), n_overlapping


def _overlap(a: Edit, b: Edit) -> bool:
    if a.start == a.end and b.start == b.end:
        return a.start == b.start
    return a.start < b.end and b.start < a.end
