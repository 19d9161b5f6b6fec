"""Folds by gene: genes whose windows overlap are never on both sides of a split; Enformer's own test genes."""

from __future__ import annotations

import logging
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer import predicted_expression
from haploformer.errors import InputError

logger = logging.getLogger(__name__)

#: Over fewer genes a rank correlation of 1 comes by chance, which Fisher's z takes for certain.
MIN_GENES_PER_FOLD = 6

#: Fold of a gene that Enformer's test sequences hold, and of one that is neither trained on nor tested.
ENFORMER_TEST, LEFT_OUT = -1, -2

#: What a gene's window overlaps of Enformer's sequences: of one split only, of several (``mixed``), or none.
MIXED, NONE = "mixed", "none"


def chain_windows(genes: pd.DataFrame, *, length: int) -> NDArray[np.int64]:
    """Group of each gene: genes of one contig that are joined by overlapping windows, one after the other.

    Parameters
    ----------
    genes : DataFrame
        ``contig, tss``.
    length : int
        Bases of a window round the TSS.

    Returns
    -------
    int64 (n_genes,)
        Groups are numbered along the genome.
    """
    contig, tss = genes["contig"].to_numpy(dtype=str), genes["tss"].to_numpy(dtype=np.int64)
    order = np.lexsort((tss, contig))
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (contig[order][1:] != contig[order][:-1]) | (np.diff(tss[order]) >= length)
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = np.cumsum(starts) - 1
    return groups


def assign_gene_folds(
    genes: pd.DataFrame,
    *,
    length: int,
    n_folds: int,
    seed: int,
    by: Literal["windows", "chromosomes"] = "windows",
    min_genes: int = MIN_GENES_PER_FOLD,
) -> NDArray[np.int64]:
    """Deal genes into folds of about equal size, those that share sequence together.

    Parameters
    ----------
    genes : DataFrame
        ``contig, tss``.
    length : int
        Bases of a window.
    n_folds : int
        At least 2.
    seed : int
    by : str
        ``windows``: what `chain_windows` joins shares a fold. ``chromosomes``: whole contigs do.
    min_genes : int
        Fewest genes of a fold.

    Returns
    -------
    int64 (n_genes,)

    Raises
    ------
    InputError
        If there are too few groups for the folds, or too few genes for a fold.
    """
    groups = (
        chain_windows(genes, length=length) if by == "windows" else pd.factorize(genes["contig"], sort=True)[0]
    ).astype(np.int64)
    sizes = np.bincount(groups)
    what = "groups of genes with overlapping windows" if by == "windows" else "chromosomes"
    if len(sizes) < n_folds:
        raise InputError(
            "gene folds",
            f"{len(sizes)} {what} ({len(genes)} genes) for {n_folds} folds",
            "give more genes, or fewer folds (across_genes.n_folds)",
        )
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(sizes))
    of_group, n_genes = np.empty(len(sizes), dtype=np.int64), np.zeros(n_folds, dtype=np.int64)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        of_group[group] = int(n_genes.argmin())
        n_genes[of_group[group]] += sizes[group]
    if n_genes.min() < min_genes:
        raise InputError(
            "gene folds",
            f"a fold has {n_genes.min()} genes, its r needs {min_genes} ({len(genes)} genes in {len(sizes)} "
            f"{what}, {n_folds} folds)",
            "give more genes, or fewer folds (across_genes.n_folds)",
        )
    return of_group[groups]


def split_by_enformer(genes: pd.DataFrame, sequences: pd.DataFrame, *, length: int) -> pd.Series:
    """What each gene's window overlaps of Enformer's sequences.

    Parameters
    ----------
    genes : DataFrame
        ``gene_id, contig, tss``.
    sequences : DataFrame
        ``contig, start, end, split``, of the same genome build.
    length : int
        Bases of a window.

    Returns
    -------
    Series of str, index ``gene_id``
        ``train``, ``valid`` or ``test`` where the window overlaps sequences of that split only; ``mixed``; ``none``.

    Raises
    ------
    InputError
        If no gene's window overlaps any sequence: another build, or other contigs.
    """
    found = []
    by_contig = dict(list(sequences.groupby("contig")))
    for gene in genes.itertuples():
        splits: list[str] = []
        if gene.contig in by_contig:
            there = by_contig[gene.contig]
            start = gene.tss - length // 2
            splits = there["split"][(there["start"] < start + length) & (there["end"] > start)].unique().tolist()
        found.append(splits[0] if len(splits) == 1 else MIXED if splits else NONE)
    table = pd.Series(found, index=genes["gene_id"].tolist(), dtype=object)
    if (table == NONE).all():
        raise InputError(
            "enformer_sequences",
            f"none of the {len(genes)} genes lies in one of its {len(sequences)} sequences",
            "give the sequences in the genome build of the expression table",
        )
    return table


