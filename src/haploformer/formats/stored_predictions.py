"""Finished predictions on disk, as they are read and verified: a Zarr v3 array whose chunks a manifest records.

`haploformer.formats.prediction_store` fills them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.enformer.bins import CENTRE, KeptBins
from haploformer.enformer.plan import combine_facts
from haploformer.enformer.summaries import haplotype_mean
from haploformer.errors import InputError
from haploformer.formats.files import read_json, sha256_file

PLAN = "plan.json"
MANIFEST = "manifest.jsonl"
PART_MANIFESTS = "manifest.*-of-*.jsonl"
ARRAY = "predictions"
WINDOWS = "windows.parquet"
KEYS = "keys.parquet"
METADATA = "zarr.json"
CHECKSUMS = "checksums.json"
LAYOUT_FILES = (METADATA, f"{ARRAY}/{METADATA}", f"track/{METADATA}", "track/c/0", KEYS, PLAN)

#: What the manifest says of every shard.
_ENTRY = ("shard", "rows", "bytes", "sha256", "depends")

#: What stands beside the shards of a finished store, and has its sha256 recorded.
FILES = (MANIFEST, WINDOWS, *LAYOUT_FILES)


@dataclass(frozen=True)
class TrackPredictions:
    """A finished store, opened.

    Attributes
    ----------
    values : array-like float32 (n_rows, n_tracks) or (n_rows, n_bins, n_tracks)
        On disk; slicing reads. Coverage; `bins` tells over which bins it is averaged.
    tracks : int64 (n_tracks,)
        Track numbers of the columns.
    windows : DataFrame
        ``gene_id, individual_id, haplotype, window``; the reference window has nulls for person and haplotype. Of
        sequences without people: ``sequence, window``.
    attributes : dict
        Identity and provenance.
    path : Path
        Where the store lies.
    """

    values: Any
    tracks: NDArray[np.int64]
    windows: pd.DataFrame
    attributes: dict[str, Any]
    path: Path

    @property
    def bins(self) -> KeptBins:
        """Which bins are stored, and how they are averaged."""
        return KeptBins.of_attributes(self.attributes)

    def mean_coverage(self, window: NDArray[np.int64], *, over: str = CENTRE) -> NDArray[np.float32]:
        """Mean over the centre bins, or over ``all``, of the numbered windows: float32 (*window.shape, n_tracks).

        Every stretch of the array is read once.
        """
        unique, position = np.unique(window, return_inverse=True)
        return self.bins.mean(self.rows(unique), over=over)[position.reshape(window.shape)]

    def rows(self, window: NDArray[np.int64]) -> NDArray[np.float32]:
        """What is stored of some windows, given in ascending order: float32 (n_windows, ..., n_tracks)."""
        return np.asarray(self.values.get_orthogonal_selection((window, *[slice(None)] * (self.values.ndim - 1))))

    def of_genes(self, gene_ids: Sequence[str]) -> NDArray[np.float32]:
        """What is stored of each gene's window, one per gene: float32 (n_genes, ..., n_tracks)."""
        window = self.windows.set_index("gene_id")["window"].loc[list(gene_ids)].to_numpy()
        # Windows of equal sequence are stored once.
        unique, place = np.unique(window, return_inverse=True)
        return self.rows(unique)[place]

    def log_coverage(self, gene_id: str, *, individual_ids: Sequence[str]) -> NDArray[np.float64]:
        """log2(coverage + 1) of each person on every stored track at the centre bins, (n_individuals, n_tracks)."""
        copies = self.windows[self.windows["gene_id"] == gene_id]
        copies = copies[copies["individual_id"].isin(individual_ids)]
        person = pd.Index(individual_ids).get_indexer(copies["individual_id"])
        coverage = self.mean_coverage(copies["window"].to_numpy())
        return np.log2(haplotype_mean(coverage, person, len(individual_ids)) + 1)


def read_predictions(path: Path) -> TrackPredictions:
    """Open a finished store; also ``xarray.open_zarr(path)``."""
    import zarr

    group = zarr.open_group(path, mode="r")
    return TrackPredictions(
        values=group[ARRAY],
        tracks=np.asarray(group["track"]),
        windows=pd.read_parquet(path / WINDOWS),
        attributes=dict(group.attrs) | combined_facts(path),
        path=path,
    )


def verify_predictions(path: Path) -> pd.DataFrame:
    """Hash every file of a finished store again, and compare with what was recorded when it was written.

    Returns
    -------
    DataFrame
        One row per file: ``file`` (within the store), ``first_window, last_window`` (rows of a shard, the last one
        exclusive; null for other files), ``n_bytes, state``: ``whole``, ``damaged`` or ``missing``.
    """
    recorded = _recorded_checksums(path)
    # Without it nothing but the shards is known: it is itself a row.
    rows: list[tuple[Path, int | None, int | None, str]] = [(path / CHECKSUMS, None, None, "")] if not recorded else []
    rows += [(path / name, None, None, sha256) for name, sha256 in sorted(recorded.items())]
    gone = [name for name in FILES if name not in recorded and not (path / name).is_file()]
    rows += [(path / name, None, None, "") for name in gone]
    # Shards are known by these two: where one is damaged, the others are not looked at.
    if all(_state(path / name, recorded[name])[1] == "whole" for name in (PLAN, MANIFEST) if name in recorded):
        rows += _recorded_shards(path)
    states = [(*_state(file, sha256), first, last) for file, first, last, sha256 in rows]
    names = [str(file.relative_to(path)) for file, *_ in rows]
    table = pd.DataFrame(states, columns=["n_bytes", "state", "first_window", "last_window"])
    windows = table[["first_window", "last_window"]].astype("Int64")
    return pd.DataFrame({"file": names, **windows, "n_bytes": table["n_bytes"], "state": table["state"]})


