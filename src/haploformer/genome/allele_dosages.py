"""Dosages of chosen alleles of each gene, read when a gene is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.variant_frequencies import ALLELE_COLUMNS
from haploformer.genome.variants import RECORD_COLUMNS, named_alleles


@dataclass(frozen=True)
class AlleleDosages:
    """Alleles of each gene that the genotypes have.

    Attributes
    ----------
    genotypes : Genotypes
        On disk or in memory.
    alleles : DataFrame
        ``gene_id, contig, pos, ref, alt``: all of them in the genotypes, those of a gene on one contig.
    """

    genotypes: Genotypes
    alleles: pd.DataFrame

    def of_gene(self, gene_id: str) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Variants (``contig, pos, variant_id, ref, alt``) and dosages float32 (n_individuals, n_alleles).

        In the order of ``alleles``; none of a gene that has none.
        """
        wanted = self._of_gene.get(gene_id)
        if wanted is None:
            n = len(self.genotypes.individual_ids)
            return pd.DataFrame(columns=RECORD_COLUMNS).astype({"pos": "int64"}), np.zeros((n, 0), np.float32)
        pos = wanted["pos"].to_numpy(np.int64)
        near = self.genotypes.select(str(wanted["contig"].iloc[0]), int(pos.min()) - 1, int(pos.max()))
        variants, dosages = alt_dosages(near)
        keys = pd.MultiIndex.from_frame(variants[ALLELE_COLUMNS])
        first = np.flatnonzero(~keys.duplicated())
        rows = first[keys[first].get_indexer(pd.MultiIndex.from_frame(wanted[ALLELE_COLUMNS]))]
        return variants.iloc[rows].reset_index(drop=True), dosages[:, rows]

    @cached_property
    def _of_gene(self) -> dict[str, pd.DataFrame]:
        return {str(gene_id): rows for gene_id, rows in self.alleles.groupby("gene_id", sort=False)}


def find_alleles(genotypes: Genotypes, wanted: pd.DataFrame) -> tuple[AlleleDosages, pd.DataFrame]:
    """Those of the wanted alleles that the genotypes have, and the rows of the others.

    Parameters
    ----------
    genotypes : Genotypes
    wanted : DataFrame
        ``gene_id, contig, pos, ref, alt``, each once.
    """
    there = pd.MultiIndex.from_frame(named_alleles(genotypes.records)[ALLELE_COLUMNS])
    found = pd.MultiIndex.from_frame(wanted[ALLELE_COLUMNS]).isin(there)
    return AlleleDosages(genotypes, wanted[found].reset_index(drop=True)), wanted[~found]