def hold_out_enformer_test(
    genes: pd.DataFrame,
    splits: pd.Series,
    *,
    length: int,
    n_folds: int,
    seed: int,
    by: Literal["windows", "chromosomes"],
) -> NDArray[np.int64]:
    """`assign_gene_folds` for the genes that Enformer was not tested on.

    Parameters
    ----------
    splits : Series
        As `split_by_enformer` gives.

    Returns
    -------
    int64 (n_genes,)
        ``ENFORMER_TEST`` where the window overlaps test sequences only; ``LEFT_OUT`` for another gene whose window
        overlaps that of a test gene; the fold for all others.
    """
    test = (splits.reindex(genes["gene_id"]) == "test").to_numpy()
    near = np.zeros(len(genes), dtype=bool)
    contig, tss = genes["contig"].to_numpy(dtype=str), genes["tss"].to_numpy(dtype=np.int64)
    for name in np.unique(contig[test]):
        here, held_out = np.flatnonzero((contig == name) & ~test), np.sort(tss[test & (contig == name)])
        after = np.searchsorted(held_out, tss[here])
        left, right = held_out[np.maximum(after - 1, 0)], held_out[np.minimum(after, len(held_out) - 1)]
        near[here] = np.minimum(np.abs(tss[here] - left), np.abs(right - tss[here])) < length
    folds = np.full(len(genes), LEFT_OUT, dtype=np.int64)
    folds[test] = ENFORMER_TEST
    used = ~test & ~near
    folds[used] = assign_gene_folds(genes[used], length=length, n_folds=n_folds, seed=seed, by=by)
    return folds


def hold_out_genes(
    genes: pd.DataFrame,
    sequences: pd.DataFrame,
    *,
    length: int,
    n_folds: int,
    seed: int,
    by: Literal["windows", "chromosomes"],
) -> pd.DataFrame:
    """How each gene is held out, as the stored table says it.

    Parameters
    ----------
    sequences : DataFrame
        As `split_by_enformer` takes; without rows all genes are dealt into folds.

    Returns
    -------
    DataFrame (n_genes,)
        ``enformer_split, held_out, fold`` of schema ``gene_levels``.
    """
    rules: Any = {"length": length, "n_folds": n_folds, "seed": seed, "by": by}
    if sequences.empty:
        splits = pd.Series(None, index=genes["gene_id"], dtype=object)
        folds = assign_gene_folds(genes, **rules)
    else:
        splits = split_by_enformer(genes, sequences, length=length)
        folds = hold_out_enformer_test(genes, splits, **rules)
    names = {ENFORMER_TEST: predicted_expression.ENFORMER_TEST, LEFT_OUT: None}
    held_out = [names.get(int(fold), predicted_expression.GENE_FOLDS) for fold in folds]
    return pd.DataFrame(
        {
            "enformer_split": splits.to_numpy(),
            "held_out": pd.Series(held_out, dtype=object),
            "fold": pd.array([int(fold) if fold >= 0 else pd.NA for fold in folds], dtype="Int64"),
        }
    )


def stored_folds(genes: pd.DataFrame) -> NDArray[np.int64]:
    """The folds (n_genes,) that `hold_out_genes` made the table of: ``ENFORMER_TEST`` and ``LEFT_OUT`` are numbers."""
    numbers = genes["fold"].fillna(LEFT_OUT).to_numpy(dtype=np.int64)
    return np.where(genes["held_out"] == predicted_expression.ENFORMER_TEST, ENFORMER_TEST, numbers)


def deal_genes(genes: pd.DataFrame, *, length: int, n_folds: int, seed: int) -> NDArray[np.int64] | None:
    """`assign_gene_folds`, in fewer folds where there are fewer groups; None where overlapping windows join all genes."""
    n_groups = int(chain_windows(genes, length=length).max()) + 1
    if n_groups < 2:
        logger.warning("no gene is held out: windows of %d bases join all %d genes", length, len(genes))
        return None
    n_folds = min(n_folds, n_groups)
    logger.info("%d genes in %d groups that share no sequence, dealt into %d folds", len(genes), n_groups, n_folds)
    return assign_gene_folds(genes, length=length, n_folds=n_folds, seed=seed, min_genes=1)
