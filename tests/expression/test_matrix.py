"""Long tables become matrices without holes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.expression.matrix import IndividualMatrix

LONG = pd.DataFrame(
    {
        "gene_id": ["G2", "G1", "G2", "G1"],
        "individual_id": ["B", "A", "A", "B"],
        "expression": [1.0, 2.0, 3.0, 4.0],
    }
)


def test_from_long__keeps_the_order_of_appearance() -> None:
    matrix = IndividualMatrix.from_long(LONG, row="gene_id", value="expression")
    assert matrix.row_ids == ("G2", "G1")
    assert matrix.individual_ids == ("B", "A")
    np.testing.assert_array_equal(matrix.values, [[1.0, 3.0], [4.0, 2.0]])


def test_from_long__names_the_first_hole() -> None:
    with pytest.raises(InputError, match="gene_id G1, individual_id B: has no record"):
        IndividualMatrix.from_long(LONG.iloc[:3], row="gene_id", value="expression")


def test_from_long__refuses_a_pair_twice() -> None:
    twice = pd.concat([LONG, LONG.iloc[[1]]])
    with pytest.raises(InputError, match="gene_id G1, individual_id A: occurs twice"):
        IndividualMatrix.from_long(twice, row="gene_id", value="expression")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_from_long__refuses_what_is_not_finite(value: float) -> None:
    table = LONG.assign(expression=[1.0, value, 3.0, 4.0])
    with pytest.raises(InputError, match="gene_id G1, individual_id A: is not a finite number"):
        IndividualMatrix.from_long(table, row="gene_id", value="expression")


def test_select_individuals__reorders_columns() -> None:
    matrix = IndividualMatrix.from_long(LONG, row="gene_id", value="expression").select_individuals(["A", "B"])
    np.testing.assert_array_equal(matrix.values, [[3.0, 1.0], [2.0, 4.0]])


def test_select_individuals__names_who_is_absent() -> None:
    matrix = IndividualMatrix.from_long(LONG, row="gene_id", value="expression")
    with pytest.raises(InputError, match="individual_id C: 1 of 2 individuals"):
        matrix.select_individuals(["A", "C"])


def test_individual_matrix__refuses_a_wrong_shape_or_an_id_twice() -> None:
    with pytest.raises(ValueError, match=r"\(1, 2\)"):
        IndividualMatrix(np.zeros((2, 1)), ("G1",), ("A", "B"))
    with pytest.raises(ValueError, match="individual id A occurs twice"):
        IndividualMatrix(np.zeros((1, 2)), ("G1",), ("A", "A"))
