"""A matrix with a name for each row and an individual for each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError


@dataclass(frozen=True, eq=False)
class IndividualMatrix:
    """Values of each row (a gene, a covariate) in each individual.

    Attributes
    ----------
    values : float64 (n_rows, n_individuals)
        Finite: a matrix has no holes.
    row_ids : tuple of str (n_rows,)
    individual_ids : tuple of str (n_individuals,)

    Raises
    ------
    ValueError
        If the shape does not fit the ids, or an id occurs twice.
    """

    values: NDArray[np.float64]
    row_ids: tuple[str, ...]
    individual_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.row_ids), len(self.individual_ids))
        if self.values.shape != expected:
            raise ValueError(f"values are {self.values.shape}; the ids ask for {expected}")
        for name, ids in (("row", self.row_ids), ("individual", self.individual_ids)):
            if len(set(ids)) < len(ids):
                twice = next(i for k, i in enumerate(ids) if i in ids[:k])
                raise ValueError(f"{name} id {twice} occurs twice")

    @classmethod
    def from_long(cls, table: pd.DataFrame, *, row: str, value: str, column: str = "individual_id") -> IndividualMatrix:
        """Lay out a long table, rows and individuals in the order of their first appearance.

        Parameters
        ----------
        table : DataFrame
            One row per pair of ``row`` and ``column``.
        row, column, value : str
            Columns with the row's id, the individual's id and the value.

        Returns
        -------
        IndividualMatrix
            Rows are those of ``row``, columns those of ``column``.

        Raises
        ------
        InputError
            If a pair is missing, occurs twice, or its value is not a finite number.
        """
        row_codes, rows = pd.factorize(table[row])
        column_codes, columns = pd.factorize(table[column])
        if (row_codes < 0).any() or (column_codes < 0).any():
            raise InputError(f"{row}, {column}", "an id is missing", "give every record both ids")
        shape = (len(rows), len(columns))
        cells = row_codes * shape[1] + column_codes
        count = np.bincount(cells, minlength=shape[0] * shape[1])
        values = np.full(shape, np.nan)
        values.flat[cells] = table[value].to_numpy(dtype=np.float64, na_value=np.nan)

        def refuse(bad: NDArray[np.bool_], problem: str, remedy: str) -> None:
            if bad.any():
                i, j = np.unravel_index(int(bad.argmax()), shape)
                where = f"{row} {rows[i]}, {column} {columns[j]}"
                raise InputError(where, f"{problem} ({int(bad.sum())} such of {bad.size} {value} values)", remedy)

        refuse(count > 1, "occurs twice", "keep one record per pair")
        refuse(count == 0, "has no record", "give every individual a value in every row, or leave one of them out")
        refuse(~np.isfinite(values).ravel(), "is not a finite number", "give a number, or leave the row out")
        return cls(values, tuple(map(str, rows)), tuple(map(str, columns)))

    def select_individuals(self, individual_ids: Sequence[str]) -> IndividualMatrix:
        """Columns of the individuals named, in that order.

        Raises
        ------
        InputError
            If an individual is not in the matrix.
        """
        place = {individual: k for k, individual in enumerate(self.individual_ids)}
        absent = [i for i in individual_ids if i not in place]
        if absent:
            raise InputError(
                f"individual_id {absent[0]}",
                f"{len(absent)} of {len(individual_ids)} individuals asked for have no values here",
                "select individuals that every table has, or check the ids",
            )
        columns = [place[i] for i in individual_ids]
        return IndividualMatrix(self.values[:, columns], self.row_ids, tuple(individual_ids))
