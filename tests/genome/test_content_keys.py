"""Content keys: arithmetic against whole numbers of any size, and what a key is a key of."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.genome.content_keys import (
    MODULUS,
    MULTIPLIERS,
    key_texts,
    modular_inverse,
    multiply,
    powers_at,
    prefix_residues,
    reduce_residue,
    residue,
    sequence_key,
    split_powers,
    subtract,
)
from haploformer.genome.encoding import encode
from tests.builders.genome import random_sequence

EXTREMES = [0, 1, 2, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 60) + 12345, MODULUS - 2, MODULUS - 1]


def numbers(rng: np.random.Generator, n: int = 500) -> np.ndarray:
    return np.concatenate([np.array(EXTREMES, np.uint64), rng.integers(0, MODULUS, n, dtype=np.uint64)])


def polynomial(codes: np.ndarray, multiplier: int) -> int:
    return sum((int(code) + 1) * pow(multiplier, i, MODULUS) for i, code in enumerate(codes)) % MODULUS


def test_multiply__equals_whole_numbers():
    a = numbers(np.random.default_rng(0))
    for b in (a[::-1].copy(), np.full_like(a, MODULUS - 1), np.roll(a, 5)):
        expected = [int(x) * int(y) % MODULUS for x, y in zip(a, b, strict=True)]
        assert multiply(a, b).tolist() == expected


def test_reduce_residue_and_subtract__equal_whole_numbers():
    rng = np.random.default_rng(1)
    big = np.concatenate([rng.integers(0, 2**64, 500, dtype=np.uint64), np.array([2**64 - 1, MODULUS], np.uint64)])
    assert reduce_residue(big).tolist() == [int(x) % MODULUS for x in big]
    a = numbers(rng)
    assert subtract(a, a[::-1]).tolist() == [(int(x) - int(y)) % MODULUS for x, y in zip(a, a[::-1], strict=True)]
    high = big[::-1].copy()
    expected = [(int(h) * 2**31 + int(lo)) % MODULUS for lo, h in zip(big, high, strict=True)]
    assert residue(big, high).tolist() == expected


def test_powers__of_a_multiplier_and_of_its_inverse():
    multiplier = MULTIPLIERS[0]
    low, high = split_powers(multiplier, 300)
    assert [int(lo) + (int(h) << 31) for lo, h in zip(low, high, strict=True)] == [
        pow(multiplier, i, MODULUS) for i in range(300)
    ]
    exponents = np.array([5, -5, 0, 200_000, -3])
    assert powers_at(multiplier, exponents).tolist() == [pow(multiplier, int(e), MODULUS) for e in exponents]
    assert int(powers_at(modular_inverse(multiplier), np.array([-7]))[0]) == pow(multiplier, 7, MODULUS)


@pytest.mark.parametrize("length", [1, 2, 127, 5000])
def test_sequence_key__is_the_polynomial_of_the_bases(length):
    codes = np.random.default_rng(length).integers(0, 11, length).astype(np.uint8)
    first, second = (polynomial(codes, multiplier) for multiplier in MULTIPLIERS)
    assert sequence_key(codes) == f"{first:016x}{second:016x}"


def test_sequence_key__of_another_base_place_or_length_is_another():
    codes = encode("ACGTNACGTTAC")
    keys = {sequence_key(codes), sequence_key(codes[::-1]), sequence_key(codes[:-1]), sequence_key(codes[1:])}
    for i in range(len(codes)):
        other = codes.copy()
        other[i] = (other[i] + 1) % 5
        keys.add(sequence_key(other))
    assert len(keys) == len(codes) + 4
    assert sequence_key(codes) == sequence_key(codes.copy())


def test_prefix_residues__any_positions_in_any_order():
    rng = np.random.default_rng(3)
    # More than one block of the sums.
    codes = encode(random_sequence(2500, rng))
    positions = np.array([2500, 0, 17, 17, 1023, 1024, 1025, 2048, 2499, 1, 0, 250])
    found = prefix_residues(codes + np.uint8(1), positions, MULTIPLIERS)
    assert found.tolist() == [[polynomial(codes[:p], m) for p in positions] for m in MULTIPLIERS]


def test_key_texts__are_32_digits():
    assert key_texts(np.array([[1, MODULUS - 1], [2, 0]], np.uint64)) == [
        "0000000000000001" + "0000000000000002",
        "1ffffffffffffffe" + "0000000000000000",
    ]
