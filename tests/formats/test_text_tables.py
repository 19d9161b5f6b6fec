"""Delimited text: what is there is read, and what is not even is refused by its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from haploformer.errors import InputError
from haploformer.formats.text_tables import parse_integers, parse_numbers, read_text_table, require_columns


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_text_table(path, what="table")
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(path), path.name)


def rows(path: Path, **options) -> list[list[str]]:
    table = read_text_table(path, what="table", **options)
    return [list(table.columns), *table.values.tolist()]


@pytest.mark.parametrize(
    "content",
    [
        "a\tb\n1\t2\nx y\t\n",
        "a\tb\r\n1\t2\r\nx y\t\r\n",
        "\ufeffa\tb\n1\t2\nx y\t\n",
        "a\tb\n1\t2\nx y\t",
        "a\tb\n1\t2\nx y\t\n\n\r\n",
    ],
    ids=["plain", "CRLF", "BOM", "no last line end", "empty lines at the end"],
)
def test_read_text_table__cells_as_text(tmp_path, content):
    assert rows(write(tmp_path / "t.txt", content)) == [["a", "b"], ["1", "2"], ["x y", ""]]


def test_read_text_table__plain_gzip_and_bgzf(tmp_path):
    content = b"a\tb\n" + b"".join(b"%d\t%d\n" % (i, i * i) for i in range(30_000))
    plain, zipped = write(tmp_path / "t.txt", content), write(tmp_path / "t.gz", gzip.compress(content))
    blocked = tmp_path / "b.txt.gz"
    with pysam.BGZFile(str(blocked), "wb") as stream:
        stream.write(content)
    tables = [read_text_table(path, what="table") for path in (plain, zipped, blocked)]
    assert len(tables[0]) == 30_000
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


def test_read_text_table__nothing_is_guessed(tmp_path):
    content = 'a\tb\tc\nNA\tnull\tNaN\n001\t1e5\tTrue\n#x\t"y\t\'z"\n""\t"\t\\N\n'
    assert rows(write(tmp_path / "t.txt", content))[1:] == [
        ["NA", "null", "NaN"],
        ["001", "1e5", "True"],
        ["#x", '"y', "'z\""],
        ['""', '"', "\\N"],
    ]


def test_read_text_table__a_quotation_mark_does_not_swallow_lines(tmp_path):
    content = 'a\tb\n"1\t2\n3\t4\n5\t6"\n'
    assert rows(write(tmp_path / "t.txt", content))[1:] == [['"1', "2"], ["3", "4"], ["5", '6"']]


def test_read_text_table__another_separator(tmp_path):
    assert rows(write(tmp_path / "t.csv", "a,b\n1\t,2\n"), separator=",") == [["a", "b"], ["1\t", "2"]]


@pytest.mark.parametrize("row", ["HG1\tGBR", "HG1\tGBR\t", "HG1\tGBR\t\t"])
def test_read_text_table__empty_cells_at_the_end_of_the_header_are_no_columns(tmp_path, row):
    # As in the panel of the 1000 Genomes project, phase 3.
    path = write(tmp_path / "t.txt", f"sample\tpop\t\t\n{row}\nHG2\tYRI\n")
    assert rows(path) == [["sample", "pop"], ["HG1", "GBR"], ["HG2", "YRI"]]
    path = write(tmp_path / "t.txt", f"sample\tpop\t\t\n{row}\nHG2\tYRI\tx\n")
    assert refusal(path) == "t.txt:line 3: the row is longer than the header (3 cells, 2 columns); correct the row"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tb\n1\t2\n3\n", "line 3: the row is shorter than the header (1 cells, 2 columns); correct the row"),
        ("a\tb\n1\t2\t3\n4\t5\n", "line 2: the row is longer than the header (3 cells, 2 columns); correct the row"),
        ("a\tb\n1\t2\n1\t2\t3\n", "line 3: the row is longer than the header (3 cells, 2 columns); correct the row"),
        ("a\tb\n1\t2\t\n", "line 2: the row is longer than the header (3 cells, 2 columns); correct the row"),
        ("a\tb\n1\t2\n\n3\t4\n", "line 3: the line is empty; remove it"),
        ("a\tb\n1\t2\r3\t4\n", "line 2: a carriage return stands within the line; remove it"),
        ("a\tb\r1\t2\r", "header: a carriage return stands within the line; end lines with a line feed"),
        ("a\tb\ta\n1\t2\t3\n", "header: column a stands twice; give each column a name of its own"),
        ("a\t\tb\n1\t2\t3\n", "header: column 2 has no name; name it, or remove it"),
    ],
)
def test_read_text_table__uneven_tables(tmp_path, content, message):
    assert refusal(write(tmp_path / "t.txt", content)) == f"t.txt:{message}"


@pytest.mark.parametrize("content", ["a\tb\n", "a\tb", "\n", "\ufeff"])
def test_read_text_table__header_only(tmp_path, content):
    assert refusal(write(tmp_path / "t.txt", content)) == (
        "t.txt: the table has a header and no row; copy or make the file again"
    )


def test_read_text_table__missing_and_empty_files(tmp_path):
    assert refusal(tmp_path / "t.txt").startswith("t.txt: the table is missing; check the path")
    assert refusal(write(tmp_path / "t.txt", "")) == "t.txt: the table is empty; copy or make the file again"
    assert "is missing" in refusal(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_read_text_table__other_encodings(tmp_path, encoding):
    line = refusal(write(tmp_path / "t.txt", "a\tb\né\t2\n".encode(encoding)))
    assert line.startswith("t.txt: the table is not UTF-8 text (")
    assert line.endswith("; save it as UTF-8")


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_read_text_table__cut_gzip(tmp_path, keep):
    content = gzip.compress("".join(f"{i}\t{i * i + 1}\n" for i in range(5000)).encode())
    assert "the table cannot be read" in refusal(write(tmp_path / "t.gz", content[: int(keep * len(content))]))


def test_read_text_table__a_flipped_bit_in_gzip(tmp_path):
    content = bytearray(gzip.compress("".join(f"{i}\t{i * i}\n" for i in range(5000)).encode()))
    for place in (len(content) // 2, len(content) - 8):
        damaged = content.copy()
        damaged[place] ^= 16
        assert "t.gz" in refusal(write(tmp_path / "t.gz", bytes(damaged)))


def test_read_text_table__cut_bgzf(tmp_path):
    path = tmp_path / "t.txt.gz"
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(b"a\tb\n" + b"1\t2\n" * 30_000)
    path.write_bytes(path.read_bytes()[:-28])
    assert refusal(path) == "t.txt.gz: the file is cut short (no BGZF end block); copy or make the file again"


def test_read_text_table__odd_names_are_data(tmp_path):
    odd = ["../x", "a/b", "x" * 5000, "a", "A", "é", " "]
    path = write(tmp_path / "t.txt", "id\n" + "".join(f"{name}\n" for name in odd))
    assert read_text_table(path, what="table")["id"].tolist() == odd


def test_require_columns__names_the_absent_and_the_first_that_are_there(tmp_path):
    table = pd.DataFrame({"a": ["1"], "b": ["2"]})
    require_columns(table, ["b", "a"], tmp_path / "t.txt")
    with pytest.raises(InputError, match=r"t.txt:header: no column c \(there: a, b\); add or rename the column"):
        require_columns(table, ["a", "c"], tmp_path / "t.txt")


# Numbers ---------------------------------------------------------------------------------------------------------


def column(*cells: str) -> tuple[pd.DataFrame, pd.Series]:
    return pd.DataFrame({"x": cells}, dtype=str), pd.Series([f"row{i}" for i in range(len(cells))])


def test_parse_numbers__every_digit_counts(tmp_path):
    rng = np.random.default_rng(0)
    values = [*rng.normal(size=2000).tolist(), 5e-324, 1.7976931348623157e308, -0.0, 1e22]
    table, names = column(*map(repr, values))
    assert parse_numbers(table, tmp_path / "t", row_names=names)[:, 0].tolist() == values


@pytest.mark.parametrize(
    "cell", ["", "NA", "nan", "inf", "-Infinity", "1e400", "1,5", "0x10", "1_0", "True", "high", "1 2", "\uff11", "1\0"]
)
def test_parse_numbers__what_is_no_finite_number(tmp_path, cell):
    table, names = column("1", cell)
    with pytest.raises(InputError) as error:
        parse_numbers(table, tmp_path / "t", row_names=names)
    assert str(error.value) == (
        f"{tmp_path / 't'}:line 3 (row1), column x: {cell!r} is not a finite number; "
        "correct the cell, or leave the row or column out"
    )


def test_parse_numbers__no_column(tmp_path):
    with pytest.raises(InputError, match="t:header: there is no column of values; copy"):
        parse_numbers(pd.DataFrame(index=range(3)), tmp_path / "t", row_names=pd.Series(["a"] * 3))


def test_parse_integers__whole_numbers_only(tmp_path):
    table, names = column("0", "17", "1e3", "-4")
    whole = parse_integers(table, tmp_path / "t", row_names=names)
    assert (whole[:, 0].tolist(), whole.dtype) == ([0, 17, 1000, -4], np.int64)
    for cell in ("10.5", "1e300", "99999999999999999999"):
        table, names = column("1", cell)
        with pytest.raises(InputError, match=rf"t:line 3 \(row1\), column x: '{cell}' is not a whole number"):
            parse_integers(table, tmp_path / "t", row_names=names)
