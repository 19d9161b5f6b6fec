"""Predictions of distinct windows on disk: a Zarr v3 array whose chunks are recorded in a manifest.

A shard is one chunk is one file: written to a temporary name, synced, renamed, and only then recorded with its sha256
and with the hash of everything that it depends on. The manifest alone says what is there. Work goes on in a folder
beside the store, which takes the store's place when the last shard is recorded.

One run at a time fills a store, or several that each have a part of the shards: each of them has a manifest of its own in
the folder, and a last run, which finds nothing left to compute, publishes them as one.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import platform
import shutil
import warnings
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.enformer.plan import PredictionPlan, RowRange
from haploformer.errors import InputError
from haploformer.formats.files import (
    replace_directory,
    room_for,
    sha256_file,
    sha256_json,
    write_durably,
    write_json,
)
from haploformer.formats.locks import FileLock
from haploformer.formats.stored_predictions import (
    ARRAY,
    CHECKSUMS,
    FILES,
    KEYS,
    MANIFEST,
    PART_MANIFESTS,
    PLAN,
    WINDOWS,
    chunk_is_whole,
    chunk_path,
    combined_facts,
    layout_of,
    predictions_exist,
    read_manifests,
    read_plan,
    read_predictions,
    stored_attributes,
)


class PredictionStore:
    """The store of one plan while it is being filled.

    Parameters
    ----------
    path : Path
        Where the finished store lies. What an earlier run left there or beside it is used where it is the same work.
    plan : PredictionPlan
        Where its execution is a part of the shards, others may fill the same store at the same time.

    Raises
    ------
    InputError
        If another run is filling the store, or the disk has not the room for what is to be written.
    """

    def __init__(self, path: Path, plan: PredictionPlan) -> None:
        self.path = path
        self.plan = plan
        self.depends = [_shard_dependency(plan, shard) for shard in plan.shards()]
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))
        with self._turn():
            alone = self._lock.acquire()
            if not alone and not (plan.execution.is_part and self._lock.acquire(shared=True)):
                raise _filled_by_another(path)
            try:
                self._open(alone=alone)
            except BaseException:
                self._lock.release()
                raise
            if plan.execution.is_part:
                self._lock.acquire(shared=True)

    def _open(self, *, alone: bool) -> None:
        """Find what is there, and write what a reader needs beside the shards."""
        if alone:
            self.folder = self._choose_folder()
            self._join_manifests()
        else:
            self.folder = self.path if self._is_published() else self._building
            if self._stored_depends(self.folder) != self.depends:
                raise _filled_by_another(self.path)
        self._done = {entry["shard"]: entry for entry in self._entries(self.folder)}
        if not self.is_finished():
            _require_room(self.path.parent, self.n_bytes_to_write)
        stale = self.folder != self.path or stored_attributes(self.path) != self._attributes
        if alone and stale:
            with room_for(self.folder, 1000 * len(self.plan.keys)):
                self._write_layout()

    def close(self) -> None:
        """Let others fill the store."""
        with self._turn():
            self._lock.release()

    def _turn(self) -> FileLock:
        """Held by who takes, changes or gives back the lock."""
        return FileLock(self.path.with_name(f".{self.path.name}.opening"))

    def __enter__(self) -> PredictionStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """Another process writes shards for the one that holds the lock, which records them."""
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def is_done(self, shard: RowRange) -> bool:
        """Whether the manifest records the shard for this plan, and its file has the recorded bytes."""
        entry = self._done.get(shard.index)
        return entry is not None and chunk_is_whole(self.folder, entry, self._layout)

    def n_done(self) -> int:
        """Shards that are done, those that other runs have recorded since included."""
        return self._count_usable(self.folder)

    def is_finished(self) -> bool:
        """Whether all shards are done."""
        return all(self.is_done(shard) for shard in self.plan.shards())

    @property
    def known_facts(self) -> dict[str, Any]:
        """Errors measured in the store that this one replaces; how many windows were measured is not counted again."""
        facts = combined_facts(self.path) if self._previous_rows else {}
        return {name: value for name, value in facts.items() if not isinstance(value, int)}

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured of all shards together."""
        return combined_facts(self.folder)

    def is_known(self, key: str) -> bool:
        """Whether `known_row` has the prediction of a window."""
        return key in self._previous_rows

    def known_row(self, key: str) -> NDArray[np.float32] | None:
        """The prediction of a window in the store that this one replaces, if it was made in the same way."""
        row = self._previous_rows.get(key)
        return None if row is None else np.asarray(self._previous_values[row])

    def write(self, shard: RowRange, rows: NDArray[np.float32], facts: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write a shard durably; what is to be recorded of it."""
        chunk = np.full((self.plan.shard_rows, *self.plan.row_shape), np.nan, "<f4")
        chunk[: len(rows)] = rows
        target = self._chunk_path(shard.index)
        content = chunk.tobytes()
        with room_for(target, len(content)):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_durably(target, content, writer=f"{platform.node()}-{os.getpid()}")
        return {
            "shard": shard.index,
            "rows": [shard.start, shard.stop],
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "finite": int(np.isfinite(rows).sum()),
            "depends": self.depends[shard.index],
        } | ({"facts": facts} if facts else {})

    def record(self, entry: dict[str, Any]) -> None:
        """Record, durably, that a shard is written."""
        part = self.plan.execution.name
        path = self.folder / (MANIFEST if part is None else f"manifest.{part}.jsonl")
        with room_for(path, 1000):
            _append_line(path, entry)
        self._done[entry["shard"]] = entry

    def finish(self) -> None:
        """Publish the store, all of its shards done, with nothing in it or beside it that is not its own."""
        assert self.is_finished(), "a shard is missing"
        assert not self.plan.execution.is_part, "others may be writing"
        with room_for(self.folder, 100 * len(self.plan.windows)):
            self._complete()
        if self.folder != self.path:
            replace_directory(self.folder, self.path)
            self.folder = self.path
        shutil.rmtree(self._building, ignore_errors=True)

    def _complete(self) -> None:
        """Write what stands beside the shards, and remove what is not the store's own."""
        windows = io.BytesIO()
        self.plan.windows.to_parquet(windows, index=False)
        write_durably(self.folder / WINDOWS, windows.getvalue())
        write_durably(self.folder / MANIFEST, _as_lines(self._done[shard] for shard in sorted(self._done)))
        self._remove_strays()
        write_json(self.folder / CHECKSUMS, {name: sha256_file(self.folder / name) for name in FILES})

    @property
    def _building(self) -> Path:
        return self.path.with_name(f".{self.path.name}.building")

    def _choose_folder(self) -> Path:
        """The finished store if it is already this plan's, else the folder where work goes on."""
        building = self._building
        if self._is_published():
            return self.path
        if self.path.exists() and not predictions_exist(self.path):
            if not any((self.path / name).is_file() for name in (PLAN, MANIFEST, KEYS)):
                raise InputError(
                    str(self.path), "something lies here that is no store of predictions", "move it, or remove it"
                )
            # Shards of it may be gone or torn; the others are as good as ever.
            if self._count_usable(self.path) >= self._count_usable(building):
                shutil.rmtree(building, ignore_errors=True)
                self.path.rename(building)
            else:
                shutil.rmtree(self.path)
        if building.exists() and layout_of(building) != self._layout:
            shutil.rmtree(building)
        building.mkdir(parents=True, exist_ok=True)
        return building

    def _is_published(self) -> bool:
        """Whether the finished store is this plan's."""
        return predictions_exist(self.path) and self._stored_depends(self.path) == self.depends

    def _stored_depends(self, folder: Path) -> list[str] | None:
        """What the shards of a folder depend on; None where they are cut otherwise."""
        plan = read_plan(folder)
        return plan["depends"] if plan is not None and layout_of(folder) == self._layout else None

    def _entries(self, folder: Path) -> Iterator[dict[str, Any]]:
        """What a folder's manifest records of this plan."""
        for entry in read_manifests(folder) if layout_of(folder) == self._layout else ():
            if entry["depends"] in self.depends[entry["shard"] : entry["shard"] + 1]:
                yield entry

    def _join_manifests(self) -> None:
        """Make one manifest of those of several runs: what is recorded from now on is later than all that is there."""
        parts = sorted(self.folder.glob(PART_MANIFESTS))
        if parts:
            write_durably(self.folder / MANIFEST, _as_lines(read_manifests(self.folder)))
            for path in parts:
                path.unlink()

    def _count_usable(self, folder: Path) -> int:
        """Shards of this plan that a folder holds."""
        return sum(chunk_is_whole(folder, entry, self._layout) for entry in self._entries(folder))

    def _remove_strays(self) -> None:
        """Remove what earlier plans and interrupted writes left in the folder."""
        own = {self._chunk_path(shard.index) for shard in self.plan.shards()}
        own |= {self.folder / name for name in (CHECKSUMS, *FILES)}
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path not in own:
                path.unlink()

    @property
    def _layout(self) -> dict[str, Any]:
        return {"shard_rows": self.plan.shard_rows, "row_shape": list(self.plan.row_shape)}

    def _chunk_path(self, shard: int) -> Path:
        return chunk_path(self.folder, shard, self._layout)

    @property
    def _attributes(self) -> dict[str, Any]:
        return _as_stored(self.plan.provenance | self.plan.identity)

    def _write_layout(self) -> None:
        """Metadata of the array, the window keys of its rows, and the plan; what is there already is replaced."""
        import zarr

        plan = self.plan
        scratch = self.folder / ".layout"
        shutil.rmtree(scratch, ignore_errors=True)
        group = zarr.open_group(scratch, mode="w", zarr_format=3)
        group.attrs.update(self._attributes)
        group.create_array(
            ARRAY,
            shape=(len(plan.keys), *plan.row_shape),
            chunks=(plan.shard_rows, *plan.row_shape),
            dtype="float32",
            fill_value=float("nan"),
            compressors=None,
            dimension_names=("window", *([plan.bins.dimension] if plan.bins.dimension else []), "track"),
            attributes={"unit": "coverage per 128 bp", "missing": "NaN"},
        )
        track = group.create_array(
            "track",
            shape=(len(plan.tracks),),
            dtype="int64",
            dimension_names=("track",),
            compressors=None,
            config={"write_empty_chunks": True},
        )
        track[:] = np.asarray(plan.tracks)
        # One file tells xarray what is there, so that it does not search the folder.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(group.store)
        keys = io.BytesIO()
        pd.DataFrame({"key": plan.keys}).to_parquet(keys, index=False)
        write_durably(self.folder / KEYS, keys.getvalue())
        for path in [p for p in scratch.rglob("*") if p.is_file()]:
            target = self.folder / path.relative_to(scratch)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        shutil.rmtree(scratch)
        record = self._layout | {"n_shards": len(self.depends), "identity": plan.identity, "depends": self.depends}
        write_json(self.folder / PLAN, record)

    @property
    def n_bytes_to_write(self) -> int:
        """Bytes of the shards that this run is to write."""
        missing = sum(not self.is_done(shard) for shard in self.plan.execution.chosen(self.plan.shards()))
        return missing * self.plan.shard_rows * math.prod(self.plan.row_shape) * 4

    @cached_property
    def _previous_rows(self) -> dict[str, int]:
        if self.folder == self.path or not predictions_exist(self.path):
            return {}
        plan = read_plan(self.path)
        if plan is None or plan["identity"] != _as_stored(self.plan.identity):
            return {}
        keys = pd.read_parquet(self.path / KEYS)["key"].tolist()
        return {key: row for row, key in enumerate(keys)}

    @cached_property
    def _previous_values(self) -> Any:
        return read_predictions(self.path).values


def _as_stored(value: dict[str, Any]) -> dict[str, Any]:
    """A JSON value as it is read back: tuples are lists."""
    stored: dict[str, Any] = json.loads(json.dumps(value))
    return stored


def _shard_dependency(plan: PredictionPlan, shard: RowRange) -> str:
    return sha256_json({"identity": plan.identity, "keys": plan.keys[shard.start : shard.stop]})


def _as_lines(entries: Iterable[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(entry, sort_keys=True)}\n" for entry in entries).encode()


def _append_line(path: Path, entry: dict[str, Any]) -> None:
    # A line that a crash tore off stays without its end; the newline before ours keeps it from swallowing this one.
    with path.open("ab") as stream:
        stream.write(b"\n" + json.dumps(entry, sort_keys=True).encode())
        stream.flush()
        os.fsync(stream.fileno())


def _filled_by_another(path: Path) -> InputError:
    return InputError(
        str(path),
        "another run is filling this store",
        "wait until it has ended, or give this one a folder of its own with run_name",
    )


def _require_room(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            str(folder),
            f"the predictions need {needed:,} bytes, {free:,} are free",
            "make room, choose fewer tracks, or another folder",
        )
