"""Compressed files: which kind, and whether they are whole (SAM specification, section 4.1)."""

from __future__ import annotations

from pathlib import Path

from haploformer.errors import InputError

_GZIP = b"\x1f\x8b"
_EXTRA_FIELD = 4
_END_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def is_gzip(path: Path) -> bool:
    """Whether the file starts as gzip does; a BGZF file does too."""
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def is_bgzf(path: Path) -> bool:
    """Whether the file is block-compressed, as random access needs."""
    with path.open("rb") as stream:
        head = stream.read(18)
    return len(head) == 18 and head[:2] == _GZIP and bool(head[3] & _EXTRA_FIELD) and head[12:14] == b"BC"


def require_whole(path: Path) -> None:
    """Raise InputError if a BGZF file lacks its end block, as one cut short does."""
    if not is_bgzf(path):
        return
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(stream.tell() - len(_END_BLOCK), 0))
        if stream.read() != _END_BLOCK:
            raise InputError(str(path), "the file is cut short (no BGZF end block)", "copy or make the file again")
