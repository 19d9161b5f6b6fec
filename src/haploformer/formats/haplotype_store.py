"""Distinct haplotype windows on disk: reference bases, edits, and who carries which window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.formats.files import publish_directory, read_json, write_json
from haploformer.genome.haplotype_windows import HaplotypeWindows

_PROVENANCE = "haplotypes.json"
_ARRAYS = ("reference", "carried")
_TABLES = ("genes", "windows", "haplotypes", "edits")


def write_haplotypes(haplotypes: HaplotypeWindows, path: Path) -> None:
    """Write a store; the folder is there whole or not at all."""
    with publish_directory(path) as folder:
        for name in _TABLES:
            getattr(haplotypes, name).to_parquet(folder / f"{name}.parquet", index=False)
        for name in _ARRAYS:
            _write_array(folder / f"{name}.npy", getattr(haplotypes, name))
        write_json(folder / _PROVENANCE, haplotypes.provenance)


def _write_array(path: Path, array: NDArray[Any]) -> None:
    """What `numpy.save` writes; of a full disk that does not say so."""
    array = np.ascontiguousarray(array)
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
        stream.write(array.data)


def read_haplotypes(path: Path) -> HaplotypeWindows:
    """Open a store; the arrays are mapped, not read."""
    return HaplotypeWindows(
        **{name: pd.read_parquet(path / f"{name}.parquet") for name in _TABLES},
        **{name: np.load(path / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS},
        provenance=read_json(path / _PROVENANCE),
    )


def haplotypes_exist(path: Path) -> bool:
    """Whether a finished store lies at ``path``."""
    return (path / _PROVENANCE).is_file()
