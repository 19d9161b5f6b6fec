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
from haploformer.formats.text_tables import parse_integers, parse_numbers, read_text_table, require_columns
from haploformer.genome.contigs import canonical_contig

_SPELLINGS = {
    "contig": ["#chr", "#Chr", "#chrom", "#CHROM", "chr"],
    "start": ["start"],
    "end": ["end"],
    "gene_id": ["gene_id", "TargetID", "gene", "phenotype_id", "ID"],
}
_OURS = {spelling: ours for ours, spellings in _SPELLINGS.items() for spelling in spellings}


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
    # By place: a person may be called "start".
    places = table.iloc[:, : len(_SPELLINGS)].rename(columns=_OURS)
    require_columns(places, list(_SPELLINGS), path)
    by_person = table.iloc[:, len(_SPELLINGS) :]
    values = parse_numbers(by_person, path, row_names=places["gene_id"])
    span = parse_integers(places[["start", "end"]], path, row_names=places["gene_id"])
    _require_unique_genes(places["gene_id"], path)
    wide = np.flatnonzero(span[:, 1] - span[:, 0] != 1)
    if len(wide):
        raise InputError(
            f"{path}:line {wide[0] + 2} ({places['gene_id'].iloc[wide[0]]})",
            f"start {span[wide[0], 0]} and end {span[wide[0], 1]} are not one base",
            "give the TSS: start = TSS - 1 (0-based), end = TSS",
        )
    genes = pd.DataFrame(
        {"gene_id": places["gene_id"], "contig": places["contig"].map(canonical_contig), "tss": span[:, 0]}
    )
    return ExpressionBed(path.name, genes, list(by_person.columns), values)


def _require_unique_genes(gene_ids: pd.Series, path: Path) -> None:
    doubled = [gene for gene, n in Counter(gene_ids).items() if n > 1]
    if doubled:
        line = int(np.flatnonzero(gene_ids.to_numpy() == doubled[0])[1]) + 2
        raise InputError(f"{path}:line {line}", f"gene {doubled[0]} stands twice", "keep one row of the gene")
