"""Gene names and strands from a GTF (GENCODE, Ensembl)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.bgzf import is_gzip, require_whole
from haploformer.formats.files import require_file
from haploformer.genome.contigs import canonical_contig

_ATTRIBUTE = re.compile(r'(\w+) "([^"]*)"')


def read_gene_annotation(path: Path) -> pd.DataFrame:
    """The gene lines of a GTF.

    Returns
    -------
    DataFrame
        ``gene_id`` (as written), ``gene_name``, ``gene_type``, ``contig`` (canonical), ``strand``.

    Raises
    ------
    InputError
        If the file is absent or a gene line has no id.
    """
    require_file(path, what="gene annotation")
    require_whole(path)
    opener: Callable[..., Any] = gzip.open if is_gzip(path) else open
    rows = []
    with opener(path, "rt") as stream:
        for number, line in enumerate(stream, start=1):
            cells = line.rstrip("\n").split("\t")
            if line.startswith("#") or len(cells) < 9 or cells[2] != "gene":
                continue
            attributes = dict(_ATTRIBUTE.findall(cells[8]))
            if "gene_id" not in attributes:
                raise InputError(
                    f"{path}:line {number}", "a gene line without gene_id", "give a GTF (GENCODE, Ensembl)"
                )
            gene_id = attributes["gene_id"]
            kind = attributes.get("gene_type", attributes.get("gene_biotype", ""))
            rows.append((gene_id, attributes.get("gene_name", gene_id), kind, canonical_contig(cells[0]), cells[6]))
    return pd.DataFrame(rows, columns=["gene_id", "gene_name", "gene_type", "contig", "strand"])
