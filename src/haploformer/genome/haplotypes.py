"""Each person's two sequences of a window, every distinct one once.

A haplotype is a list of edits to the reference. The TSS base keeps its offset whatever happens upstream: bases are
collected from the TSS outwards on either side, with every edit met on the way, until the side is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.encoding import encode_edit, pair_letter
from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
from haploformer.genome.intervals import Interval
from haploformer.genome.reference import Reference, fetch_padded
from haploformer.genome.variants import NO_SEQUENCE, Edit, allele_class, make_edit


@dataclass(frozen=True)
class Stretch:
    """A window's reference bases with a margin on either side, from which haplotypes are filled.

    Attributes
    ----------
    start : int
        0-based position of the first base of ``codes``.
    tss : int
        0-based; splits the window into the side that ends before it and the side that begins with it.
    left, right : int
        Bases of the window before the TSS, and from it on.
    codes : uint8 (length,)
    """

    start: int
    tss: int
    left: int
    right: int
    codes: NDArray[np.uint8]


@dataclass(frozen=True)
class GeneHaplotypes:
    """The distinct haplotypes of one gene's window.

    Attributes
    ----------
    stretch : Stretch
    edits : list of tuple of Edit
        One per distinct haplotype, the reference (no edits) first.
    keys : list of str
        Content of each distinct haplotype: 128-bit hash of its bases.
    window : int64 (n_individuals, 2)
        Which distinct haplotype each copy is; -1 where there is no second copy. (n_individuals, 1) for the mean of
        both copies.
    n_overlapping : int
        Alleles left out because an earlier one of the same haplotype covers them.
    n_missing : int
        Missing alleles read as reference.
    n_not_snp : int
        Calls that are left out of a mean of copies, because an allele is no SNP.
    """

    stretch: Stretch
    edits: list[tuple[Edit, ...]]
    keys: list[str]
    window: NDArray[np.int64]
    n_overlapping: int
    n_missing: int
    n_not_snp: int = 0


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


def sequence_key(codes: NDArray[np.uint8]) -> str:
    """128-bit hash of the bases of a window, as hexadecimal text: equal for equal sequences, wherever they lie."""
    return blake2b(np.ascontiguousarray(codes).tobytes(), digest_size=16).hexdigest()


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


def group_columns(alleles: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group identical haplotypes without building them.

    Parameters
    ----------
    alleles : int8 (n_records, n_haplotypes)

    Returns
    -------
    first : int64 (n_groups,)
        A haplotype of each group, in order of first appearance.
    group : int64 (n_haplotypes,)
        The group of each haplotype.
    """
    n_records, n_haplotypes = alleles.shape
    if n_records == 0:
        return np.zeros(min(n_haplotypes, 1), np.int64), np.zeros(n_haplotypes, np.int64)
    rows = np.ascontiguousarray(alleles.T)
    packed = rows.view(np.dtype((np.void, n_records))).ravel()
    _, first, group = np.unique(packed, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[group]


def collect_gene_haplotypes(
    genotypes: Genotypes, reference: Reference, window: Interval, tss: int, *, max_missing: float, mean: bool = False
) -> GeneHaplotypes:
    """All distinct haplotypes of a cohort in one window.

    Parameters
    ----------
    genotypes : Genotypes
        Phased calls, in memory or on disk.
    window : Interval
        The model's input, which holds ``tss``.
    max_missing : float
        Share of missing alleles over which a person's window is refused. Missing alleles are read as reference.
    mean : bool
        One window per person instead of two, in which a heterozygous SNP is half of each base: for calls without a
        phase. Other variants than SNPs are left out.

    Raises
    ------
    InputError
        If a person's missing alleles exceed ``max_missing``.
    """
    genotypes.require_covered(window)
    source = str(genotypes.provenance.get("source", "genotypes"))
    local, stretch = _fetch(genotypes, reference, window, tss)
    alleles = _by_copy(local)
    _require_calls(alleles, local.individual_ids, window, max_missing=max_missing, source=source)
    called = np.where(alleles == MISSING, 0, alleles).astype(np.int8)
    absent = (alleles == ABSENT).any(axis=0)
    table = _edit_table(local)
    n_not_snp = 0
    if mean:
        n_carried = int(((called[:, ::2] > 0) | (called[:, 1::2] > 0)).sum())
        called, table = _mean_of_copies(called, local)
        n_not_snp = n_carried - int((called > 0).sum())
        absent = np.zeros(called.shape[1], bool)
    first, group = group_columns(called)

    edits: list[tuple[Edit, ...]] = [()]
    keys = [sequence_key(build_haplotype(stretch, ()))]
    row_of_key = {keys[0]: 0}
    row_of_group = np.empty(len(first), np.int64)
    overlapping = np.zeros(len(first), np.int64)
    for g, column in enumerate(first):
        carried = called[:, column]
        chosen = [edit for i in np.flatnonzero(carried > 0) if (edit := table[i][carried[i]]) is not None]
        kept, overlapping[g] = without_overlaps(chosen)
        key = sequence_key(build_haplotype(stretch, kept))
        if key not in row_of_key:
            row_of_key[key] = len(keys)
            keys.append(key)
            edits.append(kept)
        row_of_group[g] = row_of_key[key]

    rows = row_of_group[group]
    rows[absent] = -1
    copies = rows.reshape(len(local.individual_ids), -1)
    return GeneHaplotypes(
        stretch=stretch,
        edits=edits,
        keys=keys,
        window=copies,
        n_overlapping=int(overlapping[group][~absent].sum()),
        n_missing=int((alleles == MISSING).sum()),
        n_not_snp=n_not_snp,
    )


def _fetch(genotypes: Genotypes, reference: Reference, window: Interval, tss: int) -> tuple[Genotypes, Stretch]:
    """The records that can matter to the window, and reference bases enough to fill either side after deletions.

    A deletion draws bases, and with them more records, from beyond the window's end; the margin grows until the
    longest deletions of one haplotype fit in it.
    """
    contig, start, end = window
    low, high = start, end
    reach = int(genotypes.records["ref"].str.len().max()) if len(genotypes) else 1
    while True:
        local = genotypes.select(contig, low - reach, high)
        lost_left, lost_right = _deleted_bases(local, tss)
        if start - lost_left >= low and end + lost_right <= high:
            break
        low, high = min(low, start - lost_left), max(high, end + lost_right)
    # A record that begins before the stretch counts where it reaches into it.
    first_base = local.records["pos"].to_numpy() - 1
    inside = np.flatnonzero(first_base + local.records["ref"].str.len().to_numpy(dtype=int) > low)
    low = int(min([low, *first_base[inside]]))
    local = Genotypes(
        local.records.iloc[inside].reset_index(drop=True),
        local.individual_ids,
        np.asarray(local.alleles[slice(None)])[inside],
    )
    codes = fetch_padded(reference, contig, low, high + reach)
    return local, Stretch(low, tss, tss - start, end - tss, codes)


def _deleted_bases(genotypes: Genotypes, tss: int) -> tuple[int, int]:
    """The most bases that one haplotype can lose on either side of the TSS."""
    lost = np.zeros((2, 2 * len(genotypes.individual_ids)), np.int64)
    alleles = _by_copy(genotypes)
    for i, row in enumerate(_edit_table(genotypes)):
        for index, edit in enumerate(row):
            if edit is None or edit.end - edit.start <= len(edit.alt):
                continue
            carriers = alleles[i] == index
            left = max(min(edit.end, tss) - edit.start, 0)
            lost[0, carriers] += left
            lost[1, carriers] += edit.end - edit.start - left
    return (int(lost[0].max()), int(lost[1].max())) if lost.size else (0, 0)


def _mean_of_copies(called: NDArray[np.int8], genotypes: Genotypes) -> tuple[NDArray[np.int8], list[list[Edit | None]]]:
    """One column per person instead of two, and the edits of its entries: the base, or the pair, that a call means.

    Returns
    -------
    pairs : int8 (n_records, n_individuals)
        Index into the record's edits, 0 for two REF alleles.
    table : list of list of Edit or None
    """
    first, second = called[:, ::2], called[:, 1::2]
    # A haploid call has no second copy: its one allele stands for both.
    second = np.where(second == ABSENT, first, second)
    low, high = np.minimum(first, second), np.maximum(first, second)
    pairs = np.zeros(low.shape, np.int8)
    table: list[list[Edit | None]] = []
    columns = (genotypes.records[name].tolist() for name in ("pos", "ref", "alt"))
    for i, (pos, ref, alts) in enumerate(zip(*columns, strict=True)):
        bases = [ref, *alts.split(",")]
        edits: list[Edit | None] = [None]
        for a, b in sorted({*zip(low[i].tolist(), high[i].tolist(), strict=True)} - {(0, 0)}):
            if all(allele == 0 or allele_class(ref, bases[allele]) == "snp" for allele in (a, b)):
                pairs[i, (low[i] == a) & (high[i] == b)] = len(edits)
                edits.append(Edit(pos - 1, pos, pair_letter(bases[a], bases[b])))
        table.append(edits)
    return pairs, table


def _by_copy(genotypes: Genotypes) -> NDArray[np.int8]:
    """Alleles (n_records, n_haplotypes): both copies of the first person, then of the next."""
    return np.asarray(genotypes.alleles[slice(None)]).reshape(len(genotypes), 2 * len(genotypes.individual_ids))


def _edit_table(genotypes: Genotypes) -> list[list[Edit | None]]:
    """Per record the edit of each allele index; None for REF and for alleles that name no sequence."""
    return [
        [
            None,
            *(None if allele_class(ref, alt) in NO_SEQUENCE else make_edit(pos, ref, alt) for alt in alts.split(",")),
        ]
        for pos, ref, alts in zip(
            genotypes.records["pos"], genotypes.records["ref"], genotypes.records["alt"], strict=True
        )
    ]


def _require_calls(
    alleles: NDArray[np.int8], individual_ids: Sequence[str], window: Interval, *, max_missing: float, source: str
) -> None:
    if len(alleles) == 0:
        return
    share = (alleles == MISSING).reshape(len(alleles), -1, 2).mean(axis=(0, 2))
    worst = int(share.argmax())
    if share[worst] > max_missing:
        raise InputError(
            f"{source}:{window.contig}:{window.start + 1}-{window.end}",
            f"{100 * share[worst]:.1f} % of the alleles of {individual_ids[worst]} are missing, "
            f"{100 * max_missing:.1f} % are allowed",
            "leave the person out, impute the genotypes, or raise sequence_build.max_missing",
        )
