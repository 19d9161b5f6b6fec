"""Windows of single variants on disk: those of each strand as haplotypes are stored, and the table of what they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from haploformer.formats.files import publish_directory, read_json, write_json
from haploformer.formats.haplotype_store import read_haplotypes, write_haplotypes
from haploformer.genome.variant_windows import STRANDS, EditedWindows

_TABLE = "table.parquet"
_SUMMARY = "windows.json"


def write_edited_windows(windows: EditedWindows, path: Path) -> None:
    """Write a store; the folder is there whole or not at all."""
    names = STRANDS[: len(windows.strands)]
    with publish_directory(path) as folder:
        for name, strand in zip(names, windows.strands, strict=True):
            write_haplotypes(strand, folder / name)
        windows.table.to_parquet(folder / _TABLE, index=False)
        write_json(folder / _SUMMARY, {"strands": list(names)})


def read_edited_windows(path: Path) -> EditedWindows:
    """Open a store; the arrays are mapped, not read."""
    names = read_json(path / _SUMMARY)["strands"]
    return EditedWindows(tuple(read_haplotypes(path / name) for name in names), pd.read_parquet(path / _TABLE))


def edited_windows_exist(path: Path) -> bool:
    """Whether a finished store lies at ``path``."""
    return (path / _SUMMARY).is_file()
