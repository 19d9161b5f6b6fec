"""Strongest associations of genes where a table names neither variant nor allele: only their sizes can be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from haploformer.evaluation.metrics import pearson, spearman
from haploformer.genome.genes import without_version


@dataclass(frozen=True, eq=False)
class SizeComparison:
    """Absolute r of each gene's strongest association, ours beside another table's.

    Attributes
    ----------
    table : DataFrame (n_genes,)
        ``gene_id`` (ours), ``ours``, ``theirs``: absolute r of the genes in both.
    n_only_ours, n_only_theirs : int
        Genes left out because the other table lacks them.
    pearson_r, spearman_r : float
        Over genes; NaN for fewer than three.
    """

    table: pd.DataFrame
    n_only_ours: int
    n_only_theirs: int
    pearson_r: float
    spearman_r: float

    @property
    def matched_share(self) -> float:
        """Share of our genes that the other table has; 0 if we have none."""
        n = len(self.table) + self.n_only_ours
        return len(self.table) / n if n else 0.0


def compare_sizes(ours: pd.DataFrame, theirs: pd.DataFrame) -> SizeComparison:
    """Set absolute r side by side; genes are matched without versions.

    Parameters
    ----------
    ours, theirs : DataFrame
        ``gene_id, r``, one row per gene.

    Raises
    ------
    ValueError
        If a gene stands twice in a table.
    """
    sides = {}
    for name, table in (("ours", ours), ("theirs", theirs)):
        side = pd.Series(table["r"].abs().to_numpy(np.float64), index=without_version(table["gene_id"]))
        if side.index.duplicated().any():
            raise ValueError(f"gene {side.index[side.index.duplicated()][0]} stands twice in {name}")
        sides[name] = side
    ids = pd.Series(ours["gene_id"].to_numpy(), index=sides["ours"].index)
    shared = sides["ours"].index[sides["ours"].index.isin(sides["theirs"].index)]
    x, y = sides["ours"][shared].to_numpy(), sides["theirs"][shared].to_numpy()
    enough = len(shared) >= 3
    return SizeComparison(
        pd.DataFrame({"gene_id": ids[shared].to_numpy(), "ours": x, "theirs": y}),
        len(ours) - len(shared),
        len(theirs) - len(shared),
        float(pearson(x, y)) if enough else np.nan,
        float(spearman(x, y)) if enough else np.nan,
    )
