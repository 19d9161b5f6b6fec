"""Covariates in GTEx's shape: one covariate per row, one person per column."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.text_tables import parse_numbers, read_text_table


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
        Long: ``individual_id, covariate, value``.

    Raises
    ------
    InputError
        If a cell is no number, or a covariate or person stands twice.
    """
    table = read_text_table(path, what="covariate table")
    names = table.iloc[:, 0]
    doubled = names[names.duplicated()]
    if len(doubled):
        raise InputError(
            f"{path}:line {doubled.index[0] + 2}", f"covariate {doubled.iloc[0]} stands twice", "keep one row"
        )
    values = parse_numbers(table.iloc[:, 1:], path, row_names=names)
    wide = pd.DataFrame(values.T, index=pd.Index(table.columns[1:], name="individual_id"), columns=list(names))
    wide.columns.name = "covariate"
    return wide.stack().rename("value").reset_index()
