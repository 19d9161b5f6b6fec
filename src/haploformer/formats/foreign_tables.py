"""What the readers of other people's tables share: cells that may be empty, numbers with limits, ids of variants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.contigs import canonical_contig

#: Cells that say nothing.
NOTHING = frozenset({"", "NA", "na", "NaN", "nan", "None", "NULL", "null", ".", "-", "NR"})

_VARIANT_ID = re.compile(
    r"(?:chr)?(?P<contig>[0-9A-Za-z]+)[_:](?P<pos>[1-9][0-9]{0,9})[_:](?P<ref>[ACGTacgt]+)[_:](?P<alt>[ACGTacgt]+)"
    r"(?:[_:](?P<build>b37|b38|hg19|hg38|GRCh37|GRCh38))?"
)

#: No position is larger: BED and VCF hold 32 bits.
LAST_POSITION = 2**31 - 1

_BUILDS = {"b37": "GRCh37", "hg19": "GRCh37", "b38": "GRCh38", "hg38": "GRCh38"}

_RSID = re.compile(r"rs[0-9]+")


class WrittenVariant(NamedTuple):
    """What the id of a variant says; nulls where it says nothing."""

    contig: str | None = None
    pos: int | None = None
    ref: str | None = None
    alt: str | None = None
    build: str | None = None


def parse_variant_id(name: str) -> WrittenVariant:
    """Place, alleles and build of ids like ``chr22_123_A_G_b38`` or ``22:123:A:G``; nothing of other ids."""
    match = _VARIANT_ID.fullmatch(name)
    if match is None or int(match["pos"]) > LAST_POSITION:
        return WrittenVariant()
    written = match["build"]
    build = None if written is None else _BUILDS.get(written, written)
    contig, ref, alt = canonical_contig(match["contig"]), match["ref"].upper(), match["alt"].upper()
    return WrittenVariant(contig, int(match["pos"]), ref, alt, build)


def upper_case(alleles: pd.Series) -> pd.Series:
    """Alleles in upper case, None where there is none."""
    return pd.Series([a.upper() if isinstance(a, str) else None for a in alleles], alleles.index, dtype=object)


def is_rsid(name: object) -> bool:
    """Whether this is an id of dbSNP."""
    return isinstance(name, str) and _RSID.fullmatch(name) is not None


class Cells:
    """Columns of a table as they are read, with the line of each row.

    Parameters
    ----------
    table : DataFrame
        Cells as text, or typed columns of a Parquet file.
    path : Path
    first_line : int
        Line of the first row.
    lines : int (n_rows,), optional
        Line of each row, where they do not follow each other.
    """

    def __init__(
        self, table: pd.DataFrame, path: Path, *, first_line: int = 2, lines: NDArray[np.int64] | None = None
    ) -> None:
        self.table = table
        self.path = path
        self.first_line = first_line
        self.lines = np.arange(first_line, first_line + len(table)) if lines is None else lines

    def __len__(self) -> int:
        return len(self.table)

    def where(self, row: int) -> str:
        """File and line of a row."""
        return f"{self.path}:line {self.lines[row]}"

    def rows(self, chosen: NDArray[np.bool_]) -> Cells:
        """Some of the rows, which keep their lines."""
        return Cells(self.table[chosen], self.path, lines=self.lines[chosen])

    def text(self, column: str | None, *, required: bool = False) -> pd.Series:
        """Cells without blanks round them, None where they say nothing.

        Parameters
        ----------
        column : str, optional
            None: a column that is not there.

        Raises
        ------
        InputError
            If a cell that is required says nothing.
        """
        if column is None:
            return pd.Series(None, index=self.table.index, dtype=object)
        cells = self.table[column]
        stripped = cells.astype(object).where(cells.notna(), "").astype(str).str.strip().astype(object)
        empty = stripped.isin(NOTHING)
        if required and empty.any():
            row = int(empty.to_numpy().argmax())
            raise InputError(
                f"{self.where(row)}, column {column}", "the cell is empty", "fill it, or leave the row out"
            )
        return stripped.where(~empty, None)

    def numbers(
        self, column: str | None, *, low: float = -np.inf, high: float = np.inf, required: bool = False
    ) -> NDArray[np.float64]:
        """Finite numbers from ``low`` to ``high``, NaN where a cell says nothing.

        Returns
        -------
        float64 (n_rows,)

        Raises
        ------
        InputError
            Naming the line of the first cell that is neither, or that is required and says nothing.
        """
        told = self.text(column, required=required)
        values = pd.to_numeric(told, errors="coerce").to_numpy(np.float64)
        wrong = told.notna().to_numpy() & ~(np.isfinite(values) & (values >= low) & (values <= high))
        if wrong.any():
            row = int(wrong.argmax())
            kind = "a finite number" if not np.isfinite(values[row]) else f"from {low:g} to {high:g}"
            raise InputError(
                f"{self.where(row)}, column {column}", f"{told.iloc[row]!r} is not {kind}", "correct the cell"
            )
        return values

    def positions(self, column: str | None, *, required: bool = False) -> pd.Series:
        """1-based positions, null where a cell says nothing; errors as in ``numbers``, and if one is not whole."""
        values = self.numbers(column, low=1, high=LAST_POSITION, required=required)
        broken = np.isfinite(values) & (values != np.round(values))
        if broken.any():
            row = int(broken.argmax())
            raise InputError(
                f"{self.where(row)}, column {column}", f"{values[row]:g} is not a whole number", "correct the cell"
            )
        return pd.Series(values, index=self.table.index).astype("Int64")

    def contigs(self, column: str | None) -> pd.Series:
        """Canonical names of contigs, None where a cell says nothing."""
        told = self.text(column)
        names = {name: canonical_contig(name) for name in told.dropna().unique()}
        return told.map(names).astype(object).where(told.notna(), None)


def drop_repeated(
    table: pd.DataFrame, cells: Cells, *, key: list[str], may_differ: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, int]:
    """The rows without those that say again what an earlier one says, and how many those are.

    Parameters
    ----------
    table : DataFrame
        Rows in the order of ``cells``, with its index.
    key : list of str
        Columns that name what a row is about.
    may_differ : mapping, optional
        Columns in which repeated rows may differ, and why.

    Raises
    ------
    InputError
        If two rows about the same differ in another column.
    """
    again = table.duplicated(key).to_numpy()
    if not again.any():
        return table, 0
    same = [name for name in table.columns if name not in (may_differ or {})]
    contradicts = again & ~table.duplicated(same).to_numpy()
    if contradicts.any():
        row = int(np.flatnonzero(contradicts)[0])
        told = ", ".join(f"{name} {table[name].iloc[row]}" for name in key if pd.notna(table[name].iloc[row]))
        line = cells.where(int(cells.table.index.get_loc(table.index[row])))
        raise InputError(line, f"{told} stands here again with other values", "keep one of the rows")
    return table[~again], int(again.sum())
