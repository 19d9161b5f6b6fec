"""Bases as small integers, and their one-hot form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Order of the bases in codes and in the one-hot axis (enformer-pytorch, ``data.py``).
BASES = "ACGT"

#: Code of N, of any other letter and of everything off the contig: one rule, all zeros in the one-hot form.
UNKNOWN = 4

_CODE_OF_BYTE = np.full(256, UNKNOWN, np.uint8)
for _code, _base in enumerate(BASES):
    _CODE_OF_BYTE[ord(_base)] = _code
    _CODE_OF_BYTE[ord(_base.lower())] = _code
_BYTE_OF_CODE = np.frombuffer((BASES + "N").encode(), np.uint8)
_ONE_HOT = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32)])
_COMPLEMENT = np.array([3, 2, 1, 0, UNKNOWN], np.uint8)


def encode(sequence: str | bytes) -> NDArray[np.uint8]:
    """Codes 0..3 for A C G T in either case, 4 for anything else.

    Returns
    -------
    uint8 (length,)
    """
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else sequence
    return _CODE_OF_BYTE[np.frombuffer(raw, np.uint8)]


def decode(codes: NDArray[np.uint8]) -> str:
    """The upper-case letters of ``codes`` (length,), N for 4."""
    return _BYTE_OF_CODE[codes].tobytes().decode()


def one_hot(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """One-hot form in the order A C G T; N is all zeros.

    Parameters
    ----------
    codes : uint8 (..., length)

    Returns
    -------
    float32 (..., length, 4)
    """
    return _ONE_HOT[codes]


def reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The other strand of ``codes`` (..., length)."""
    return _COMPLEMENT[codes[..., ::-1]]
