"""The header of a PLINK2 .pgen, read before pgenlib sees the file: a cut or a wrong count is found here.

Layout: https://github.com/chrchang/plink-ng/tree/master/pgen_spec. Of its storage modes, the two that plink2 writes for
genotypes in one file are accepted.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from haploformer.errors import InputError

_MAGIC = b"\x6c\x1b"
_FIXED_WIDTH, _VARIABLE_WIDTH = 0x02, 0x10
_START_BYTES = 12

#: Variants whose record types and lengths stand together in the header.
BLOCK_VARIANTS = 65536

#: Bits of a record's type: how its main track is stored, and whether it has calls of a second ALT.
_STORAGE, _MULTIALLELIC = 0x07, 0x08
_RESERVED, _LIKE_THE_ONE_BEFORE = 5, (2, 3)


def check_pgen(path: Path, n_alleles: NDArray[np.uint8], n_samples: int) -> None:
    """Raise InputError unless a .pgen is whole and fits the other two files of its set.

    Parameters
    ----------
    n_alleles : uint8 (n_variants,)
        Alleles of each variant in the .pvar.
    n_samples : int
        People in the .psam.
    """
    with path.open("rb") as stream:
        start = stream.read(_START_BYTES)
        if start[:2] != _MAGIC:
            raise InputError(str(path), "not a .pgen", "make it by plink2 --make-pgen")
        if start[2:3] == b"\x01":
            raise InputError(
                str(path),
                "is a PLINK1 .bed",
                "name it so and use haploformer.datasets.plink1.PlinkDataset, or plink2 --make-pgen",
            )
        if len(start) < _START_BYTES:
            raise _not_whole(path, "has no whole header")
        _require_counts(path, start, len(n_alleles), n_samples)
        mode, control = start[2], start[11]
        if mode == _FIXED_WIDTH and control & 0x3F == 0:
            n_flags = (len(n_alleles) + 7) // 8 if control >> 6 == 3 else 0
            expected = _START_BYTES + n_flags + len(n_alleles) * _genotype_bytes(n_samples)
        elif mode == _VARIABLE_WIDTH and control & 0x0F < 8 and control & 0x30 == 0:
            expected = _end_of_records(stream, control, n_alleles, n_samples, path)
        else:
            raise InputError(
                str(path),
                f"storage mode {mode:#04x} with header format {control:#04x} is not read",
                "make it again by plink2 --make-pgen",
            )
    if (size := path.stat().st_size) != expected:
        raise _not_whole(path, f"has {size:,} bytes; its header says {expected:,}")


def _require_counts(path: Path, start: bytes, n_variants: int, n_samples: int) -> None:
    variants, samples = (int.from_bytes(start[i : i + 4], "little") for i in (3, 7))
    if (variants, samples) != (n_variants, n_samples):
        raise InputError(
            str(path),
            f"has {variants:,} variants of {samples:,} people; .pvar and .psam have {n_variants:,} and {n_samples:,}",
            "give .pgen, .pvar and .psam of one file set, or copy them again",
        )


def _end_of_records(stream: BinaryIO, control: int, n_alleles: NDArray[np.uint8], n_samples: int, path: Path) -> int:
    """Where the last record ends, by the lengths that the header tells; each block must begin where the last ends."""
    type_bits, length_bytes, has_flags = (8 if control & 4 else 4), control % 4 + 1, control >> 6 == 3
    blocks = [n_alleles[i : i + BLOCK_VARIANTS] for i in range(0, len(n_alleles), BLOCK_VARIANTS)]
    starts = np.frombuffer(_read(stream, 8 * len(blocks), path), "<u8")
    sizes = [(len(b) * type_bits + 7) // 8 + len(b) * length_bytes + has_flags * ((len(b) + 7) // 8) for b in blocks]
    place = _START_BYTES + 8 * len(blocks) + sum(sizes)
    for start, size, block in zip(starts.tolist(), sizes, blocks, strict=True):
        if start != place:
            raise _not_whole(path, f"has records at byte {start:,}, where its header says {place:,}")
        body = np.frombuffer(_read(stream, size, path), np.uint8)
        types, lengths = _types_and_lengths(body, len(block), type_bits, length_bytes)
        if not _fit(types, lengths, block, n_samples):
            raise _not_whole(path, "has a record that does not fit its type or its alleles")
        place += int(lengths.sum())
    return place


def _types_and_lengths(
    body: NDArray[np.uint8], n: int, type_bits: int, length_bytes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Type and length of each record of a block."""
    n_packed = (n * type_bits + 7) // 8
    packed = body[:n_packed]
    types = packed if type_bits == 8 else np.stack([packed & 15, packed >> 4], axis=1).ravel()[:n]
    octets = body[n_packed : n_packed + n * length_bytes].reshape(n, length_bytes)
    return types, octets.astype(np.int64) @ (256 ** np.arange(length_bytes))


def _fit(types: NDArray[np.uint8], lengths: NDArray[np.int64], n_alleles: NDArray[np.uint8], n_samples: int) -> bool:
    """Whether pgenlib can follow the header: it trusts types, lengths and the .pvar's numbers of alleles."""
    storage = types & _STORAGE
    return bool(
        (lengths > 0).all()
        and (storage != _RESERVED).all()
        and storage[0] not in _LIKE_THE_ONE_BEFORE
        and (lengths[storage == 0] >= _genotype_bytes(n_samples)).all()
        and (n_alleles[(types & _MULTIALLELIC) > 0] > 2).all()
    )


def _genotype_bytes(n_samples: int) -> int:
    """Bytes of one variant's calls, two bits each."""
    return (n_samples + 3) // 4


def _read(stream: BinaryIO, n: int, path: Path) -> bytes:
    part = stream.read(n)
    if len(part) < n:
        raise _not_whole(path, "has no whole header")
    return part


def _not_whole(path: Path, problem: str) -> InputError:
    return InputError(str(path), problem, "the file is cut short or damaged: copy or make it again")
