"""Indices of block-compressed files (.tbi, .csi), and whether an index belongs to the file beside it.

htslib trusts an index: a stale one gives no records, or some of them, without an error, and a damaged block ends a
region early. Both are looked for here before a region is read. Source: the tabix and CSI specifications of hts-specs.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_bgzf, read_blocks

_TBI_DEPTH = 5

#: 2**44 bases with the smallest bins that htslib makes.
_MAX_DEPTH = 10

#: An index that is larger when decompressed is refused, and one of more contigs: no genome has one.
MAX_INDEX = 256 * 1024 * 1024
MAX_CONTIGS = 5_000_000

_REMEDY = "make the index again: bcftools index -f"


@dataclass(frozen=True)
class BlockIndex:
    """Where the records of each contig lie.

    Attributes
    ----------
    path : Path
    names : list of str or None
        Contigs as spelled in the file; None for BCF, whose index only numbers them.
    spans : list of (int, int) or None
        Virtual offsets (byte of a block * 65536 + place in its content) of each contig's first record, and of the end
        of its last; None for a contig without records.
    counts : list of int or None
        Records of each contig; None where the index does not count them.
    """

    path: Path
    names: list[str] | None
    spans: list[tuple[int, int] | None]
    counts: list[int | None]

    def require_count(self, number: int, found: int, where: str) -> None:
        """Raise InputError unless as many records of a contig were read as the index counts; its place tells which."""
        counted = self.counts[number]
        if counted is not None and counted != found:
            raise InputError(
                where,
                f"{found:,} records can be read, the index {self.path.name} counts {counted:,}",
                f"copy or make the file again; if records were removed on purpose, {_REMEDY}",
            )


def find_indices(path: Path) -> list[Path]:
    """The indices that lie beside a file, the one that htslib takes first."""
    return [index for suffix in (".csi", ".tbi") if (index := Path(f"{path}{suffix}")).exists()]


def read_index(path: Path) -> BlockIndex:
    """Read a .tbi or .csi; InputError if the file is neither, or damaged."""
    try:
        if not path.is_file():
            raise struct.error("a folder or a pipe")
        return _parse(path, _content(path))
    except (InputError, struct.error, UnicodeDecodeError, OSError) as error:
        raise InputError(str(path), "not a readable index (.tbi, .csi)", _REMEDY) from error


def _content(path: Path) -> bytes:
    parts, length = [], 0
    for _, content in read_blocks(path):
        parts.append(content)
        length += len(content)
        if length > MAX_INDEX:
            raise struct.error("too large")
    return b"".join(parts)


def require_index_fits(index: BlockIndex, path: Path, contigs: Collection[str]) -> None:
    """Raise InputError if the index is not that of the file, or the file is damaged where the contigs lie.

    Parameters
    ----------
    index : BlockIndex
        Of at least one record.
    contigs : collection of str
        Contigs, as spelled in the file, that are to be read. Of a BCF all contigs are looked at.
    """
    stale = InputError(str(index.path), f"the index does not belong to {path.name} as it is now", _REMEDY)
    if not _ends_at(path, max(span[1] for span in index.spans if span)):
        raise stale
    for number, span in enumerate(index.spans):
        if span is None or (index.names is not None and index.names[number] not in contigs):
            continue
        begin, end = span
        if not is_bgzf(path, at=begin >> 16):
            raise stale
        blocks = read_blocks(path, start=begin >> 16)
        reached, content = next(blocks)
        if index.names is not None:
            # The line may go on in the next block.
            expected = f"{index.names[number]}\t".encode()
            found = content[begin & 0xFFFF :][: len(expected)]
            if found != expected[: len(found)]:
                raise stale
        while reached < end >> 16:
            reached, _ = next(blocks, (end, b""))
        if reached != end >> 16:
            raise stale


def _ends_at(path: Path, end: int) -> bool:
    """Whether nothing follows the virtual offset ``end``, and what lies before it is there."""
    if not is_bgzf(path, at=end >> 16):
        return False
    rest = [len(content) for _, content in read_blocks(path, start=end >> 16)]
    return rest[0] == end & 0xFFFF and not any(rest[1:])


def _parse(path: Path, data: bytes) -> BlockIndex:
    tabix = data[:4] == b"TBI\x01"
    if not tabix and data[:4] != b"CSI\x01":
        raise struct.error("no magic number")
    reader = _Reader(data)
    if tabix:
        n_contigs, *_, n_bytes = reader.read("8i")
        depth, names = _TBI_DEPTH, reader.text(n_bytes)
    else:
        _, depth, n_bytes = reader.read("3i")
        # Of a VCF the same seven numbers as in a .tbi and the names; nothing of a BCF.
        names = reader.text(n_bytes)[28:]
        (n_contigs,) = reader.read("i")
    if n_contigs > MAX_CONTIGS:
        raise struct.error("too many contigs")
    if not 0 <= depth <= _MAX_DEPTH:
        raise struct.error("no such depth")
    n_bins = ((1 << (3 * (depth + 1))) - 1) // 7
    # One bin number is not a bin: it holds counts.
    counts_bin = n_bins + 1
    spans: list[tuple[int, int] | None] = []
    counts: list[int | None] = []
    for _ in range(n_contigs):
        begins: list[int] = []
        ends: list[int] = []
        count: int | None = None
        for _ in range(reader.read("i")[0]):
            number, *_, n_chunks = reader.read("Ii" if tabix else "IQi")
            offsets = reader.read(f"{2 * n_chunks}Q")
            if number != counts_bin:
                # With a number beyond, or an end before its beginning, htslib does not come to an end.
                if number >= n_bins or any(begin > end for begin, end in zip(offsets[::2], offsets[1::2], strict=True)):
                    raise struct.error("no such bin")
                begins.extend(offsets[::2])
                ends.extend(offsets[1::2])
            elif n_chunks == 2:
                # Where the contig's records begin and end; then how many are placed, and how many are not.
                count = offsets[2]
        if tabix:
            reader.read(f"{reader.read('i')[0]}Q")
        spans.append((min(begins), max(ends)) if begins else None)
        counts.append(count)
    spelled = names.decode().split("\0")[:-1] if names else None
    if spelled is not None and len(spelled) != len(spans):
        raise struct.error("names and contigs differ in number")
    return BlockIndex(path, spelled, spans, counts)


class _Reader:
    """Little-endian numbers, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 4

    def read(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(f"<{layout}", self.data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return values

    def text(self, length: int) -> bytes:
        if not 0 <= length <= len(self.data) - self.at:
            raise struct.error("text past the end")
        self.at += length
        return self.data[self.at - length : self.at]
