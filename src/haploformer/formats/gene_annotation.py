"""Gene names and strands from a GTF (GENCODE, Ensembl)."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_gzip, require_whole
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.files import read_lines, require_file
from haploformer.genome.contigs import canonical_contig

_ATTRIBUTE = re.compile(r'(\w+) "([^"]*)"')

_STRANDS = ("+", "-", ".")

_COLUMNS = ["gene_id", "gene_name", "gene_type", "contig", "strand"]


def no_annotation() -> pd.DataFrame:
    """The annotation of a study that has none: genes keep their ids as names."""
    return pd.DataFrame({name: [] for name in _COLUMNS}, dtype=object)


def read_gene_annotation(path: Path) -> pd.DataFrame:
    """The gene lines of a GTF.

    Returns
    -------
    DataFrame
        ``gene_id`` (as written), ``gene_name``, ``gene_type``, ``contig`` (canonical), ``strand``.

    Raises
    ------
    InputError
        If the file is absent, damaged, or a line too short, has no line of a gene, or one without an id.
    """
    require_file(path, what="gene annotation")
    require_whole(path)
    require_recorded_checksum(path)
    opener: Callable[..., Any] = gzip.open if is_gzip(path) else open
    rows = []
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            for number, line in enumerate(read_lines(stream, path), start=1):
                cells = line.rstrip("\n").split("\t")
                if line.startswith("#") or not line.strip():
                    continue
                if len(cells) < 9:
                    raise InputError(
                        f"{path}:line {number}", f"the line has {len(cells)} cells, a GTF has 9", "correct the line"
                    )
                if cells[2] == "gene":
                    rows.append(_gene(cells, f"{path}:line {number}"))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(
            str(path), f"the gene annotation cannot be read ({error})", "correct or make the file again"
        ) from error
    if not rows:
        raise InputError(str(path), "the gene annotation has no line of type gene", "give a GTF (GENCODE, Ensembl)")
    return pd.DataFrame(rows, columns=_COLUMNS)


def _gene(cells: list[str], where: str) -> tuple[str, str, str, str, str]:
    attributes: dict[str, str] = dict(_ATTRIBUTE.findall(cells[8]))
    if "gene_id" not in attributes:
        raise InputError(where, "a gene line without gene_id", "give a GTF (GENCODE, Ensembl)")
    if cells[6] not in _STRANDS:
        raise InputError(where, f"strand {cells[6]!r} is none of {', '.join(_STRANDS)}", "correct the line")
    gene_id = attributes["gene_id"]
    kind = attributes.get("gene_type", attributes.get("gene_biotype", ""))
    return gene_id, attributes.get("gene_name", gene_id), kind, canonical_contig(cells[0]), cells[6]
