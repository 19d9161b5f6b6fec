"""Bases as small integers, and their one-hot form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Order of the bases in codes and in the one-hot axis (enformer-pytorch, ``data.py``).
BASES = "ACGT"

#: Code of N, of any other letter and of everything off the contig: one rule, all zeros in the one-hot form.
UNKNOWN = 4

#: IUPAC letters of two bases, as codes 5 to 10: half of each in the one-hot form (a person's two copies averaged).
PAIRS = {"M": "AC", "R": "AG", "W": "AT", "S": "CG", "Y": "CT", "K": "GT"}

#: How many codes there are: 0 to 10.
N_CODES = len(BASES) + 1 + len(PAIRS)

_CODE_OF_BYTE = np.full(256, UNKNOWN, np.uint8)
for _code, _base in enumerate(BASES):
    _CODE_OF_BYTE[ord(_base)] = _code
    _CODE_OF_BYTE[ord(_base.lower())] = _code
_TRANSLATION = _CODE_OF_BYTE.tobytes()
_BYTE_OF_CODE = np.frombuffer((BASES + "N" + "".join(PAIRS)).encode(), np.uint8)
_CODE_OF_EDIT = _CODE_OF_BYTE.copy()
_CODE_OF_EDIT[np.frombuffer("".join(PAIRS).encode(), np.uint8)] = np.arange(len(PAIRS)) + UNKNOWN + 1
_ONE_HOT = np.vstack(
    [
        np.eye(4, dtype=np.float32),
        np.zeros((1, 4), np.float32),
        np.array([[0.5 * (base in pair) for base in BASES] for pair in PAIRS.values()], np.float32),
    ]
)
#: A and T, C and G change places; so do M and K, R and Y; W and S are their own complements.
_COMPLEMENT = np.array([3, 2, 1, 0, UNKNOWN, 10, 9, 7, 8, 6, 5], np.uint8)


def encode(sequence: str | bytes) -> NDArray[np.uint8]:
    """Codes 0..3 for A C G T in either case, 4 for anything else.

    Returns
    -------
    uint8 (length,)
    """
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else sequence
    return np.frombuffer(bytearray(raw).translate(_TRANSLATION), np.uint8)


def encode_edit(bases: str) -> NDArray[np.uint8]:
    """Codes of an edit's bases, which may be IUPAC letters of two; in a reference such letters are unknown."""
    return _CODE_OF_EDIT[np.frombuffer(bases.encode(), np.uint8)]


def pair_letter(first: str, second: str) -> str:
    """The letter of one or two bases: ``A`` for A and A, ``M`` for A and C."""
    both = "".join(sorted({first.upper(), second.upper()}))
    return both if len(both) == 1 else next(letter for letter, pair in PAIRS.items() if pair == both)


def decode(codes: NDArray[np.uint8]) -> str:
    """The upper-case letters of ``codes`` (length,), N for 4, IUPAC letters for pairs."""
    return _BYTE_OF_CODE[codes].tobytes().decode()


def one_hot(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """One-hot form in the order A C G T; N is all zeros, a pair has 0.5 twice.

    Parameters
    ----------
    codes : uint8 (..., length)

    Returns
    -------
    float32 (..., length, 4)
    """
    return _ONE_HOT[codes]


def complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bases that pair with ``codes`` (..., length), in the same order."""
    return _COMPLEMENT[codes]


def reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The other strand of ``codes`` (..., length)."""
    return _COMPLEMENT[codes[..., ::-1]]
