"""Ids that one person has in different files."""

from __future__ import annotations

import pytest

from haploformer.errors import InputError
from haploformer.formats.id_map import IdMap, read_id_map


def test_id_map__ids_that_are_not_in_it_are_as_written(tmp_path):
    path = tmp_path / "ids.tsv"
    path.write_text("id\tindividual_id\tnote\nS1\tP1\tx\nS2\tP2\ty\nS1\tP1\tagain\n")
    ids = read_id_map(path)
    assert ids.rename(["S2", "P3", "S1"], where="a.bed") == ["P2", "P3", "P1"]
    assert read_id_map(None).rename(["S2"], where="a.bed") == ["S2"]


def test_id_map__two_ids_of_one_file_are_not_one_person():
    with pytest.raises(InputError) as error:
        IdMap({"S1": "P1"}).rename(["P1", "S1"], where="a.bed")
    assert str(error.value) == (
        "a.bed: P1 and S1 are both individual P1, by the id map; keep one of them, or correct the id map"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tindividual\nA\tB\n", "ids.tsv:header: no column individual_id (there: id, individual); add or rename"),
        ("id\tindividual_id\nA\tB\nA\tC\n", "ids.tsv:line 3: id A means C here and B before; keep one of the lines"),
        ("id\tindividual_id\nA\t\n", "ids.tsv:line 2: an id is empty; give both ids, or leave the line out"),
        ("id\tindividual_id\nA\tB\n \tC\n", "ids.tsv:line 3: an id is empty; give both ids, or leave the line out"),
        ("id\tindividual_id\n", "ids.tsv: the id map has a header and no row"),
    ],
)
def test_read_id_map__what_cannot_be_one(tmp_path, text, message):
    path = tmp_path / "ids.tsv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_id_map(path)
    assert message in str(error.value)
