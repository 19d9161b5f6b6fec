"""Variants of a PLINK2 file set (.pvar, or .pvar.zst), parsed by pyarrow in blocks, so that no genome's worth is held."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from haploformer.errors import InputError
from haploformer.formats.files import require_file
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.intervals import LONGEST_CONTIG

#: Text that is parsed at once; a longer line is refused.
BLOCK_BYTES = 4 * 1024 * 1024

#: A header of more bytes is refused: no real cohort has one.
MAX_HEADER = 64 * 1024 * 1024

#: The most alleles of one variant that a .pgen can hold.
MAX_ALLELES = 255

_REQUIRED = ["#CHROM", "POS", "ID", "REF", "ALT"]


@dataclass(frozen=True)
class PvarLayout:
    """What a .pvar holds, in the order of its rows.

    Attributes
    ----------
    n_alleles : uint8 (n_variants,)
        REF and ALT alleles, at least 2 as PLINK2 counts them.
    contigs : dict
        First and last + 1 row of each contig, by canonical name.
    names : list of str
        The contigs as the file spells them.
    """

    n_alleles: NDArray[np.uint8]
    contigs: dict[str, tuple[int, int]]
    names: list[str]


def scan_pvar(path: Path) -> PvarLayout:
    """Read a .pvar from end to end.

    Raises
    ------
    InputError
        If it is absent, empty, cut short, has no header line or no variant, a row of another length, a position that is
        no number, positions that are not sorted, or a contig in two places.
    """
    n_alleles: list[NDArray[np.uint8]] = []
    names: list[str] = []
    contigs: dict[str, tuple[int, int]] = {}
    last_pos = 0
    for line, first, block in _blocks(path, ["#CHROM", "POS", "ALT"]):
        pos = _positions(block, line, path)
        n_alleles.append(_allele_counts(block, line, path))
        for name, start, end in _runs(block):
            if not names or names[-1] != name:
                _require_new(name, names, contigs, f"{path}:line {line + start}")
                names.append(name)
                contigs[canonical_contig(name)] = (first + start, first + start)
                last_pos = 0
            steps = np.diff(pos[start:end], prepend=last_pos)
            if (steps < 0).any():
                raise InputError(
                    f"{path}:line {line + start + int((steps < 0).argmax())}",
                    "the variant stands after one with a larger POS",
                    "sort the file set: plink2 --sort-vars --make-pgen",
                )
            last_pos = int(pos[end - 1])
            contigs[canonical_contig(name)] = (contigs[canonical_contig(name)][0], first + end)
    return PvarLayout(np.concatenate(n_alleles), contigs, names)


def read_variants(path: Path, layout: PvarLayout, contigs: Collection[str]) -> Iterator[pd.DataFrame]:
    """Variants of some contigs.

    Parameters
    ----------
    layout : PvarLayout
        As `scan_pvar` found it.
    contigs : collection of str
        Canonical names.

    Yields
    ------
    DataFrame
        ``row`` (in the whole file), ``contig``, ``pos, variant_id, ref, alt, filter``; of one contig. Variants that may
        share bases are never in two tables.
    """
    spans = {contig: span for contig, span in layout.contigs.items() if contig in contigs}
    held: list[pd.DataFrame] = []
    for line, first, block in _blocks(
        path, [*_REQUIRED, "FILTER"], end=max((end for _, end in spans.values()), default=0)
    ):
        for contig, (start, end) in spans.items():
            low, high = max(start, first), min(end, first + block.num_rows)
            if low >= high:
                continue
            part = _table(block.slice(low - first, high - low), contig, low, line + low - first, path)
            table = pd.concat([*held, part], ignore_index=True)
            n_held = _n_hanging_together(table) if high < end else 0
            held = [table.iloc[len(table) - n_held :]] if n_held else []
            if n_held < len(table):
                yield table.iloc[: len(table) - n_held]


def _n_hanging_together(table: pd.DataFrame) -> int:
    """How many of the last variants share bases, whichever allele is REF: those that come next may, too."""
    starts = table["pos"].to_numpy()
    longest = np.array(
        [max(len(ref), *map(len, alt.split(","))) for ref, alt in zip(table["ref"], table["alt"], strict=True)]
    )
    reached = np.maximum.accumulate(starts + longest)
    is_first = np.append(True, starts[1:] >= reached[:-1])
    return len(table) - int(np.flatnonzero(is_first)[-1])


def _table(block: pa.RecordBatch, contig: str, first: int, line: int, path: Path) -> pd.DataFrame:
    text = {name: block.column(name).to_pylist() for name in block.schema.names if name not in {"#CHROM", "POS"}}
    return pd.DataFrame(
        {
            "row": np.arange(first, first + block.num_rows),
            "contig": contig,
            "pos": _positions(block, line, path),
            "variant_id": text["ID"],
            "ref": text["REF"],
            "alt": text["ALT"],
            "filter": text.get("FILTER", "."),
        }
    )


def _blocks(path: Path, columns: list[str], *, end: int | None = None) -> Iterator[tuple[int, int, pa.RecordBatch]]:
    """Line and row number of the first row, and the rows, block by block, up to row ``end``."""
    short: list[Any] = []

    def refuse(row: Any) -> str:
        short.append(row)
        return "error"

    first = 0
    with _open(path) as stream:
        header, n_lines = _read_header(stream, path)
        if not stream.peek(1):
            raise InputError(str(path), "has a header and no variant", "copy or make the file set again")
        wanted = [name for name in columns if name in header]
        try:
            for block in csv.open_csv(
                stream,
                # Without threads, a short row comes with its number.
                csv.ReadOptions(use_threads=False, column_names=header, block_size=BLOCK_BYTES),
                csv.ParseOptions(
                    delimiter="\t", quote_char=False, ignore_empty_lines=False, invalid_row_handler=refuse
                ),
                csv.ConvertOptions(
                    include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
                ),
            ):
                yield n_lines + 1 + first, first, block
                first += block.num_rows
                if end is not None and first >= end:
                    return
        except (pa.ArrowInvalid, OSError) as error:
            if short:
                row = short[0]
                raise InputError(
                    f"{path}:line {n_lines + row.number}",
                    f"has {row.actual_columns} columns, the header {row.expected_columns}",
                    "correct the row, or copy or make the file again",
                ) from error
            raise _unreadable(path, error) from error


@contextmanager
def _open(path: Path) -> Iterator[BufferedReader]:
    """The text of a file that ends as it should."""
    require_file(path, what=".pvar file")
    if path.suffix == ".zst":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as source, BufferedReader(source) as stream:
            yield stream
        return
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        if stream.read(1) != b"\n":
            raise InputError(
                str(path), "the last line does not end, the file may be cut short", "copy it again, or end the line"
            )
        stream.seek(0)
        yield stream


def _read_header(stream: BufferedReader, path: Path) -> tuple[list[str], int]:
    """Names of the columns, and the number of the line that they stand in."""
    n_bytes = n_lines = 0
    try:
        while (line := stream.readline(MAX_HEADER)).startswith(b"#"):
            n_bytes, n_lines = n_bytes + len(line), n_lines + 1
            if n_bytes >= MAX_HEADER:
                raise InputError(
                    f"{path}:header", f"the header is longer than {MAX_HEADER:,} bytes", "remove what it does not need"
                )
            if line.startswith(b"#CHROM"):
                return _column_names(line, path), n_lines
    except OSError as error:
        raise _unreadable(path, error) from error
    raise InputError(str(path), "no #CHROM header line", "make the file set by plink2 --make-pgen")


def _column_names(line: bytes, path: Path) -> list[str]:
    names = line.decode("utf-8", errors="replace").rstrip("\r\n").split("\t")
    absent = [name for name in _REQUIRED if name not in names]
    doubled = [name for name in names if names.count(name) > 1]
    if absent or doubled:
        raise InputError(
            f"{path}:header",
            f"no column {absent[0]}" if absent else f"column {doubled[0]} stands twice",
            "tabs must lie between #CHROM, POS, ID, REF, ALT and further columns, as plink2 writes them",
        )
    return names


def _positions(block: pa.RecordBatch, line: int, path: Path) -> NDArray[np.int64]:
    text = block.column("POS")
    numeric = pc.match_substring_regex(text, r"^[0-9]{1,9}$")
    valid = numeric.to_numpy(zero_copy_only=False)
    if valid.all():
        pos: NDArray[np.int64] = text.cast(pa.int64()).to_numpy()
        valid = pos <= LONGEST_CONTIG
    if not valid.all():
        bad = int((~valid).argmax())
        raise InputError(
            f"{path}:line {line + bad}",
            f"POS {text[bad].as_py()[:20]!r} is no number from 0 to {LONGEST_CONTIG:,}",
            "correct the row, or make the file set again",
        )
    return pos


def _allele_counts(block: pa.RecordBatch, line: int, path: Path) -> NDArray[np.uint8]:
    counts = pc.count_substring(block.column("ALT"), ",").to_numpy() + 2
    if counts.max() > MAX_ALLELES:
        raise InputError(
            f"{path}:line {line + int(counts.argmax())}",
            f"the variant has {counts.max()} alleles, a .pgen holds at most {MAX_ALLELES}",
            "give .pgen, .pvar and .psam of one file set",
        )
    return counts.astype(np.uint8)


def _runs(block: pa.RecordBatch) -> Iterator[tuple[str, int, int]]:
    """Contig, first and last + 1 row of each stretch of rows on one contig."""
    coded = block.column("#CHROM").dictionary_encode()
    codes = coded.indices.to_numpy()
    names = coded.dictionary.to_pylist()
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for start, end in pairwise(edges):
        yield names[codes[start]], start, end


def _require_new(name: str, names: list[str], contigs: dict[str, tuple[int, int]], where: str) -> None:
    if canonical_contig(name) in contigs:
        earlier = next(other for other in names if canonical_contig(other) == canonical_contig(name))
        raise InputError(
            where,
            f"contig {name} stands in two places (before as {earlier})",
            "give each contig one name and sort the file set: plink2 --sort-vars --make-pgen",
        )


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(str(path), f"cannot be read ({error})", "copy or make the file again")
