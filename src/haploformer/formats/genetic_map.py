"""Genetic maps in PLINK's format, as they are published for Beagle: contig, id, centimorgans, position."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.files import require_file, sha256_json
from haploformer.genome.contigs import canonical_contig

_COLUMNS = ["contig", "id", "cm", "pos"]


@dataclass(frozen=True)
class GeneticMap:
    """Genetic positions along contigs.

    Attributes
    ----------
    name : str
        What it is called in outputs: the name of the file or folder.
    rows : dict of contig to text
        The lines of each contig, its name canonical.
    """

    name: str
    rows: dict[str, str]

    @property
    def sha256(self) -> str:
        """sha256 of the lines."""
        return sha256_json(self.rows)


def read_genetic_map(path: Path, contigs: Collection[str]) -> GeneticMap:
    """Read the lines of some contigs from a file, or from the files ``*.map`` of a folder.

    Raises
    ------
    InputError
        If a file is absent or not of this format, a contig is missing or stands in two files, or its positions do not
        ascend.
    """
    files = sorted(path.glob("*.map")) if path.is_dir() else [path]
    if not files:
        raise InputError(str(path), "the folder holds no *.map", "give a genetic map in PLINK's format, or its folder")
    found: dict[str, Path] = {}
    rows: dict[str, str] = {}
    for file in files:
        table = _read_table(file)
        for contig in table["contig"].unique():
            if contig not in contigs:
                continue
            if contig in found:
                raise InputError(str(file), f"contig {contig} stands in {found[contig].name}, too", "keep one of them")
            found[contig] = file
            rows[contig] = _checked_rows(table[table["contig"] == contig], file)
    absent = [contig for contig in contigs if contig not in rows]
    if absent:
        raise InputError(
            str(path),
            f"the genetic map has no contig {absent[0]}",
            "give the map of each chosen chromosome, or none: 1 cM is then 1 Mb",
        )
    return GeneticMap(path.name, rows)


def _read_table(path: Path) -> pd.DataFrame:
    require_file(path, what="genetic map", remedy="check data_prep.beagle.map")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"not UTF-8 text ({error})", "give an unpacked map in PLINK's format") from error
    cells = [line.split() for line in lines]
    for number, row in enumerate(cells, start=1):
        if len(row) not in {0, len(_COLUMNS)}:
            raise InputError(
                f"{path}:line {number}",
                f"has {len(row)} columns, 4 are expected (contig, id, centimorgans, position)",
                "give a genetic map in PLINK's format",
            )
    table = pd.DataFrame(cells, columns=_COLUMNS, index=range(1, len(cells) + 1)).dropna()
    return table.assign(contig=table["contig"].map(canonical_contig))


def _checked_rows(table: pd.DataFrame, path: Path) -> str:
    """The lines of one contig; each position beyond the one before, and no genetic distance below 0."""
    cm, pos = (pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float) for name in ("cm", "pos"))
    bad = ~(np.isfinite(cm) & np.isfinite(pos))
    bad[1:] |= (np.diff(pos) <= 0) | (np.diff(cm) < 0)
    if bad.any():
        raise InputError(
            f"{path}:line {table.index[int(bad.argmax())]}",
            "centimorgans and position are no numbers, or do not ascend",
            "correct or sort the map",
        )
    if cm[0] == cm[-1]:
        raise InputError(str(path), "all lines of a contig have the same centimorgans", "give a map with distances")
    return "".join(f"{contig} . {c} {p}\n" for contig, c, p in table[["contig", "cm", "pos"]].values.tolist())