def _recorded_checksums(path: Path) -> dict[str, str]:
    """sha256 of each file beside the shards; none where the record is gone or damaged."""
    try:
        recorded = dict(read_json(path / CHECKSUMS))
    except (OSError, ValueError, TypeError):
        return {}
    return recorded if all(isinstance(sha256, str) for sha256 in recorded.values()) else {}


def _recorded_shards(path: Path) -> list[tuple[Path, int, int, str]]:
    """File, first and last window and sha256 of each shard; none where the plan is gone or damaged."""
    try:
        plan = read_plan(path)
    except InputError:
        return []
    if plan is None:
        return []
    entries = sorted(read_manifests(path), key=lambda entry: entry["shard"])
    return [(chunk_path(path, entry["shard"], plan), *entry["rows"], entry["sha256"]) for entry in entries]


def combined_facts(path: Path) -> dict[str, Any]:
    """What engines measured, over all shards."""
    return combine_facts(entry.get("facts", {}) for entry in read_manifests(path))


def _state(file: Path, sha256: str) -> tuple[int, str]:
    if not file.is_file():
        return 0, "missing"
    return file.stat().st_size, "whole" if sha256_file(file) == sha256 else "damaged"


def predictions_exist(path: Path) -> bool:
    """Whether the manifest records every shard of the plan and each has its file, with the recorded bytes."""
    if not all((path / name).is_file() for name in FILES):
        return False
    plan = read_plan(path)
    entries = {entry["shard"]: entry for entry in read_manifests(path)}
    return plan is not None and all(
        i in entries and entries[i]["depends"] == depends and chunk_is_whole(path, entries[i], plan)
        for i, depends in enumerate(plan["depends"])
    )


def stored_attributes(path: Path) -> Any:
    """The attributes of a store; None where its metadata are damaged."""
    try:
        return read_json(path / METADATA)["attributes"]
    except (ValueError, TypeError, KeyError):
        return None


def layout_of(folder: Path) -> dict[str, Any] | None:
    """Rows of a shard and shape of a row, as the folder's plan has them; None where there is no plan."""
    plan = read_plan(folder)
    return plan and {"shard_rows": plan["shard_rows"], "row_shape": plan["row_shape"]}


def read_plan(folder: Path) -> dict[str, Any] | None:
    """The plan of a folder, if it has one; InputError where it cannot be read."""
    path = folder / PLAN
    if not path.is_file():
        return None
    try:
        plan = read_json(path)
        if not plan.keys() >= {"shard_rows", "row_shape", "identity", "depends"}:
            raise ValueError("an entry is missing")
    except (ValueError, AttributeError) as error:
        raise InputError(
            str(path), f"the plan of the stored predictions is damaged ({error})", "remove it: they are made again"
        ) from error
    return dict(plan)


def chunk_path(folder: Path, shard: int, layout: dict[str, Any]) -> Path:
    """Zarr names a chunk by its place on every axis; ours are cut along the first only."""
    return folder.joinpath(ARRAY, "c", str(shard), *["0"] * len(layout["row_shape"]))


def chunk_is_whole(folder: Path, entry: dict[str, Any], layout: dict[str, Any]) -> bool:
    """Whether a shard has its file, with the recorded bytes."""
    path = chunk_path(folder, entry["shard"], layout)
    return path.is_file() and path.stat().st_size == entry["bytes"]


def read_manifests(folder: Path) -> Iterator[dict[str, Any]]:
    """Entries of the manifest and of those of runs that each fill a part, which are later; the last of each shard."""
    latest = {entry["shard"]: entry for entry in _read_manifest(folder / MANIFEST)}
    parts: dict[int, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob(PART_MANIFESTS)):
        for entry in {entry["shard"]: entry for entry in _read_manifest(path)}.values():
            parts.setdefault(entry["shard"], []).append(entry)
    plan = read_plan(folder)
    for shard, entries in parts.items():
        # Which of two runs wrote the file last, the file tells.
        same = len({entry["sha256"] for entry in entries}) == 1
        chosen = entries if same or plan is None else [e for e in entries if _has_content(folder, e, plan)]
        latest[shard] = (chosen or entries)[-1]
    yield from latest.values()


def _read_manifest(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of one manifest; a torn or damaged line is none."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            if all(name in entry for name in _ENTRY):
                yield entry
        except (ValueError, TypeError):
            continue


def _has_content(folder: Path, entry: dict[str, Any], layout: dict[str, Any]) -> bool:
    path = chunk_path(folder, entry["shard"], layout)
    return path.is_file() and sha256_file(path) == entry["sha256"]
