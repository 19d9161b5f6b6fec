"""Calls of a BCF as they are stored: whether htslib survives being asked for them.

htslib ends the process where GT is no list of whole numbers, and reads past a record that has fewer samples than the
header. Source: the BCF2 specification of hts-specs (VCF 4.3, section 6.3).
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_bgzf, is_gzip, read_blocks

#: Magic number and version, then the length of the header.
_START = struct.Struct("<5sI")

#: Bytes of a record's two parts; contig, position - 1; number of fields of the calls << 24 | number of samples.
_RECORD = struct.Struct("<IIii12xI")

#: Bytes of the first part that `_RECORD` holds.
_SHARED = _RECORD.size - 8

#: Bytes of a value of each type.
_SIZES = {0: 0, 1: 1, 2: 2, 3: 4, 5: 4, 7: 1}
_WHOLE_NUMBERS = (1, 2, 3)
_NAMES = {0: "nothing", 5: "fractions", 7: "text"}

_CHUNK_BYTES = 2**16


def header_length(path: Path) -> int:
    """Bytes of a BCF's header as the file says, 0 if it is no BCF."""
    start = _Stream(_contents(path)).read(_START.size)
    return int(_START.unpack(start)[1]) if start.startswith(b"BCF") and len(start) == _START.size else 0


def require_sound_calls(path: Path, vcf: Any, spans: Iterable[tuple[int, int]] | None, *, n_samples: int) -> None:
    """Raise InputError if a record of a BCF has calls that htslib does not survive.

    What else is wrong with a record, htslib finds.

    Parameters
    ----------
    vcf : cyvcf2.VCF
        The file, open.
    spans : iterable of (int, int), optional
        Virtual offsets of the first record of some contigs and of the end of the last; all records if not given.
    n_samples : int
        Samples of the header.
    """
    number = _number_of_gt(vcf, path)
    for stream in [_all_records(path)] if spans is None else [_Stream(_span(path, *span)) for span in spans]:
        while len(fixed := stream.read(_RECORD.size)) == _RECORD.size:
            n_shared, n_bytes, contig, pos, counts = _RECORD.unpack(fixed)
            stream.skip(max(n_shared - _SHARED, 0))
            end = stream.place + n_bytes
            if problem := _problem(stream, counts >> 24, counts & 0xFFFFFF, number, n_samples):
                name = vcf.seqnames[contig] if 0 <= contig < len(vcf.seqnames) else f"contig {contig}"
                raise InputError(f"{path}:{name}:{pos + 1}", problem, "correct the record, or make the file again")
            if n_shared < _SHARED or stream.place > end:
                break
            stream.skip(end - stream.place)


def _problem(stream: _Stream, n_fields: int, n_found: int, number: int | None, n_samples: int) -> str | None:
    """What is wrong with the calls of a record; None, too, where they cannot be followed, which htslib refuses."""
    for _ in range(n_fields):
        key, kind, n_values = stream.typed_number(), *stream.typing()
        if key is None or kind not in _SIZES or n_values is None:
            return None
        if key == number and n_found != n_samples:
            return f"the record has {n_found} samples, the header {n_samples}"
        if key == number and (kind not in _WHOLE_NUMBERS or n_values < 1):
            return f"GT holds {_NAMES.get(kind, 'nothing')} where alleles belong"
        if key == number:
            return None
        stream.skip(n_values * _SIZES[kind] * n_found)
    return None


def _number_of_gt(vcf: Any, path: Path) -> int | None:
    """The number by which records name GT; None where the header does not know it."""
    try:
        return int(vcf.get_header_type("GT")["IDX"])
    except KeyError:
        return None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}:header", "the description of GT is not UTF-8 text", "correct it") from error


def _all_records(path: Path) -> _Stream:
    stream = _Stream(_contents(path))
    stream.skip(_START.unpack(stream.read(_START.size))[1])
    return stream


def _contents(path: Path) -> Iterator[bytes]:
    """What a file holds, decompressed."""
    if is_bgzf(path):
        yield from (content for _, content in read_blocks(path))
        return
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as stream:
            while content := stream.read(_CHUNK_BYTES):
                yield content
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(str(path), f"cannot be decompressed ({error})", "copy or make the file again") from error


def _span(path: Path, begin: int, end: int) -> Iterator[bytes]:
    """What lies between two virtual offsets."""
    for start, content in read_blocks(path, start=begin >> 16):
        stop = (end & 0xFFFF) if start == end >> 16 else len(content)
        yield content[begin & 0xFFFF if start == begin >> 16 else 0 : stop]
        if start >= end >> 16:
            return


class _Stream:
    """Bytes that come in pieces, read one after the other."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""
        self._at = 0
        self._before = 0

    @property
    def place(self) -> int:
        """Bytes read and skipped."""
        return self._before + self._at

    def read(self, n: int) -> bytes:
        """The next ``n`` bytes; fewer at the end."""
        while len(self._piece) - self._at < n and (piece := next(self._pieces, b"")):
            self._before, self._piece, self._at = self.place, self._piece[self._at :] + piece, 0
        found = self._piece[self._at : self._at + n]
        self._at += len(found)
        return found

    def skip(self, n: int) -> None:
        """Leave out the next ``n`` bytes, which may be more than there are."""
        end = self.place + n
        while self._before + len(self._piece) < end and (piece := next(self._pieces, b"")):
            self._before, self._piece = self._before + len(self._piece), piece
        self._at = min(end - self._before, len(self._piece))

    def typing(self) -> tuple[int | None, int | None]:
        """The type of the values that come next, and how many they are; None at the end."""
        if not (byte := self.read(1)):
            return None, None
        n_values: int | None = byte[0] >> 4
        return byte[0] & 15, self.typed_number() if n_values == 15 else n_values

    def typed_number(self) -> int | None:
        """A whole number that comes next with its type; None if there is none."""
        byte = self.read(1)
        if not byte or byte[0] >> 4 != 1 or (kind := byte[0] & 15) not in _WHOLE_NUMBERS:
            return None
        return int.from_bytes(self.read(_SIZES[kind]), "little", signed=True)
