"""Delimited text with a header, read without guessing: what is there, where it stands, and no silent repair."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_gzip, require_whole
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.files import read_lines, require_file


def read_text_table(
    path: Path, *, what: str, separator: str = "\t", names: Sequence[str] | None = None
) -> pd.DataFrame:
    """All cells as text, header names unique, every row as long as the header; plain or gzip, UTF-8.

    Empty cells at the end of the header are no columns (the 1000 Genomes panel has two), and empty lines at the end of
    the file are no rows. Quotation marks are characters like any other.

    Parameters
    ----------
    names : sequence of str, optional
        Of the columns of a file that has no header; its first line is a row.

    Raises
    ------
    InputError
        If the file is absent, empty, cut short, has no row, two columns alike or a row of another length.
    """
    require_file(path, what=what)
    require_whole(path)
    require_recorded_checksum(path)
    try:
        columns, n_rows, n_cells = _require_even_rows(path, separator, names)
        if n_rows == 0:
            raise InputError(str(path), f"the {what} has a header and no row", "copy or make the file again")
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            na_filter=False,
            quoting=csv.QUOTE_NONE,
            compression="gzip" if is_gzip(path) else None,
            header=None,
            skiprows=0 if names else 1,
            nrows=n_rows,
            skip_blank_lines=False,
            names=range(n_cells),
            usecols=range(len(columns)),
            encoding="utf-8",
        )
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"the {what} is not UTF-8 text ({error})", "save it as UTF-8") from error
    except (pd.errors.ParserError, EOFError, OSError, zlib.error) as error:
        raise InputError(str(path), f"the {what} cannot be read ({error})", "correct or make the file again") from error
    return table.set_axis(columns, axis="columns")


def first_line(path: Path, *, what: str) -> str:
    """The first line of a text file, plain or gzip, without its end; InputError if it cannot be read."""
    require_file(path, what=what)
    opener: Callable[..., Any] = gzip.open if is_gzip(path) else open
    try:
        with opener(path, "rb") as stream:
            return next(read_lines(stream, path), b"").rstrip(b"\r\n").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"the {what} is not UTF-8 text ({error})", "save it as UTF-8") from error
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(str(path), f"the {what} cannot be read ({error})", "correct or make the file again") from error


def read_words(path: Path, *, n_columns: int) -> list[list[str]]:
    """The words of each line of a file without a header, as PLINK writes them: separated by spaces or tabs, UTF-8.

    Raises
    ------
    InputError
        If the file is no text, its last line does not end, or a line has another number of words.
    """
    lines = read_plain_lines(path)
    rows = [line.split() for line in lines]
    require_lengths(rows, n_columns, path)
    return rows


def read_plain_lines(path: Path) -> list[str]:
    """Lines of a text file, UTF-8, without the empty ones at its end; InputError if it is no text or is cut short."""
    text = path.read_bytes()
    if b"\0" in text:
        raise InputError(str(path), "is not a text file", "check the path, copy or make the file again")
    if not text.endswith(b"\n"):
        raise InputError(
            str(path), "the last line does not end, the file may be cut short", "copy it again, or end the line"
        )
    try:
        return text.decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"is not UTF-8 text ({error})", "save it as UTF-8") from error


def require_lengths(rows: list[list[str]], n_columns: int, path: Path, *, first_line: int = 1) -> None:
    """Raise InputError, with its line, if a row has another number of cells."""
    for number, row in enumerate(rows, start=first_line):
        if len(row) != n_columns:
            raise InputError(f"{path}:line {number}", f"has {len(row)} columns, {n_columns} are expected", "correct it")


def _require_even_rows(path: Path, separator: str, names: Sequence[str] | None) -> tuple[list[str], int, int]:
    """The names of the columns, the number of rows, and the cells of the longest: those beyond the names are empty."""
    split = separator.encode()
    opener: Callable[..., Any] = gzip.open if is_gzip(path) else open
    with opener(path, "rb") as stream:
        lines = read_lines(stream, path)
        header = list(names or next(lines, b"").rstrip(b"\r\n").decode("utf-8-sig").split(separator))
        allowed, n_rows, longest = len(header), 0, 0
        while len(header) > 1 and not header[-1].strip():
            header.pop()
        _require_names(header, path)
        blank = 0
        for number, line in enumerate(lines, start=1 if names else 2):
            row = line.rstrip(b"\r\n")
            n = row.count(split) + 1
            if not row:
                blank = blank or number
                continue
            if blank:
                raise InputError(f"{path}:line {blank}", "the line is empty", "remove it")
            if b"\r" in row:
                raise InputError(f"{path}:line {number}", "a carriage return stands within the line", "remove it")
            if not len(header) <= n <= allowed or (n > len(header) and any(row.split(split)[len(header) :])):
                raise InputError(
                    f"{path}:line {number}",
                    f"the row is {'shorter' if n < len(header) else 'longer'} than the header "
                    f"({n} cells, {len(header)} columns)",
                    "correct the row",
                )
            n_rows, longest = n_rows + 1, max(longest, n)
    return header, n_rows, longest


def _require_names(header: list[str], path: Path) -> None:
    if any("\r" in name for name in header):
        raise InputError(f"{path}:header", "a carriage return stands within the line", "end lines with a line feed")
    unnamed = [i + 1 for i, name in enumerate(header) if i > 0 and not name.strip()]
    if unnamed:
        raise InputError(f"{path}:header", f"column {unnamed[0]} has no name", "name it, or remove it")
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
    if table.shape[1] == 0:
        raise InputError(f"{path}:header", "there is no column of values", "copy or make the file again")
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


def parse_integers(table: pd.DataFrame, path: Path, *, row_names: pd.Series) -> NDArray[np.int64]:
    """The cells of ``table`` as whole numbers.

    Returns
    -------
    int64 (n_rows, n_columns)

    Raises
    ------
    InputError
        Naming line and column of the first cell that is no whole number.
    """
    values = parse_numbers(table, path, row_names=row_names)
    bad = np.argwhere((values != np.round(values)) | (np.abs(values) > 2**53))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"{path}:line {row + 2} ({row_names.iloc[row]}), column {table.columns[column]}",
            f"{table.iloc[row, column]!r} is not a whole number",
            "correct the cell, or leave the row out",
        )
    return values.astype(np.int64)
