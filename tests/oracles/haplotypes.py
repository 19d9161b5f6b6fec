"""Haplotypes one at a time, edit by edit: the obvious version of `haploformer.genome.placement`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from haploformer.genome.edits import Edit, make_edit
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


def first_of_each(alleles: Sequence[tuple[int, str, str]]) -> tuple[tuple[Edit, ...], int]:
    """Edits of one haplotype's ``(pos, ref, alt)`` in file order, as ``bcftools consensus`` keeps them.

    Returns
    -------
    kept : tuple of Edit
        Sorted by position.
    n_left_out : int
    """
    kept: list[Edit] = []
    last_base, inserted, n_left_out = -1, False, 0
    for pos, ref, alt in alleles:
        edit = make_edit(pos, ref, alt)
        pure = len(ref) != len(alt) and ref[0] == alt[0] and (edit.start == edit.end or not _core(ref, alt))
        if pos > last_base or (pos == last_base and pure and not inserted):
            kept.append(edit)
            last_base, inserted = pos + len(ref) - 1, len(alt) > len(ref)
        else:
            n_left_out += 1
    return tuple(sorted(kept)), n_left_out


def _core(ref: str, alt: str) -> str:
    """What the shorter allele has beside the bases shared at the start and at the end."""
    while ref and alt and ref[0] == alt[0]:
        ref, alt = ref[1:], alt[1:]
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    return min(ref, alt, key=len)
