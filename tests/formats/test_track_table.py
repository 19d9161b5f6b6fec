"""The list of output tracks."""

from __future__ import annotations

from pathlib import Path

import pytest

from haploformer.errors import InputError
from haploformer.formats.track_table import read_track_table


def write(path: Path, rows: list[str], header: str = "index\tgenome\tidentifier\tdescription") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_read_track_table__in_the_order_of_the_outputs(tmp_path):
    table = read_track_table(
        write(tmp_path / "t.txt", ["0\t0\tENCFF1\tDNASE:liver", '1\t0\tCNhs1\tCAGE:blood, "adult"'])
    )
    assert table.columns.tolist() == ["track", "identifier", "description"]
    assert table.values.tolist() == [[0, "ENCFF1", "DNASE:liver"], [1, "CNhs1", 'CAGE:blood, "adult"']]
    assert table["track"].dtype == "int64"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1\t0\ta\tx"], "t.txt: column index is not 0, 1, 2 ...; give the list in the order of the model's outputs"),
        (["0\t0\ta\tx", "2\t0\tb\tx"], "t.txt: column index is not 0, 1, 2"),
        (["0\t0\ta\tx", "0\t0\tb\tx"], "t.txt: column index is not 0, 1, 2"),
        (["0\t0\ta\tx", "1.5\t0\tb\tx"], "t.txt:line 3 (b), column index: '1.5' is not a whole number"),
        (["zero\t0\ta\tx"], "t.txt:line 2 (a), column index: 'zero' is not a finite number"),
        ([], "t.txt: the track table has a header and no row"),
    ],
)
def test_read_track_table__refusals(tmp_path, rows, message):
    path = write(tmp_path / "t.txt", rows)
    with pytest.raises(InputError) as error:
        read_track_table(path)
    assert str(error.value).replace(str(path), "t.txt").startswith(message)


def test_read_track_table__a_column_that_is_not_there(tmp_path):
    path = write(tmp_path / "t.txt", ["0\ta"], "index\tidentifier")
    with pytest.raises(InputError, match=r"t.txt:header: no column description \(there: index, identifier\)"):
        read_track_table(path)
