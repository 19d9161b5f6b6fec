"""Expression tables in the shape of GTEx's ``*.normalized_expression.bed``.

Columns: contig, ``start`` (0-based TSS), ``end`` (= start + 1), gene id, then one column per person.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.text_tables import parse_numbers, read_text_table, require_columns
from haploformer.genome.contigs import canonical_contig

_SPELLINGS = {
    "contig": ["#chr", "#Chr", "#chrom", "#CHROM", "chr"],
    "start": ["start"],
    "end": ["end"],
    "gene_id": ["gene_id", "TargetID", "gene", "phenotype_id", "ID"],
}


@dataclass(frozen=True)
class ExpressionBed:
    """One expression file.

    Attributes
    ----------
    name : str
        What messages call it.
    genes : DataFrame (n_genes,)
        ``gene_id`` as written, ``contig`` (canonical), ``tss`` (0-based).
    individual_ids : list of str (n_individuals,)
    values : float64 (n_genes, n_individuals)
    """

    name: str
    genes: pd.DataFrame
    individual_ids: list[str]
    values: NDArray[np.float64]


def read_expression_bed(path: Path) -> ExpressionBed:
    """Read one file.

    Raises
    ------
    InputError
        If a cell is no number, a column or a gene stands twice, or a TSS is not one base.
    """
    table = read_text_table(path, what="expression table")
    table = table.rename(columns=_column_names(table))
    require_columns(table, list(_SPELLINGS), path)
    values = parse_numbers(table.drop(columns=list(_SPELLINGS)), path, row_names=table["gene_id"])
    span = parse_numbers(table[["start", "end"]], path, row_names=table["gene_id"]).astype("int64")
    _require_unique_genes(table["gene_id"], path)
    wide = np.flatnonzero(span[:, 1] - span[:, 0] != 1)
    if len(wide):
        raise InputError(
            f"{path}:line {wide[0] + 2} ({table['gene_id'].iloc[wide[0]]})",
            f"start {span[wide[0], 0]} and end {span[wide[0], 1]} are not one base",
            "give the TSS: start = TSS - 1 (0-based), end = TSS",
        )
    genes = pd.DataFrame(
        {"gene_id": table["gene_id"], "contig": table["contig"].map(canonical_contig), "tss": span[:, 0]}
    )
    return ExpressionBed(path.name, genes, [c for c in table.columns if c not in _SPELLINGS], values)


def _column_names(table: pd.DataFrame) -> dict[str, str]:
    first = list(table.columns[:4])
    return {name: ours for ours, names in _SPELLINGS.items() for name in first if name in names}


def _require_unique_genes(gene_ids: pd.Series, path: Path) -> None:
    doubled = [gene for gene, n in Counter(gene_ids).items() if n > 1]
    if doubled:
        line = int(np.flatnonzero(gene_ids.to_numpy() == doubled[0])[1]) + 2
        raise InputError(f"{path}:line {line}", f"gene {doubled[0]} stands twice", "keep one row of the gene")
