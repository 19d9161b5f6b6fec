from __future__ import annotations

import pytest

from haploformer.errors import InputError
from haploformer.formats.genetic_map import read_genetic_map

LINES_22 = "chr22\t.\t0.0\t1000\n\nchr22 rs1 0.5 20000\n"
ROWS_22 = "22 . 0.0 1000\n22 . 0.5 20000\n"


def test_read_genetic_map__a_file_with_other_contigs_and_other_spelling(tmp_path):
    path = tmp_path / "all.map"
    path.write_text(f"21 . 0 1\n21 . 1 9\n{LINES_22}X . 0 5\n")
    found = read_genetic_map(path, ["22"])
    assert (found.name, found.rows) == ("all.map", {"22": ROWS_22})
    assert read_genetic_map(path, ["21", "22"]).rows == {"21": "21 . 0 1\n21 . 1 9\n", "22": ROWS_22}


def test_read_genetic_map__a_folder(tmp_path):
    (tmp_path / "plink.chr21.map").write_text("21 . 0 1\n21 . 1 9\n")
    (tmp_path / "plink.chr22.map").write_text(LINES_22)
    (tmp_path / "README.txt").write_text("not a map")
    found = read_genetic_map(tmp_path, ["22"])
    assert found.rows == {"22": ROWS_22}
    assert found.name == tmp_path.name
    assert found.sha256 != read_genetic_map(tmp_path, ["21"]).sha256


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("22 . 0.0 1000\n22 . 0.5\n", ":line 2: has 3 columns, 4 are expected"),
        ("22 . 0.0 1000\n22 . x 2000\n", ":line 2: centimorgans and position are no numbers, or do not ascend"),
        ("22 . 0.0 1000\n22 . nan 2000\n", ":line 2: centimorgans and position are no numbers"),
        ("22 . 0.0 1000\n22 . 0.5 1000\n", ":line 2: centimorgans and position are no numbers, or do not ascend"),
        ("22 . 1.0 1000\n\n22 . 0.5 2000\n", ":line 3: centimorgans and position are no numbers, or do not ascend"),
        ("22 . 1.0 1000\n22 . 1.0 2000\n", ": all lines of a contig have the same centimorgans"),
        ("22 . 1.0 1000\n", ": all lines of a contig have the same centimorgans"),
        ("21 . 1.0 1000\n21 . 2 2000\n", ": the genetic map has no contig 22; give the map of each chosen chromosome"),
        ("", ": the genetic map is empty"),
    ],
)
def test_read_genetic_map__what_beagle_would_refuse(tmp_path, lines, message):
    path = tmp_path / "a.map"
    path.write_text(lines)
    with pytest.raises(InputError) as caught:
        read_genetic_map(path, ["22"])
    assert f"{path}{message}" in str(caught.value)


def test_read_genetic_map__no_file_no_text_and_no_map_in_the_folder(tmp_path):
    with pytest.raises(InputError, match=r"none\.map: the genetic map is missing; check data_prep\.beagle\.map"):
        read_genetic_map(tmp_path / "none.map", ["22"])
    with pytest.raises(InputError, match=r"the folder holds no \*\.map"):
        read_genetic_map(tmp_path, ["22"])
    (tmp_path / "packed.map").write_bytes(b"\x1f\x8b\x08\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_genetic_map(tmp_path / "packed.map", ["22"])


def test_read_genetic_map__a_contig_in_two_files(tmp_path):
    (tmp_path / "a.map").write_text(LINES_22)
    (tmp_path / "b.map").write_text(LINES_22)
    with pytest.raises(InputError, match=r"b\.map: contig 22 stands in a\.map, too; keep one of them"):
        read_genetic_map(tmp_path, ["22"])
