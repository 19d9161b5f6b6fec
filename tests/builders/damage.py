"""Ways in which files get damaged on their way to a user."""

from __future__ import annotations

import gzip
import hashlib
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pysam

END_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")

#: Content of a block as bgzip fills it.
BLOCK = 65_280


def edit_text(path: Path, change: Callable[[str], str]) -> Path:
    """Rewrite a compressed file, bgzipped, through ``change(text)``; an index beside it stays as it is."""
    text = change(gzip.decompress(path.read_bytes()).decode())
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(text.encode())
    return path


def edit_record(path: Path, number: int, change: Callable[[list[str]], None], *, index: bool = True) -> Path:
    """Change the cells of the record ``number`` (from 0) of a bgzipped VCF, and make its index again."""

    def edit(text: str) -> str:
        lines = text.split("\n")
        first = next(i for i, line in enumerate(lines) if not line.startswith("#"))
        cells = lines[first + number].split("\t")
        change(cells)
        lines[first + number] = "\t".join(cells)
        return "\n".join(lines)

    edit_text(path, edit)
    Path(f"{path}.tbi").unlink(missing_ok=True)
    if index:
        pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


def flip_bit(path: Path) -> None:
    """One bit in the middle of a file."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 16
    path.write_bytes(bytes(raw))


def cut_at_block(path: Path, *, end_block: bool) -> None:
    """The first half of a block-compressed file's blocks, with or without an end block behind them."""
    raw = path.read_bytes()
    starts = [match.start() for match in re.finditer(rb"\x1f\x8b\x08\x04.{6}\x06\x00BC\x02\x00", raw, re.DOTALL)]
    path.write_bytes(raw[: starts[len(starts) // 2]] + (END_BLOCK if end_block else b""))


def cut_lines(path: Path, n: int) -> None:
    """A text without its last ``n`` lines."""
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-n]))


def record_checksum(path: Path) -> None:
    """What ``sha256sum FILE > FILE.sha256`` writes."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")


def write_stored(path: Path, content: bytes) -> Path:
    """A BGZF file that is not compressed: equal lengths of content give equal places of blocks."""
    blocks = []
    for start in range(0, len(content), BLOCK):
        part = content[start : start + BLOCK]
        deflate = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
        data = deflate.compress(part) + deflate.flush()
        header = struct.pack("<4BI2BH2sHH", 31, 139, 8, 4, 0, 0, 255, 6, b"BC", 2, len(data) + 25)
        blocks.append(header + data + struct.pack("<II", zlib.crc32(part), len(part)))
    path.write_bytes(b"".join(blocks) + END_BLOCK)
    return path


def lose_line(path: Path) -> None:
    """A line less in an indexed VCF, whose index fits the rest: the line before is longer by as much."""
    text = gzip.decompress(path.read_bytes()).decode()
    write_stored(path, text.encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    lines = text.split("\n")
    at = len(lines) * 2 // 3
    cells = lines[at].split("\t")
    cells[7] = "X" * (len(lines.pop(at + 1)) + 1 + len(cells[7]))
    lines[at] = "\t".join(cells)
    write_stored(path, "\n".join(lines).encode())
