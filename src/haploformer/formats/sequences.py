"""Sequences that a user brings for prediction: a FASTA of them, or a BED of regions of the reference genome."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_gzip, require_whole
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.fasta import FastaReference
from haploformer.formats.files import read_lines, require_file, sha256_file
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.sequence_windows import COLUMNS

#: No contig is so long that a position has more digits.
_POSITION = re.compile("[0-9]{1,10}")


@dataclass(frozen=True)
class SequenceFile:
    """A file of sequences, opened.

    Attributes
    ----------
    path : Path
    regions : DataFrame
        ``sequence`` (name as in the file), ``contig`` (canonical), ``start``, ``end`` (0-based half-open).
    fasta : FastaReference, optional
        Where the regions lie, if the file is a FASTA; else they lie on the reference genome.
    """

    path: Path
    regions: pd.DataFrame
    fasta: FastaReference | None

    @property
    def sha256(self) -> str:
        """sha256 of the file."""
        return sha256_file(self.path)


def read_sequences(path: Path) -> SequenceFile:
    """Open a FASTA, each of whose records is a sequence, or a BED of regions.

    A BED has three columns or more: contig, start, end, and a name if there is a fourth; lines that begin with ``#``,
    ``track`` or ``browser`` are passed over. Regions are read on the forward strand, whatever a sixth column says.

    Raises
    ------
    InputError
        If the file is neither, or a line of a BED is no region.
    """
    require_file(path, what="file of sequences")
    require_whole(path)
    require_recorded_checksum(path)
    opener: Callable[..., Any] = gzip.open if is_gzip(path) else open
    try:
        with opener(path, "rb") as stream:
            first = stream.read(1)
        if first == b">":
            fasta = FastaReference(path)
            fasta.check()
            rows = [(fasta.spelling[c], c, 0, length) for c, length in fasta.contig_lengths.items()]
            return SequenceFile(path, pd.DataFrame(rows, columns=COLUMNS), fasta)
        with opener(path, "rt", encoding="utf-8") as stream:
            rows = [
                _region(line, f"{path}:line {number}")
                for number, line in enumerate(read_lines(stream, path), start=1)
                if line.strip() and not line.startswith(("#", "track", "browser"))
            ]
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(str(path), f"cannot be decompressed ({error})", "copy or make the file again") from error
    except UnicodeDecodeError as error:
        raise InputError(
            str(path), "neither a FASTA nor a BED", "give sequences as FASTA, or regions as BED"
        ) from error
    return SequenceFile(path, pd.DataFrame(rows, columns=COLUMNS), None)


def _region(line: str, where: str) -> tuple[str, str, int, int]:
    cells = line.rstrip("\r\n").split("\t")
    if len(cells) < 3 or not all(_POSITION.fullmatch(cell) for cell in cells[1:3]):
        raise InputError(
            where,
            "neither a FASTA (it would begin with >) nor a line of a BED (contig, start, end, a name; tabs between)",
            "give sequences as FASTA, or regions as BED",
        )
    contig, start, end = cells[0], int(cells[1]), int(cells[2])
    name = cells[3] if len(cells) > 3 and cells[3] else f"{contig}:{start + 1}-{end}"
    return name, canonical_contig(contig), start, end
