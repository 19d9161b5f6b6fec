"""Windows that show what single variants do: the reference with one allele in it, or a haplotype without one.

Both are laid out as haplotypes are: the TSS keeps its place, and no sequence is built before it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.edits import Edit, EditTable, split_at
from haploformer.genome.encoding import one_hot
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotype_windows import HaplotypeWindows, lay_out_genes
from haploformer.genome.haplotypes import number_keys
from haploformer.genome.intervals import Interval
from haploformer.genome.placement import Placement, Stretch
from haploformer.genome.reference import Reference, fetch_padded
from haploformer.genome.snp_windows import SnpWindows
from haploformer.genome.variants import RECORD_COLUMNS

#: Names of the strands in the order of `EditedWindows.strands`.
STRANDS = ("forward", "reverse")

#: What a row of the windows of single variants is about.
VARIANT_COLUMNS = ["gene_id", "variant_id", "contig", "pos", "ref", "alt"]


@dataclass(frozen=True)
class EditedWindows:
    """Windows of some genes, read from one strand or from both, and what each of them is.

    Attributes
    ----------
    strands : tuple of HaplotypeWindows
        The same windows in the same order: as they are read, and where there are two, from the other strand.
    table : DataFrame
        ``gene_id``, what the window is, and ``window``, its number on the first strand. Several rows may share a window,
        the reference's included.
    """

    strands: tuple[HaplotypeWindows, ...]
    table: pd.DataFrame

    def __len__(self) -> int:
        return sum(len(strand) for strand in self.strands)

    @property
    def length(self) -> int:
        """Bases of a window."""
        return self.strands[0].length

    @property
    def keys(self) -> list[str]:
        """Content key of each window, the first strand's first."""
        return [key for strand in self.strands for key in strand.keys]

    @property
    def provenance(self) -> dict[str, Any]:
        """Sources and rules, JSON values."""
        return self.strands[0].provenance

    def codes(self, rows: Sequence[int]) -> NDArray[np.uint8]:
        """Base codes of some windows, uint8 (n_rows, length)."""
        strand, row = self._locate(rows)
        codes = np.empty((len(row), self.length), np.uint8)
        for i in np.unique(strand):
            place = np.flatnonzero(strand == i)
            codes[place] = self.strands[i].codes(row[place])
        return codes

    def one_hot(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """One-hot form of some windows, float32 (n_rows, length, 4), order A C G T."""
        return one_hot(self.codes(rows))

    def reference_rows(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """The reference window, of the same gene and strand, of each of some windows."""
        strand, row = self._locate(rows)
        found = np.empty(len(row), np.int64)
        for i in np.unique(strand):
            place = np.flatnonzero(strand == i)
            found[place] = self.strands[i].reference_rows(row[place].tolist()) + i * len(self.strands[0])
        return found

    def snps(self, rows: Sequence[int]) -> SnpWindows | None:
        """Some windows of one gene and strand by their alleles; None where they have indels, or are of several."""
        strand, row = self._locate(rows)
        return self.strands[strand[0]].snps(row.tolist()) if len(strand) and (strand == strand[0]).all() else None

    def carriers(self) -> pd.DataFrame:
        """What each window is, on each strand: the reference windows (all nulls but the gene), then the rows of ``table``.

        Returns
        -------
        DataFrame
            The columns of ``table``, ``strand`` before ``window``, which is numbered over both strands.
        """
        windows = self.strands[0].windows
        reference = np.flatnonzero(windows["is_reference"].to_numpy())
        told = [name for name in self.table.columns if name != "window"]
        of_reference = pd.DataFrame({"gene_id": windows["gene_id"].to_numpy()[reference], "window": reference})
        empty = {name: pd.Series([None] * len(reference), dtype=object) for name in told if name != "gene_id"}
        rows = pd.concat([of_reference.assign(**empty), self.table.astype(dict.fromkeys(empty, object))])
        parts = [
            rows.assign(strand=name, window=rows["window"] + i * len(self.strands[0]))
            for i, name in enumerate(STRANDS[: len(self.strands)])
        ]
        both = pd.concat(parts, ignore_index=True)[[*told, "strand", "window"]]
        whole = {name: "Int64" for name in told if pd.api.types.is_integer_dtype(self.table[name])}
        return both.astype(whole)

    def _locate(self, rows: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Strand and number on it of some windows."""
        strand, row = np.divmod(np.asarray(rows, np.int64), max(len(self.strands[0]), 1))
        return strand, row


def sites_of(variants: pd.DataFrame) -> Genotypes:
    """Variants of nobody in particular, to be looked up by place.

    Parameters
    ----------
    variants : DataFrame
        Columns of `RECORD_COLUMNS`, a row per allele, contigs each in one piece and sorted by ``pos``.
    """
    return Genotypes(variants[RECORD_COLUMNS].reset_index(drop=True), [], np.zeros((len(variants), 0, 2), np.int8))


@dataclass(frozen=True)
class GeneVariants:
    """The windows of one gene, the reference's first, and which is that of each variant.

    Attributes
    ----------
    placement : Placement (n_distinct,)
    row : int64 (n_variants,)
        Row of each variant in the table of sites.
    window : int64 (n_variants,)
    """

    placement: Placement
    row: NDArray[np.int64]
    window: NDArray[np.int64]


def collect_gene_variants(
    sites: Genotypes, reference: Reference, window: Interval, tss: int, *, reverse: bool = False
) -> GeneVariants:
    """For every variant that reaches into a window, the window in which it alone is applied to the reference.

    Parameters
    ----------
    sites : Genotypes
        As of `sites_of`.
    window : Interval
        The model's input, which holds ``tss``.
    reverse : bool
        Read the windows from the other strand.
    """
    first, last = sites.row_range(window.contig, window.start - sites.longest_ref, window.end)
    edits = sites.edits.of_records(first, last)
    # An insertion before the window's first base, or behind its last, pushes out nothing but itself.
    inside = np.flatnonzero((edits.table.start < window.end) & (edits.table.end > window.start))
    table = edits.table.take(inside)
    stretch = _stretch_of_one(table, reference, window, tss, reverse=reverse)
    placement = _place_singly(stretch, table, tss)
    number = number_keys(placement.keys)
    if number.max() + 1 < len(placement):
        placement = placement.take(np.unique(number, return_index=True)[1])
    return GeneVariants(placement, first + edits.record[inside], number[1:])


def _stretch_of_one(table: EditTable, reference: Reference, window: Interval, tss: int, *, reverse: bool) -> Stretch:
    """The bases from which windows with one edit each are filled: a deletion draws in as many as it takes away."""
    lost = np.maximum(-table.growth, 0)
    left = np.where(table.start < tss, lost, 0).max(initial=0)
    right = np.where(table.end > tss, lost, 0).max(initial=0)
    start = min(window.start - int(left), int(table.start.min(initial=window.start)))
    end = max(window.end + int(right), int(table.end.max(initial=window.end)))
    codes = fetch_padded(reference, window.contig, start, end)
    return Stretch(start, tss, tss - window.start, window.end - tss, codes, reverse)


def _place_singly(stretch: Stretch, table: EditTable, tss: int) -> Placement:
    """The reference's window, and one for each edit."""
    split, origin = split_at(table, tss)
    n_carried = np.bincount(origin, minlength=len(table))
    first = np.concatenate([[0, 0], np.cumsum(n_carried)]).astype(np.int64)
    return Placement(stretch, split, first, np.argsort(origin, kind="stable"))


def build_variant_windows(
    gene_windows: pd.DataFrame,
    variants: pd.DataFrame,
    reference: Reference,
    *,
    reverse: Sequence[bool],
    both_strands: bool,
    provenance: dict[str, Any],
) -> EditedWindows:
    """Every variant of every gene's window, each alone.

    Parameters
    ----------
    gene_windows : DataFrame (n_genes,)
        ``gene_id, contig, start, end, tss``.
    variants : DataFrame
        As `sites_of` takes them; each one's REF equals the reference.
    reverse : sequence of bool (n_genes,)
        Whether each gene's window is read from the other strand.
    both_strands : bool
        Read each window from the other strand, too.

    Returns
    -------
    EditedWindows
        ``table`` has `VARIANT_COLUMNS`, a row per gene and variant.
    """
    sites = sites_of(variants)
    collected, tables, n_windows = [], [], 0
    for gene, turned in zip(gene_windows.itertuples(), reverse, strict=True):
        interval = Interval(gene.contig, gene.start, gene.end)
        found = collect_gene_variants(sites, reference, interval, gene.tss, reverse=turned)
        rows = sites.records.iloc[found.row].assign(gene_id=gene.gene_id, window=n_windows + found.window)
        collected.append(found.placement)
        tables.append(rows[[*VARIANT_COLUMNS, "window"]])
        n_windows += len(found.placement)
    strands = [collected] + ([[turn(placement) for placement in collected]] if both_strands else [])
    return EditedWindows(
        tuple(lay_out_genes(gene_windows, placements, provenance=provenance) for placements in strands),
        pd.concat(tables, ignore_index=True),
    )


def turn(placement: Placement) -> Placement:
    """The same windows read from the other strand."""
    return replace(placement, stretch=replace(placement.stretch, reverse=not placement.stretch.reverse))


def variants_of_edits(placement: Placement, sites: Genotypes, contig: str) -> NDArray[np.int64]:
    """Which variant makes each edit of a gene's haplotypes, int64 (n_edits,): row of ``sites``, -1 for none.

    Of variants that make the same edit, the first in file order.
    """
    stretch = placement.stretch
    first, last = sites.row_range(contig, stretch.start - sites.longest_ref, stretch.start + len(stretch.codes))
    edits = sites.edits.of_records(first, last)
    split, origin = split_at(edits.table, stretch.tss)
    made = split.to_edits()
    variant_of: dict[Edit, int] = {}
    for i in np.argsort(origin, kind="stable").tolist():
        variant_of.setdefault(made[i], first + int(edits.record[origin[i]]))
    return np.array([variant_of.get(edit, -1) for edit in placement.table.to_edits()], np.int64)


def build_left_out_windows(
    haplotypes: HaplotypeWindows, variants: pd.DataFrame, wanted: pd.DataFrame, *, source: str
) -> EditedWindows:
    """For each variant of a haplotype, the haplotype without it: all of its other edits stay.

    Parameters
    ----------
    haplotypes : HaplotypeWindows
        Two copies of each person, not their means.
    variants : DataFrame
        The alleles that the haplotypes were built from, as `sites_of` takes them.
    wanted : DataFrame
        ``gene_id, window``: which of the haplotypes' windows; each once.
    source : str
        Where the variants come from, for messages.

    Returns
    -------
    EditedWindows
        ``table`` has `VARIANT_COLUMNS`, then ``haplotype_window`` (the number in ``haplotypes``), one row per variant
        that a wanted window carries.

    Raises
    ------
    InputError
        If a haplotype has an edit that no variant makes: the variants are others than it was built from.
    """
    sites = sites_of(variants)
    genes = haplotypes.genes[haplotypes.genes["gene_id"].isin(wanted["gene_id"])]
    placements, tables, n_windows = [], [], 0
    for gene in genes.itertuples():
        whole = haplotypes.placement(gene.gene_id)
        variant = variants_of_edits(whole, sites, gene.contig)
        if (variant < 0).any():
            raise InputError(
                f"{source}:{gene.contig}:{whole.table.start[np.argmin(variant)] + 1}",
                f"no stored variant makes this edit of the haplotypes of gene {gene.gene_id}",
                "build the haplotypes of these variants again: kedro run --pipelines sequence_build",
            )
        of_gene = np.flatnonzero((haplotypes.windows["gene_id"] == gene.gene_id).to_numpy())
        chosen = np.sort(wanted.loc[wanted["gene_id"] == gene.gene_id, "window"].to_numpy(np.int64))
        placement, row, left_out = _leave_out(whole, chosen - of_gene[0], variant)
        number = number_keys(placement.keys)
        distinct = placement.take(np.unique(number, return_index=True)[1])
        told = sites.records.iloc[left_out].assign(gene_id=gene.gene_id, haplotype_window=of_gene[0] + row)
        tables.append(told[[*VARIANT_COLUMNS, "haplotype_window"]].assign(window=n_windows + number[1:]))
        placements.append(distinct)
        n_windows += len(distinct)
    laid_out = lay_out_genes(genes, placements, provenance=haplotypes.provenance)
    return EditedWindows((laid_out,), pd.concat(tables, ignore_index=True))


def _leave_out(
    whole: Placement, rows: NDArray[np.int64], variant: NDArray[np.int64]
) -> tuple[Placement, NDArray[np.int64], NDArray[np.int64]]:
    """The reference, then each chosen haplotype without each of its variants; of those the haplotype and the variant."""
    carried: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    row, left_out = [], []
    for i in rows.tolist():
        own = whole.carried[whole.first[i] : whole.first[i + 1]]
        made_by = variant[own]
        for one in dict.fromkeys(made_by.tolist()):
            carried.append(own[made_by != one])
            row.append(i)
            left_out.append(one)
    first = np.concatenate([[0], np.cumsum([len(part) for part in carried])]).astype(np.int64)
    placement = Placement(whole.stretch, whole.table, first, np.concatenate(carried))
    return placement, np.array(row, np.int64), np.array(left_out, np.int64)
