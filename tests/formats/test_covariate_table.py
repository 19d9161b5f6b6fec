"""Covariates in the shape of GTEx."""

from __future__ import annotations

from pathlib import Path

import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.formats.covariate_table import read_covariate_table


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_read_covariate_table__long_by_person_then_covariate(tmp_path):
    table = read_covariate_table(write(tmp_path / "c.txt", "id\tP2\tP1\nPC1\t0.5\t-1\nsex\t1\t2\n"))
    assert table.columns.tolist() == ["individual_id", "covariate", "value"]
    assert table.values.tolist() == [["P2", "PC1", 0.5], ["P2", "sex", 1.0], ["P1", "PC1", -1.0], ["P1", "sex", 2.0]]
    schemas.covariates(table)


def test_read_covariate_table__text_has_levels_and_numbers_values(tmp_path):
    table = read_covariate_table(write(tmp_path / "c.txt", "id\tP2\tP1\nsex\tM\tF\nPC1\t0.5\t-1\nage\t3\t4\n"))
    schemas.covariates(table)
    wide = table.pivot(index="covariate", columns="individual_id", values=["value", "level"])
    assert wide["level"].loc["sex"].to_dict() == {"P1": "F", "P2": "M"}
    assert wide["level"].loc[["PC1", "age"]].isna().all(axis=None)
    assert wide["value"].loc["PC1"].to_dict() == {"P1": -1.0, "P2": 0.5}
    assert wide["value"].loc["sex"].isna().all()


@pytest.mark.parametrize("first", ["id", "ID", "", "covariate", "P9"])
def test_read_covariate_table__the_first_column_may_have_any_name(tmp_path, first):
    table = read_covariate_table(write(tmp_path / "c.txt", f"{first}\tP1\nPC1\t0.5\n"))
    assert table.values.tolist() == [["P1", "PC1", 0.5]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tP1\tP2\nPC1\t1\t2\nsex\tM\t1\n", "c.txt:line 3 (sex), column P1: 'M' is not a finite number"),
        (
            "id\tP1\tP2\nPC1\t1\t2\nsex\tM\tNA\n",
            "c.txt:line 3 (sex), column P2: 'NA' is no level; give the person a level",
        ),
        ("id\tP1\tP2\nPC1\tNA\tNA\n", "c.txt:line 2 (PC1), column P1: 'NA' is not a finite number"),
        ("id\tP1\nPC1\t1\nPC2\t3\nPC1\t2\n", "c.txt:line 4: covariate PC1 stands twice; keep one row"),
        ("id\tP1\tP1\nPC1\t1\t2\n", "c.txt:header: column P1 stands twice"),
        ("id\nPC1\n", "c.txt:header: there is no column of values"),
        ("id\tP1\n", "c.txt: the covariate table has a header and no row"),
        ("id\tP1\nPC1\n", "c.txt:line 2: the row is shorter than the header"),
    ],
)
def test_read_covariate_table__refusals(tmp_path, text, message):
    path = write(tmp_path / "c.txt", text)
    with pytest.raises(InputError) as error:
        read_covariate_table(path)
    assert str(error.value).replace(str(path), "c.txt").startswith(message)
