"""Covariates in GTEx's shape: one covariate per row, one person per column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.formats.text_tables import parse_numbers, read_text_table

#: Cells that say nothing.
MISSING = ("", ".", "NA", "N/A", "nan", "NaN", "None", "null", "-", "?")


def no_covariates() -> pd.DataFrame:
    """The table of a study that has none."""
    return pd.DataFrame({"individual_id": [], "covariate": [], "value": []}).astype(
        {"individual_id": object, "covariate": object, "value": "float64"}
    )


def read_covariate_table(path: Path) -> pd.DataFrame:
    """Read one file.

    Returns
    -------
    DataFrame
        Long: ``individual_id, covariate, value``; with text, also ``level``: a covariate none of whose cells is a number
        has levels and no values.

    Raises
    ------
    InputError
        If a cell of numbers is none, one of text is empty, or a covariate or person stands twice.
    """
    table = read_text_table(path, what="covariate table")
    names = table.iloc[:, 0]
    doubled = names[names.duplicated()]
    if len(doubled):
        raise InputError(
            f"{path}:line {doubled.index[0] + 2}", f"covariate {doubled.iloc[0]} stands twice", "keep one row"
        )
    cells = table.iloc[:, 1:]
    text = _rows_of_text(cells)
    _require_levels(cells, text, path, names)
    # A number in the place of each level: what is parsed has the lines and columns of the file.
    values = parse_numbers(cells.mask(np.broadcast_to(text[:, None], cells.shape), "0"), path, row_names=names)
    wide = pd.DataFrame(values.T, index=pd.Index(table.columns[1:], name="individual_id"), columns=list(names))
    wide.columns.name = "covariate"
    long = wide.stack().rename("value").reset_index()
    if text.any():
        with_levels = np.tile(text, cells.shape[1])
        long["value"] = long["value"].mask(with_levels)
        long["level"] = pd.Series(cells.to_numpy(dtype=object).T.ravel()).where(with_levels)
    return long


def _rows_of_text(cells: pd.DataFrame) -> NDArray[np.bool_]:
    """Covariates of which no cell is a number, and some cell says something (n_covariates,)."""
    numbers = cells.apply(pd.to_numeric, errors="coerce").notna().to_numpy(dtype=bool)
    said = ~cells.isin(MISSING).to_numpy(dtype=bool)
    return ~numbers.any(axis=1) & said.any(axis=1)


def _require_levels(cells: pd.DataFrame, text: NDArray[np.bool_], path: Path, names: pd.Series) -> None:
    empty = np.argwhere(cells.isin(MISSING).to_numpy(dtype=bool) & text[:, None])
    if len(empty):
        row, column = empty[0]
        raise InputError(
            f"{path}:line {row + 2} ({names.iloc[row]}), column {cells.columns[column]}",
            f"{cells.iloc[row, column]!r} is no level",
            "give the person a level, or leave the covariate or the person out",
        )
