"""Delimited text with a header, read without guessing: what is there, where it stands, and no silent repair."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_gzip, require_whole
from haploformer.formats.files import require_file


def read_text_table(path: Path, *, what: str, separator: str = "\t") -> pd.DataFrame:
    """All cells as text, header names unique, every row as long as the header; plain or gzip.

    Raises
    ------
    InputError
        If the file is absent, empty, cut short, has two columns alike or a row of another length.
    """
    require_file(path, what=what)
    require_whole(path)
    compression = "gzip" if is_gzip(path) else None
    options = {"sep": separator, "dtype": str, "keep_default_na": False, "compression": compression, "header": None}
    try:
        header = pd.read_csv(path, nrows=1, **options).iloc[0].tolist()
        _require_unique_columns(header, path)
        table = pd.read_csv(
            path, skiprows=1, names=header, index_col=False, on_bad_lines="error", **(options | {"header": None})
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, EOFError, OSError) as error:
        raise InputError(str(path), f"the {what} cannot be read ({error})", "correct or make the file again") from error
    short = np.flatnonzero(table.isna().any(axis=1).to_numpy())
    if len(short):
        raise InputError(
            f"{path}:line {short[0] + 2}",
            f"the row is shorter than the header ({len(header)} columns)",
            "correct the row",
        )
    return table


def _require_unique_columns(header: list[str], path: Path) -> None:
    doubled = [name for name, n in Counter(header).items() if n > 1]
    if doubled:
        raise InputError(f"{path}:header", f"column {doubled[0]} stands twice", "give each column a name of its own")


def require_columns(table: pd.DataFrame, columns: list[str], path: Path) -> None:
    """Raise InputError if a column is missing."""
    absent = [name for name in columns if name not in table.columns]
    if absent:
        there = ", ".join(map(str, list(table.columns)[:8]))
        raise InputError(f"{path}:header", f"no column {absent[0]} (there: {there})", "add or rename the column")


def parse_numbers(table: pd.DataFrame, path: Path, *, row_names: pd.Series) -> NDArray[np.float64]:
    """The cells of ``table`` as finite numbers.

    Returns
    -------
    float64 (n_rows, n_columns)

    Raises
    ------
    InputError
        Naming line and column of the first cell that is no finite number.
    """
    values = np.column_stack([pd.to_numeric(table[name], errors="coerce") for name in table.columns])
    bad = np.argwhere(~np.isfinite(values.astype(float)))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"{path}:line {row + 2} ({row_names.iloc[row]}), column {table.columns[column]}",
            f"{table.iloc[row, column]!r} is not a finite number",
            "correct the cell, or leave the row or column out",
        )
    return values.astype(np.float64)
