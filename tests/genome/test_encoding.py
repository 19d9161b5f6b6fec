"""Base codes and their one-hot form."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.genome.encoding import (
    BASES,
    PAIRS,
    UNKNOWN,
    decode,
    encode,
    encode_edit,
    one_hot,
    pair_letter,
    reverse_complement,
)


def test_encode__acgt_in_either_case():
    assert encode("ACGTacgt").tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert encode("ACGT").dtype == np.uint8


@pytest.mark.parametrize("letter", [*"NnRYSWKMBDHV*.-U @", "é", "\x00"])
def test_encode__everything_else_is_unknown(letter):
    assert encode(f"A{letter}T").tolist() == [0, UNKNOWN, 3]


def test_encode__bytes_and_text_agree():
    assert np.array_equal(encode(b"ACGTN"), encode("ACGTN"))
    assert encode("").shape == encode(b"").shape == (0,)


def test_decode__is_the_inverse_in_upper_case():
    assert decode(encode("acgtnACGTR")) == "ACGTNACGTN"


def test_one_hot__order_is_acgt_and_unknown_is_all_zeros():
    hot = one_hot(encode("GANTC"))
    assert hot.dtype == np.float32
    assert hot.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    assert BASES == "ACGT"


def test_one_hot__equals_enformer_pytorch():
    from enformer_pytorch.data import str_to_one_hot

    text = "ACGTNacgtnTTGA"
    assert np.array_equal(one_hot(encode(text)), str_to_one_hot(text).numpy())


def test_one_hot__batch_of_windows():
    assert one_hot(np.zeros((2, 3, 5), np.uint8)).shape == (2, 3, 5, 4)


def test_reverse_complement__of_each_window_of_a_batch():
    batch = np.stack([encode("AACGN"), encode("TTTCA")])
    assert [decode(row) for row in reverse_complement(batch)] == ["NCGTT", "TGAAA"]
    assert np.array_equal(reverse_complement(reverse_complement(batch)), batch)


def test_reverse_complement__reverses_both_axes_of_the_one_hot_form():
    codes = encode("ACGTTGCANNA")
    assert np.array_equal(one_hot(reverse_complement(codes)), one_hot(codes)[::-1, ::-1])


def test_encode_edit__pairs_are_half_of_each_base():
    for letter, pair in PAIRS.items():
        row = one_hot(encode_edit(letter))[0]
        assert [base for base, value in zip("ACGT", row, strict=True) if value == 0.5] == list(pair)
        assert row.sum() == 1
        assert pair_letter(*pair) == pair_letter(*pair[::-1]) == letter
        assert one_hot(encode(letter))[0].sum() == 0
        complement = one_hot(reverse_complement(encode_edit(letter)))[0]
        np.testing.assert_array_equal(complement, row[::-1])
    assert pair_letter("g", "G") == "G"
