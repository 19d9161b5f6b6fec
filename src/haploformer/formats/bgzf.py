"""Compressed files: which kind, and whether they are whole (SAM specification, section 4.1)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from haploformer.errors import InputError

_GZIP = b"\x1f\x8b"
_EXTRA_FIELD = 4
_END_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
#: Of an 18-byte block header: the subfield's name and its last value, the size of the block - 1.
_HEADER = struct.Struct("<12x2s2xH")


def is_gzip(path: Path) -> bool:
    """Whether the file starts as gzip does; a BGZF file does too."""
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def is_bgzf(path: Path, *, at: int = 0) -> bool:
    """Whether the file is block-compressed, as random access needs: whether a block starts at byte ``at``."""
    with path.open("rb") as stream:
        stream.seek(at)
        return _is_block_header(stream.read(_HEADER.size))


def require_whole(path: Path) -> None:
    """Raise InputError if a BGZF file lacks its end block, as one cut short does."""
    if not is_bgzf(path):
        return
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(stream.tell() - len(_END_BLOCK), 0))
        if stream.read() != _END_BLOCK:
            raise InputError(str(path), "the file is cut short (no BGZF end block)", "copy or make the file again")


def read_blocks(path: Path, *, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Offset and content of each block of a BGZF file, from the block at byte ``start`` on; its checksum is compared.

    Raises
    ------
    InputError
        If a block is damaged.
    """
    with path.open("rb") as stream:
        stream.seek(start)
        while header := stream.read(_HEADER.size):
            content = None
            if _is_block_header(header):
                content = _inflate(stream.read(_HEADER.unpack(header)[1] + 1 - _HEADER.size))
            if content is None:
                raise InputError(f"{path}:byte {start}", "a compressed block is damaged", "copy or make the file again")
            yield start, content
            start = stream.tell()


def _is_block_header(header: bytes) -> bool:
    return (
        len(header) == _HEADER.size
        and header[:2] == _GZIP
        and bool(header[3] & _EXTRA_FIELD)
        and _HEADER.unpack(header)[0] == b"BC"
    )


def _inflate(block: bytes) -> bytes | None:
    """The content of a block without its header, None if it is damaged."""
    try:
        content = zlib.decompress(block[:-8], wbits=-zlib.MAX_WBITS)
        checksum, length = struct.unpack("<II", block[-8:])
    except (zlib.error, struct.error):
        return None
    return content if zlib.crc32(content) == checksum and len(content) == length else None
