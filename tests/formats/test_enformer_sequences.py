"""Enformer's sequences.bed, and what is refused."""

from __future__ import annotations

import pytest

from haploformer.datasets.enformer_sequences import EnformerSequencesDataset
from haploformer.errors import InputError
from haploformer.formats.enformer_sequences import read_enformer_sequences


def test_read_enformer_sequences__as_published(tmp_path) -> None:
    path = tmp_path / "sequences.bed"
    path.write_text("chr18\t928386\t1059458\ttrain\nchr4\t113630947\t113762019\ttest\n")
    table = read_enformer_sequences(path)
    assert table.to_numpy().tolist() == [
        ["18", 928_386, 1_059_458, "train"],
        ["4", 113_630_947, 113_762_019, "test"],
    ]
    assert EnformerSequencesDataset(filepath=str(path)).load().equals(table)
    assert EnformerSequencesDataset(filepath=None).load().empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t5\t9\n", "line 1: 3 tab-separated columns, 4 are needed"),
        (
            "chr1\t5\t9\ttrain\nchr1\t5\t9\tfold3\n",
            "line 2: the fourth column is 'fold3', not one of train, valid, test",
        ),
        ("chr1\t9\t9\ttrain\n", "line 1: 9 to 9 is no interval"),
        ("chr1\tx\t9\ttrain\n", "line 1: x to 9 is no interval"),
    ],
)
def test_read_enformer_sequences__refuses(tmp_path, text, message) -> None:
    path = tmp_path / "sequences.bed"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_enformer_sequences(path)
