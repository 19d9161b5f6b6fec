"""Kinds of columns, and tables of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa

TEXT = pd.StringDtype(storage="python", na_value=float("nan"))


def text(*, nullable: bool = False, unique: bool = False, isin: list[str] | None = None) -> pa.Column:
    """Text without a missing value unless ``nullable``."""
    checks = [pa.Check.isin(isin)] if isin else []
    return pa.Column(TEXT, checks, nullable=nullable, unique=unique, coerce=True)


def integer(minimum: int | None = 0, *, nullable: bool = False) -> pa.Column:
    """Whole numbers from ``minimum`` on; any, if it is None."""
    checks = [] if minimum is None else [pa.Check.ge(minimum)]
    return pa.Column("Int64" if nullable else "int64", checks, nullable=nullable, coerce=True)


def number(*, nullable: bool = False, low: float | None = None, high: float | None = None) -> pa.Column:
    """Numbers, within ``low`` and ``high`` where these are given."""
    checks = [] if low is None else [pa.Check.in_range(low, high)]
    return pa.Column("float64", checks, nullable=nullable, coerce=True)


def flag() -> pa.Column:
    """True or false."""
    return pa.Column("bool", coerce=True)


def optional(column: pa.Column) -> pa.Column:
    """A column that need not be there."""
    column.required = False
    return column


def each(column: pa.Column) -> pa.Column:
    """All columns whose names fit a pattern, at least one; the pattern stands in the name's place."""
    column.regex = True
    return column


def table(columns: dict[str, pa.Column], unique: list[str] | None = None) -> pa.DataFrameSchema:
    """A table of exactly these columns, in this order; ``unique`` columns together name a row."""
    return pa.DataFrameSchema(columns, parsers=pa.Parser(share_text), unique=unique, strict=True, ordered=True)


def share_text(table: pd.DataFrame) -> pd.DataFrame:
    """Text as `TEXT`, equal texts of a column one object: converted by itself, each cell of millions would be an object."""
    shared = table.copy(deep=False)
    for name, dtype in table.dtypes.items():
        if isinstance(dtype, pd.StringDtype) and dtype != TEXT:
            codes, values = pd.factorize(table[name])
            objects = np.append(np.asarray(values, dtype=object), np.nan)  # a missing value has the code -1
            shared[name] = pd.array(objects[codes], dtype=TEXT)
    return shared
