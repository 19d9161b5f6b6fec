"""Keys of sequences by their content: the key of an edited sequence follows from its edits, without building it.

A sequence is read as a polynomial, ``sum of (code + 1) * B**place``, modulo the prime 2**61 - 1, for two multipliers B: 122
bits (Karp and Rabin 1987). The polynomial of a sequence is the sum of those of its parts, each moved to its place, which
no cryptographic hash allows. Two different windows of 196,608 bases share a key with probability below 2**-86.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: The prime 2**61 - 1.
MODULUS = (1 << 61) - 1

#: Drawn at random once; a key stays what it is for as long as these do.
MULTIPLIERS = (1_372_604_861_790_352_307, 2_071_493_586_034_177_863)

#: Bases whose sum of products with 31 bits of a power stays far below 2**53.
_BLOCK = 1024

_HALF = np.uint64(31)
_LOW = np.uint64((1 << 31) - 1)
_MOD = np.uint64(MODULUS)


def key_texts(residues: NDArray[np.uint64]) -> list[str]:
    """Hexadecimal keys of residues (2, n)."""
    digits = np.ascontiguousarray(residues.T, ">u8").tobytes().hex()
    return [digits[i : i + 32] for i in range(0, len(digits), 32)]


def sequence_key(codes: NDArray[np.uint8]) -> str:
    """Key of base codes (length,): equal for equal sequences, wherever they lie."""
    values = codes.astype(np.uint64) + np.uint64(1)
    residues = []
    for multiplier in MULTIPLIERS:
        low, high = split_powers(multiplier, len(codes))
        residues.append(residue((values * low).sum(keepdims=True), (values * high).sum(keepdims=True)))
    return key_texts(np.stack(residues))[0]


def modular_inverse(multiplier: int) -> int:
    """The number that undoes a multiplication by ``multiplier``."""
    return pow(multiplier, MODULUS - 2, MODULUS)


def multiply(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Products modulo 2**61 - 1 of numbers below it, in 64-bit arithmetic."""
    a_high, a_low, b_high, b_low = a >> _HALF, a & _LOW, b >> _HALF, b & _LOW
    middle = a_high * b_low + a_low * b_high
    # 2**62 is 2, and 2**61 is 1.
    total = np.uint64(2) * (a_high * b_high) + (middle >> np.uint64(30))
    total += (middle & np.uint64((1 << 30) - 1)) << _HALF
    return reduce_residue(reduce_residue(total) + a_low * b_low)


def residue(low: NDArray[np.uint64], high: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Residue of ``high * 2**31 + low``; both any 64-bit numbers."""
    shifted = multiply(reduce_residue(high), np.full_like(high, 1 << 31))
    return reduce_residue(shifted + reduce_residue(low))


def reduce_residue(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Residue of 64-bit numbers."""
    folded = (value & _MOD) + (value >> np.uint64(61))
    return np.where(folded >= _MOD, folded - _MOD, folded)


def subtract(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Differences modulo 2**61 - 1 of numbers below it."""
    return reduce_residue(a + (_MOD - b))


def split_powers(multiplier: int, n: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The powers 0 to n - 1 of a multiplier, as their lower 31 bits and the rest.

    Returns
    -------
    low, high : uint64 (n,)
    """
    low, high = _powers_up_to(multiplier, max(n - 1, 1).bit_length())
    return low[:n], high[:n]


@lru_cache(maxsize=16)
def _powers_up_to(multiplier: int, bits: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    powers = np.ones(1, np.uint64)
    for bit in range(bits):
        step = pow(multiplier, 1 << bit, MODULUS)
        powers = np.concatenate([powers, multiply(powers, np.full_like(powers, step))])
    low, high = powers & _LOW, powers >> _HALF
    low.flags.writeable = high.flags.writeable = False
    return low, high


def powers_at(multiplier: int, exponents: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Powers of a multiplier, negative ones of its inverse."""
    distinct, place = np.unique(exponents, return_inverse=True)
    return np.array([pow(multiplier, int(e), MODULUS) for e in distinct], np.uint64)[place]


def prefix_residues(
    values: NDArray[np.uint8], positions: NDArray[np.int64], multipliers: Sequence[int]
) -> NDArray[np.uint64]:
    """Polynomial of ``values[:position]`` for each of some positions.

    Parameters
    ----------
    values : uint8 (length,)
        Below 16.
    positions : int64 (n,)
        Each in [0, length].
    multipliers : sequence of int

    Returns
    -------
    uint64 (n_multipliers, n)
    """
    distinct, place = np.unique(positions, return_inverse=True)
    n_blocks = len(values) // _BLOCK + 1
    blocks = np.zeros((n_blocks, _BLOCK))
    blocks.ravel()[: len(values)] = values
    at, within = np.divmod(distinct, _BLOCK)
    cut = np.where(np.arange(_BLOCK) < within[:, None], blocks[at], 0.0)
    starts = np.stack([_whole_powers(pow(multiplier, _BLOCK, MODULUS), n_blocks) for multiplier in multipliers])
    whole = multiply(_block_residues(blocks, multipliers), starts)
    # Sums of all blocks before each, by halves, which stay below 2**64.
    before = residue(*(np.cumsum(half, axis=1) - half for half in (whole & _LOW, whole >> _HALF)))
    within_block = multiply(_block_residues(cut, multipliers), starts[:, at])
    return reduce_residue(before[:, at] + within_block)[:, place]


def _whole_powers(multiplier: int, n: int) -> NDArray[np.uint64]:
    low, high = split_powers(multiplier, n)
    return low + (high << _HALF)


def _block_residues(blocks: NDArray[np.float64], multipliers: Sequence[int]) -> NDArray[np.uint64]:
    """Polynomial of each row (n_rows, `_BLOCK`), as a matrix product: whole numbers below 2**53 are exact in it."""
    limbs = np.stack([limb for multiplier in multipliers for limb in split_powers(multiplier, _BLOCK)])
    sums = (limbs.astype(np.float64) @ blocks.T).astype(np.uint64)  # (2 * n_multipliers, n_rows)
    return residue(sums[::2], sums[1::2])
