"""Associations of the NHGRI-EBI GWAS catalog, in the forms in which it goes round."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.files import sha256_file
from haploformer.formats.foreign_tables import Cells, is_rsid
from haploformer.formats.text_tables import first_line, read_text_table

_WHAT = "GWAS catalog"

_Names = tuple[str, ...]

#: Where a column's content comes from: the first of these names that is there. The catalog's own download, the table
#: of the UCSC browser, and a BED of twelve columns without a header.
_COLUMNS: Mapping[str, _Names] = {
    "rsid": ("SNPS", "name", "rsid"),
    "contig": ("CHR_ID", "chrom"),
    "pos": ("CHR_POS", "chromEnd"),
    "risk": ("STRONGEST SNP-RISK ALLELE", "riskAllele"),
    "pvalue": ("P-VALUE", "pValue"),
    "trait": ("DISEASE/TRAIT", "trait"),
    "reported_genes": ("REPORTED GENE(S)", "MAPPED_GENE", "genes"),
    "publication": ("PUBMEDID", "pubMedID", "journal"),
}

_BED_COLUMNS = [
    *("chrom", "chromStart", "chromEnd", "rsid", "pValue", "riskAllele", "genes", "context", "date", "journal"),
    *("region", "trait"),
]

_PVALUE = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE]([-+]?[0-9]+))?")

_SEQUENCE = re.compile("[ACGT]+")

_SEVERAL = re.compile(r"[;,]|\sx\s", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class GwasAssociations:
    """One file of associations.

    Attributes
    ----------
    table : DataFrame, schema ``gwas_associations``
    n_rows : int
        Rows of the file.
    n_several : int
        Rows left out because they are about several SNPs together (a haplotype, an interaction).
    n_unnamed : int
        Rows left out because they name neither an rsid nor a place.
    n_repeated : int
        Rows left out because they say again what an earlier one says.
    name : str
        Of the file; empty where there is none.
    sha256 : str
    """

    table: pd.DataFrame
    n_rows: int
    n_several: int
    n_unnamed: int
    n_repeated: int
    name: str = ""
    sha256: str = ""

    @property
    def left_out(self) -> dict[str, int]:
        """Rows that are not in the table, by reason."""
        return {
            "several SNPs together": self.n_several,
            "neither rsid nor place": self.n_unnamed,
            "repeated": self.n_repeated,
        }


_TABLE = [
    *("rsid", "contig", "pos", "risk_allele", "neg_log10_pvalue", "trait", "reported_genes", "publication"),
]


def no_associations() -> GwasAssociations:
    """The associations of a study that looks at none."""
    table = pd.DataFrame({name: [] for name in _TABLE}, dtype=object)
    return GwasAssociations(table.astype({"pos": "Int64", "neg_log10_pvalue": "float64"}), 0, 0, 0, 0)


def read_gwas_catalog(path: Path) -> GwasAssociations:
    """Read one file, plain or gzip.

    Positions are those of the file: its name may lie about the build (see `genome.disease`). Genome-wide p-values
    below the smallest float keep their exponent.

    Raises
    ------
    InputError
        If the form is not known, a row has another length, or a position or p-value is no number.
    """
    words = first_line(path, what=_WHAT).split("\t")
    is_bed = len(words) == len(_BED_COLUMNS) and words[1].isdigit()
    raw = read_text_table(path, what=_WHAT, names=_BED_COLUMNS if is_bed else None)
    cells = Cells(raw, path, first_line=1 if is_bed else 2)
    source = {ours: next((n for n in names if n in raw.columns), None) for ours, names in _COLUMNS.items()}
    absent = [ours for ours in ("rsid", "risk", "pvalue", "trait") if source[ours] is None]
    if absent:
        there = ", ".join(map(str, list(raw.columns)[:8]))
        raise InputError(
            f"{path}:header",
            f"no column of the GWAS catalog for the {absent[0]} (there: {there})",
            "give the catalog's associations as downloaded (ALL ASSOCIATIONS), UCSC's gwasCatalog with its header, or a "
            "BED of twelve columns",
        )
    several = _name_several(cells, source)
    table = _build(cells.rows(~several), source)
    unnamed = (table["rsid"].isna() & (table["contig"].isna() | table["pos"].isna())).to_numpy()
    named = table[~unnamed]
    repeated = named.duplicated().to_numpy()
    return GwasAssociations(
        named[~repeated].reset_index(drop=True),
        n_rows=len(raw),
        n_several=int(several.sum()),
        n_unnamed=int(unnamed.sum()),
        n_repeated=int(repeated.sum()),
        name=path.name,
        sha256=sha256_file(path),
    )


def _name_several(cells: Cells, source: Mapping[str, str | None]) -> NDArray[np.bool_]:
    """Which rows are about several SNPs."""
    several = np.zeros(len(cells), bool)
    for ours in ("rsid", "contig", "pos", "risk"):
        told = cells.text(source[ours]).fillna("")
        several |= np.array([_SEVERAL.search(cell) is not None for cell in told], bool)
    return several


def _build(cells: Cells, source: Mapping[str, str | None]) -> pd.DataFrame:
    rsid = cells.text(source["rsid"])
    contig = cells.contigs(source["contig"])
    return pd.DataFrame(
        {
            "rsid": rsid.where(rsid.map(is_rsid).astype(bool), None),
            # "chr" and nothing behind it is how a BED writes a SNP that was not mapped.
            "contig": contig.where(contig.fillna("").str.lower() != "chr", None),
            "pos": cells.positions(source["pos"]),
            "risk_allele": _risk_alleles(cells.text(source["risk"])),
            "neg_log10_pvalue": _parse_pvalues(cells, source["pvalue"]),
            "trait": cells.text(source["trait"], required=True),
            "reported_genes": cells.text(source["reported_genes"]),
            "publication": cells.text(source["publication"]),
        }
    )


def _risk_alleles(told: pd.Series) -> pd.Series:
    """``A`` of ``rs1-A``; None where it is not told, or names no sequence."""
    alleles = [
        cell.rpartition("-")[2].strip().upper() if isinstance(cell, str) and "-" in cell else "" for cell in told
    ]
    return pd.Series([a if _SEQUENCE.fullmatch(a) else None for a in alleles], told.index, dtype=object)


def _parse_pvalues(cells: Cells, column: str | None) -> NDArray[np.float64]:
    """-log10 of each p-value, NaN where there is none; infinite for a p-value of 0."""
    values = np.full(len(cells), np.nan)
    for row, told in enumerate(cells.text(column)):
        if told is None or (isinstance(told, float) and math.isnan(told)):
            continue
        match = _PVALUE.fullmatch(told)
        mantissa = float(match[1]) if match else math.nan
        value = math.inf if mantissa == 0 else -math.log10(mantissa) - int(match[2] or 0) if match else math.nan
        if not value >= 0:
            raise InputError(
                f"{cells.where(row)}, column {column}", f"{told!r} is no p-value from 0 to 1", "correct the cell"
            )
        # Not -0.0 for a p-value of 1.
        values[row] = value + 0.0
    return values
