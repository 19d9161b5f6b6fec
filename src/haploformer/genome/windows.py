"""The model's input interval of each gene."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.encoding import UNKNOWN
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.intervals import Interval, merge_intervals
from haploformer.genome.reference import Reference, fetch_padded


def tss_window(contig: str, tss: int, length: int) -> Interval:
    """The ``length`` bases round a TSS: the TSS base has offset ``length // 2``. May reach past the contig's ends."""
    start = tss - length // 2
    return Interval(contig, start, start + length)


def tss_distance(pos: NDArray[np.int64], tss: int, strand: str) -> NDArray[np.int64]:
    """Bases from the TSS to each variant's POS, downstream positive; of a gene of unknown strand as on the plus strand.

    Parameters
    ----------
    pos : int64 (n_variants,)
        1-based.
    tss : int
        0-based.
    strand : str
        ``+``, ``-`` or ``.``.
    """
    return (np.asarray(pos, np.int64) - 1 - tss) * (-1 if strand == "-" else 1)


def cis_interval(contig: str, tss: int, length: int) -> Interval:
    """The ``length`` bases round a TSS, cut at the contig's start."""
    window = tss_window(contig, tss, length)
    return window._replace(start=max(window.start, 0))


def build_windows(
    genes: pd.DataFrame, reference: Reference, *, length: int, checked_length: int | None = None
) -> pd.DataFrame:
    """The input window of each gene and its share of unknown bases.

    Parameters
    ----------
    genes : DataFrame
        ``gene_id, contig, tss, strand``; ``tss`` is 0-based.
    length : int
        Window in bases.
    checked_length : int, optional
        Bases round the TSS of which the share of unknown ones is told, if more than the window.

    Returns
    -------
    DataFrame
        One row per gene: ``gene_id, contig, start, end, tss, strand, n_share``. A TSS off the contig has share 1.

    Raises
    ------
    InputError
        If a gene's contig is not in the reference.
    """
    require_contigs(genes["contig"], reference)
    rows = []
    for gene in genes.itertuples():
        window = tss_window(gene.contig, gene.tss, length)
        checked = tss_window(gene.contig, gene.tss, max(length, checked_length or 0))
        off = not 0 <= gene.tss < reference.contig_lengths[gene.contig]
        n_share = 1.0 if off else float(np.mean(fetch_padded(reference, *checked) == UNKNOWN))
        rows.append((gene.gene_id, *window, gene.tss, gene.strand, n_share))
    return pd.DataFrame(rows, columns=["gene_id", "contig", "start", "end", "tss", "strand", "n_share"])


def require_contigs(contigs: Iterable[str], reference: Reference) -> None:
    """Raise InputError if the reference lacks one of ``contigs`` (canonical names)."""
    absent = sorted(set(contigs) - set(reference.contig_lengths))
    if absent:
        there = ", ".join(list(reference.contig_lengths)[:8]) or "none"
        raise InputError(
            reference.name,
            f"contig {absent[0]} is not in the FASTA (contigs there: {there})",
            "give a FASTA that holds it, or choose other chromosomes in data_prep.chromosomes",
        )


def checked_windows(
    genes: pd.DataFrame,
    reference: Reference,
    *,
    length: int,
    checked_length: int | None,
    max_n_share: float,
    refuse: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The window of each gene (`build_windows`), and of these the `known_windows`.

    Parameters
    ----------
    refuse : bool
        Whether a window of unknown sequence is refused (`require_known_sequence`).
    """
    windows = build_windows(genes, reference, length=length, checked_length=checked_length)
    if refuse:
        require_known_sequence(windows, max_n_share=max_n_share, reference_name=reference.name)
    return windows, known_windows(windows, max_n_share=max_n_share)


def known_windows(windows: pd.DataFrame, *, max_n_share: float) -> pd.DataFrame:
    """The windows with at most ``max_n_share`` unknown bases; InputError if there are none."""
    known = windows[windows["n_share"] <= max_n_share].reset_index(drop=True)
    if len(known) == 0:
        raise InputError(
            "parameters:sequence_build.max_n_share",
            f"all {len(windows)} windows have more than {100 * max_n_share:g} % unknown bases (N, or off the contig)",
            "use a FASTA with the sequence of these contigs, or raise it",
        )
    return known


def require_known_sequence(windows: pd.DataFrame, *, max_n_share: float, reference_name: str) -> None:
    """Raise InputError if a window has more unknown bases than allowed."""
    over = windows[windows["n_share"] > max_n_share]
    if len(over):
        worst = over.sort_values("n_share", ascending=False).iloc[0]
        raise InputError(
            f"{reference_name}:{worst.contig}:{worst.start + 1}-{worst.end}",
            f"{100 * worst.n_share:.1f} % of the window of gene {worst.gene_id} is N or off the contig, "
            f"{100 * max_n_share:.1f} % are allowed ({len(over)} of {len(windows)} windows have more)",
            "set sequence_build.unknown_windows: drop to leave such genes out, raise sequence_build.max_n_share, or use "
            "the genome build of the expression table",
        )


def read_reversed(windows: pd.DataFrame, *, strand: str, source: str) -> list[bool]:
    """Which windows are read from the other strand.

    Parameters
    ----------
    windows : DataFrame
        ``gene_id, strand``.
    strand : str
        ``forward``: none; ``gene``: those of genes on the minus strand.
    source : str
        Where strands come from, for messages.

    Raises
    ------
    InputError
        If genes have a direction to be read in, and that of one is not known.
    """
    if strand == "forward":
        return [False] * len(windows)
    unknown = windows["gene_id"][windows["strand"] == "."]
    if len(unknown):
        raise InputError(
            source,
            f"the strand of {len(unknown)} of {len(windows)} genes is not known (first: {unknown.iloc[0]})",
            "give an annotation (GTF) that holds them, or set sequence_build.strand: forward",
        )
    return (windows["strand"] == "-").tolist()


def variable_windows(
    windows: pd.DataFrame, genotypes: Genotypes, *, min_variants: int, checked_length: int | None = None
) -> pd.DataFrame:
    """The windows with at least ``min_variants`` records in them, or in the ``checked_length`` bases round the TSS.

    Raises
    ------
    InputError
        If there are none.
    """
    n_records = []
    for window in windows.itertuples():
        length = max(window.end - window.start, checked_length or 0)
        first, last = genotypes.row_range(*tss_window(window.contig, window.tss, length))
        n_records.append(last - first)
    variable = windows[np.array(n_records, dtype=np.int64) >= min_variants].reset_index(drop=True)
    if len(variable) == 0:
        raise InputError(
            "parameters:sequence_build.min_variants",
            f"all {len(windows)} windows have fewer than {min_variants} variants (at most {max(n_records)})",
            "give genotypes of the places where the genes lie, or lower it",
        )
    return variable


def covering_intervals(genes: pd.DataFrame, lengths: Iterable[int], *, margin: int) -> list[Interval]:
    """Merged intervals that cover a window of the longest of ``lengths`` round every gene's TSS, and a margin.

    Deletions draw bases, and variants with them, from beyond a window into it: ``margin`` bases on either side.
    """
    longest = max(lengths) + 2 * margin
    return merge_intervals(cis_interval(g.contig, g.tss, longest) for g in genes.itertuples())
