"""Dosages of the variants near each gene, read when a gene is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.windows import cis_interval


@dataclass(frozen=True)
class CisDosages:
    """Variants of each gene's cis window.

    Attributes
    ----------
    genotypes : Genotypes
        On disk or in memory.
    windows : DataFrame
        ``gene_id, contig, start, end, n_variants, cis_window``: one row per gene and length of the cis window.
    """

    genotypes: Genotypes
    windows: pd.DataFrame

    @property
    def individual_ids(self) -> Sequence[str]:
        """People, in the order of the dosages' first axis."""
        return self.genotypes.individual_ids

    @property
    def lengths(self) -> list[int]:
        """Bases of the cis windows, in their order."""
        return [int(length) for length in self.windows["cis_window"].unique()]

    def of_length(self, length: int) -> CisDosages:
        """Those of the windows of one length."""
        return replace(self, windows=self.windows[self.windows["cis_window"] == length])

    def of_gene(self, gene_id: str) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Variants (``contig, pos, variant_id, ref, alt``) and dosages float32 (n_individuals, n_variants).

        Of several lengths it is the first.
        """
        row = self.windows[self.windows["gene_id"] == gene_id].iloc[0]
        return alt_dosages(self.genotypes.select(row["contig"], row["start"], row["end"]))


def locate_cis_windows(genes: pd.DataFrame, genotypes: Genotypes, *, length: int) -> pd.DataFrame:
    """The cis window of each gene, ``length`` bases round the TSS, and its number of records.

    Returns
    -------
    DataFrame
        ``gene_id, contig, start, end, n_variants, cis_window``.
    """
    rows = []
    for gene in genes.itertuples():
        interval = cis_interval(gene.contig, gene.tss, length)
        genotypes.require_covered(interval)
        first, last = genotypes.row_range(*interval)
        rows.append((gene.gene_id, *interval, last - first, length))
    return pd.DataFrame(rows, columns=["gene_id", "contig", "start", "end", "n_variants", "cis_window"])
