"""A disk that gets full costs a run, and nothing that it had stored."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from haploformer.errors import InputError
from haploformer.execution.fill import fill_store
from haploformer.execution.progress import status_path
from haploformer.formats import prediction_store
from tests.builders.predictions import FakeModel, fake_plan
from tests.full_disk import STORE_POINTS, NotMountedError, StoreRuns, WriteLimit, judge_line, mounted, run_store


def run_apart(function: str, folder: Path) -> None:
    """Call a function of this module in a process of its own: forks of one with many threads may wait for ever."""
    code = f"from pathlib import Path; from tests.test_full_disk import {function} as run; run(Path({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_full_disk__each_run_says_so_and_the_next_one_completes(tmp_path):
    try:
        with mounted(tmp_path / "disk", size="4m"):
            pass
    except NotMountedError as error:
        pytest.skip(f"no small disk can be mounted here ({error}); files of limited length stand for it")
    run_apart("fill_disk", tmp_path)


def fill_disk(folder: Path) -> None:
    points = [point for point in STORE_POINTS if "after a part" in point.name or point.needs_disk]
    with mounted(folder / "small", size="4m", n_names=300) as disk:
        found = list(run_store(disk, points=points))
    assert len(found) == 4
    assert all(not filled.wrong for filled in found), [filled.describe() for filled in found]


def test_write_limit__each_run_says_so_and_the_next_one_completes(tmp_path):
    run_apart("fill_to_the_limit", tmp_path)


def fill_to_the_limit(folder: Path) -> None:
    points = [point for point in STORE_POINTS if "after a part" not in point.name and not point.needs_disk][::2]
    found = list(run_store(WriteLimit(folder), points=points))
    assert [filled.point for filled in found] == points
    assert len(points) == 6
    assert all(not filled.wrong for filled in found), [filled.describe() for filled in found]

    # A point that is never reached, and a store that is not made again, are found.
    runs, never = StoreRuns(WriteLimit(folder)), replace(STORE_POINTS[1], pattern="no such file")
    assert {"exit code 0", "what a reader sees has changed"} < set(runs.fill_full(never, older=False).wrong)
    runs.expected = {}
    assert runs.fill_full(STORE_POINTS[1], older=True).wrong == ["the next run ends otherwise than an unbroken one"]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("Error: /disk/a: cannot be written (x); make room for 1,234 bytes and run again", []),
        ("Error: /disk: the predictions need 5 bytes, 3 are free; make room", []),
        ("OSError: /disk/a, make room for 5 bytes", ["no line begins with Error"]),
        ("Error: /other/a: make room for 5 bytes", ["no path on the disk"]),
        ("Error: /disk/a: cannot be written (x); make room", ["no number of bytes"]),
        ("Error: /disk/a: make room for 5 bytes\n", ["not one readable line"]),
    ],
)
def test_judge_line__what_is_missing(line, wrong):
    assert judge_line(line, Path("/disk"), stops=True) == wrong


def test_fill_store__the_status_tells_what_failed_after_the_last_shard(tmp_path, monkeypatch):
    store, write = tmp_path / "p.zarr", prediction_store.write_durably

    def no_room(path: Path, content: bytes, **options: str) -> None:
        if path.name == "windows.parquet":
            raise OSError(28, "No space left on device")
        write(path, content, **options)

    with monkeypatch.context() as patch:
        patch.setattr(prediction_store, "write_durably", no_room)
        with pytest.raises(InputError, match="No space left on device"):
            fill_store(store, fake_plan(["a", "b"], FakeModel()))
    status = json.loads(status_path(store).read_text())
    assert status["state"] == "failed"
    assert "No space left on device" in status["error"]
    fill_store(store, fake_plan(["a", "b"], FakeModel()))
    assert json.loads(status_path(store).read_text())["state"] == "finished"
