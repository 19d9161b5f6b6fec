"""Sequences of the model's length that belong to nobody."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.content_keys import sequence_key
from haploformer.genome.encoding import UNKNOWN, decode, encode
from haploformer.genome.sequence_windows import sequence_windows


class Letters:
    """A reference of two contigs."""

    name = "two.fa"
    contigs = {"1": "ACGTNNACGT", "2": "TTTTCCCC"}  # noqa: RUF012

    @property
    def contig_lengths(self):
        return {name: len(letters) for name, letters in self.contigs.items()}

    def read(self, contig, start, end):
        return encode(self.contigs[contig][start:end])


def regions(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["sequence", "contig", "start", "end"])


def windows(*rows, length: int = 4):
    return sequence_windows(regions(*rows), Letters(), length=length, source="r.bed")


def test_sequence_windows__bases_keys_and_unknown_share():
    made = windows(("a", "1", 0, 4), ("b", "1", 3, 7), ("c", "2", 6, 10))
    assert len(made) == 3
    assert [decode(codes) for codes in made.codes([0, 1, 2])] == ["ACGT", "TNNA", "CCNN"]
    assert made.n_share.tolist() == [0.0, 0.5, 0.5]
    assert made.keys == [sequence_key(codes) for codes in made.codes(range(3))]
    x = made.one_hot([1])
    assert x.shape == (1, 4, 4)
    assert x[0].sum(axis=1).tolist() == [1, 0, 0, 1]
    assert np.array_equal(made.codes([1])[0] == UNKNOWN, [False, True, True, False])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((), "r.bed: no sequence is in it; give a FASTA, or a BED of regions"),
        ((("a", "1", 0, 4), ("a", "2", 0, 4)), "r.bed:a: two sequences have this name; give each a name of its own"),
        (
            (("a", "1", 0, 4), ("b", "1", 0, 5)),
            "r.bed:b: the sequence has 5 bases, the model takes 4 (1 of 2 sequences have another length); "
            "give sequences of that length, or choose another enformer.preset",
        ),
        (
            (("a", "9", 0, 4),),
            "r.bed:a: contig 9 is not in two.fa (contigs there: 1, 2); give a reference that holds it",
        ),
    ],
)
def test_sequence_windows__what_cannot_be_predicted(rows, message):
    with pytest.raises(InputError) as error:
        windows(*rows)
    assert str(error.value) == message
