"""Runs whose disk gets full: one line that says where and how much is needed, then completion to the same bytes.

    python -m tests.full_disk

On a disk of a few MiB in memory (a tmpfs, which root can mount) a store of predictions is filled, and the disk gets full at
one point after the other: before the layout, within the first, a middle and the last shard, in the manifest, and so on to
the checksums; once beside nothing, once beside an older store. Then the same with ``kedro run`` and the whole project on
such a disk, from the first table to the report. Each run must end with exit code 1 and one line that names a path on the
disk and the bytes needed, leave nothing half-written where a reader would look, and, when there is room again, go on to
the sha256 of an unbroken run. What ends the process: 0 if all is as it should be, or if nothing can be mounted; 1
otherwise.
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from haploformer.cli import describe_error
from haploformer.execution.fill import fill_store
from haploformer.formats.stored_predictions import predictions_exist, verify_predictions
from tests.builders.demo import keep_genes
from tests.builders.predictions import FakeModel, fake_plan
from tests.conftest import ROOT, copy_project
from tests.killed_runs import hash_tree

# Disks -----------------------------------------------------------------------------------------------------------------


class SmallDisk:
    """A mounted disk, which a file of its own fills.

    Parameters
    ----------
    folder : Path
        Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / ".ballast"

    def fill(self, leave: int) -> None:
        """Leave so many bytes free."""
        state = os.statvfs(self.folder)
        with self._ballast.open("ab") as stream:
            stream.write(bytes(state.f_bavail * state.f_frsize - leave))

    def fill_names(self) -> None:
        """Leave room for no further file or folder."""
        self._ballast.mkdir()
        try:
            for i in range(10**6):
                (self._ballast / str(i)).touch()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise

    def empty(self) -> None:
        """Make room again."""
        if self._ballast.is_dir():
            shutil.rmtree(self._ballast)
        self._ballast.unlink(missing_ok=True)


class WriteLimit:
    """Where no disk can be mounted: the process itself may not write files beyond some length.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, leave: int) -> None:
        """Let no file become longer than ``leave`` bytes."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (leave, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    def empty(self) -> None:
        """Let files become as long as they like."""
        self.fill(resource.getrlimit(resource.RLIMIT_FSIZE)[1])


Disk = SmallDisk | WriteLimit


class NotMountedError(Exception):
    """Who runs this may not mount a disk, or the system knows none in memory."""


@contextmanager
def mounted(folder: Path, *, size: str, n_names: int = 0) -> Iterator[SmallDisk]:
    """A disk in memory; NotMountedError if it cannot be mounted.

    Parameters
    ----------
    folder : Path
    size : str
        As mount knows it: ``4m``.
    n_names : int
        How many files and folders it may hold; no limit if 0.
    """
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={n_names}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotMountedError("there is no command mount") from error
    if done.returncode:
        raise NotMountedError(done.stderr.strip() or "mount fails")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


# Points ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """When the disk gets full.

    Attributes
    ----------
    name : str
    pattern : str
        Of the path of the file that is opened to be written, or of the folder that is made.
    nth : int
        Which time.
    leave : int
        Bytes that stay free.
    names : bool
        Whether there is room for bytes, but for no further file.
    stops : bool
        Whether the run must stop; if not, there is room again before the next file.
    """

    name: str
    pattern: str
    nth: int = 1
    leave: int = 0
    names: bool = False
    stops: bool = True

    @property
    def needs_disk(self) -> bool:
        """Whether a limit of the process is not enough."""
        return self.names or self.name.startswith("before")


_SHARD = r"/c/\d+/\.0\.[^/]*tmp$"

#: Of the run that fills a store of five shards.
STORE_POINTS = [
    Point("before the start, seen by the plan", r"\.lock$", leave=8_192),
    Point("in the keys of the layout", r"/\.keys\.parquet\.tmp$"),
    Point("in the metadata of the layout", r"/\.layout/"),
    Point("in the plan", r"/\.plan\.json\.tmp$"),
    Point("in the first shard", _SHARD),
    Point("in a middle shard, after a part of it", _SHARD, nth=3, leave=4_096),
    Point("in the last shard", _SHARD, nth=5),
    Point("in the folder of a shard", r"/predictions/c/2$", names=True),
    Point("in the manifest's first line", r"/manifest\.jsonl$"),
    Point("in the manifest's fourth line, after a part of it", r"/manifest\.jsonl$", nth=4),
    Point("in windows.parquet", r"/\.windows\.parquet\.tmp$"),
    Point("in the manifest as a whole", r"/\.manifest\.jsonl\.tmp$"),
    Point("in the checksums", r"/\.checksums\.json\.tmp$"),
    Point("in the status file, first", r"/\.predictions\.status\.json\.tmp$", stops=False),
    Point("in the status file, last", r"/\.predictions\.status\.json\.tmp$", nth=2, stops=False),
]

#: Of ``kedro run`` with all of the project on the disk.
RUN_POINTS = [
    Point("in the first table", r"/\.genes\.parquet\.tmp$"),
    Point("in the alleles", r"/\.variants\.tmp/alleles\.zarr/", nth=2),
    Point("in the variants' last file", r"/\.variants\.tmp/\.genotypes\.json\.tmp$"),
    Point("in the windows' bases", r"/\.haplotype_windows\.tmp/reference\.npy$", leave=8_192),
    Point("in a shard", _SHARD, nth=3),
    Point("in the summaries", r"/\.enformer_summaries\.parquet\.tmp$"),
    Point("in the elastic net", r"/\.elastic_net_weights\.parquet\.tmp$"),
    Point("in a figure", r"/figures/\.scores_by_model\.json\.tmp$"),
    Point("in the scores", r"/\.scores\.json\.tmp$"),
    Point("in the report, after a part of it", r"/\.report\.html\.tmp$", leave=1_048_576),
    Point("in what Kedro-Viz notes of a run", r"/\.viz/", stops=False),
]


def fill_at(point: Point, disk: Disk) -> None:
    """From now on, fill the disk when this process comes to the point."""
    state = {"seen": 0, "filling": False, "full": False}

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in {"open", "os.mkdir"} or state["filling"] or not _writes(event, arguments):
            return
        state["filling"] = True
        path = os.fsdecode(arguments[0])
        if state["full"] and not point.stops and not re.search(point.pattern, path):
            disk.empty()
            state["full"] = False
        state["seen"] += bool(re.search(point.pattern, path))
        if state["seen"] == point.nth and not state["full"] and re.search(point.pattern, path):
            if point.names:
                assert isinstance(disk, SmallDisk)
                disk.fill_names()
            else:
                disk.fill(point.leave)
            state["full"] = True
        state["filling"] = False

    sys.addaudithook(watch)


def _writes(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "os.mkdir":
        return True
    # Without a mode it is `os.open`, by which empty files are made.
    _, mode, flags = arguments
    return mode is not None and bool(flags & (os.O_WRONLY | os.O_RDWR))


@dataclass
class Filled:
    """What came of a full disk.

    Attributes
    ----------
    point : Point
    line : str
        What the run said at last.
    wrong : list of str
        What is not as it should be.
    """

    point: Point
    line: str
    wrong: list[str]

    def describe(self) -> str:
        """A line of the table, and one with what the run said."""
        return f"{self.point.name:48} {'; '.join(self.wrong) or 'as it should be'}\n    {self.line}"


def judge_line(line: str, folder: Path, *, stops: bool) -> list[str]:
    """What is wrong with the last line of a run."""
    if not stops:
        return []
    checks = {
        "no line begins with Error": line.startswith("Error: "),
        "no path on the disk": str(folder) in line,
        "no number of bytes": re.search(r"(room for|more than|need) [\d,]+ bytes", line) is not None,
        "not one readable line": line.isprintable() and len(line) < 1500,
    }
    return [said for said, fine in checks.items() if not fine]


# A store of predictions ------------------------------------------------------------------------------------------------

KEYS = [f"key{i}" for i in range(18)]

#: Of each shard: lines of the manifest are so long that one takes more than what is left of a page of the disk.
MEASURED = {f"measured_{i}": 0.5 for i in range(150)}


class StoreRuns:
    """Runs that fill a store of simulated predictions, 32 kB a shard, in processes forked from this one.

    Parameters
    ----------
    disk : SmallDisk or WriteLimit
    """

    def __init__(self, disk: Disk) -> None:
        # Once, and not in each of the processes.
        import zarr  # noqa: F401

        self.disk = disk
        self.store = disk.folder / "runs" / "predictions.zarr"
        assert self.fill() == (0, ""), "a run on an empty disk fails"
        self.expected = self.hashes()

    def fill_full(self, point: Point, *, older: bool) -> Filled:
        """A run whose disk gets full, and the next one; beside an older store, or beside nothing."""
        shutil.rmtree(self.store.parent)
        if older:
            self.fill(seed=1)
        before = hash_tree(self.store)
        code, line = self.fill(point)
        self.disk.empty()
        wrong = judge_line(line, self.disk.folder, stops=point.stops)
        if code != int(point.stops):
            wrong.append(f"exit code {code}")
        if point.stops and hash_tree(self.store) != before:
            wrong.append("what a reader sees has changed")
        if predictions_exist(self.store) and set(verify_predictions(self.store)["state"]) != {"whole"}:
            wrong.append("a reader would trust what is not whole")
        if self.fill() != (0, ""):
            wrong.append("the next run fails")
        if self.hashes() != self.expected:
            wrong.append("the next run ends otherwise than an unbroken one")
        return Filled(point, line, wrong)

    def fill(self, point: Point | None = None, *, seed: int = 0) -> tuple[int, str]:
        """Exit code and last line of a run in a process of its own."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os._exit(self._fill(point, seed, writing))
        os.close(writing)
        with os.fdopen(reading) as stream:
            line = stream.read()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), line

    def _fill(self, point: Point | None, seed: int, told: int) -> int:
        try:
            if point is not None:
                fill_at(point, self.disk)
            plan = fake_plan(KEYS, FakeModel(seed=seed), tracks=range(2_000))
            fill_store(self.store, replace(plan, facts=lambda: MEASURED))
            return 0
        except BaseException as error:
            line = describe_error(error)
            os.write(told, (f"Error: {line}" if line else f"{type(error).__name__}: {error}").encode())
            return 1

    def hashes(self) -> dict[str, str]:
        """sha256 of all that lies where the store is."""
        return hash_tree(self.store.parent)


def run_store(disk: Disk, *, points: list[Point] | None = None) -> Iterator[Filled]:
    """Fill a store, all points one after the other, each beside nothing and beside an older store."""
    runs = StoreRuns(disk)
    for point in points or STORE_POINTS:
        if isinstance(disk, SmallDisk) or not point.needs_disk:
            alone, beside = (runs.fill_full(point, older=older) for older in (False, True))
            yield replace(alone, wrong=alone.wrong + [f"beside an older store: {said}" for said in beside.wrong])


# kedro run -------------------------------------------------------------------------------------------------------------


class ProjectRuns:
    """``kedro run`` with a copy of the project on a small disk.

    Parameters
    ----------
    disk : SmallDisk
    """

    def __init__(self, disk: SmallDisk) -> None:
        self.disk = disk
        self.project = copy_project(disk.folder / "project")
        keep_genes(self.project, 2)
        assert self.run()[0] == 0, "a run on an empty disk fails"
        self.expected = self.hashes()

    def fill_full(self, point: Point) -> Filled:
        """A run whose disk gets full, and the next one, which makes only what is missing."""
        for folder in self.project.root.glob("data/0[2-8]*"):
            shutil.rmtree(folder)
        code, line = self.run(point)
        self.disk.empty()
        wrong = judge_line(line, self.disk.folder, stops=point.stops)
        if code != int(point.stops):
            wrong.append(f"exit code {code}")
        seen = {path: sha256 for path, sha256 in self.hashes().items() if "/." not in path}
        if half := [path for path, sha256 in seen.items() if self.expected.get(path) != sha256]:
            wrong.append(f"half-written: {half[0]}")
        code, line_after = self.run(options=["--only-missing-outputs"])
        if code:
            wrong.append(f"the next run fails: {line_after}")
        if self.hashes() != self.expected:
            wrong.append("the next run ends otherwise than an unbroken one")
        return Filled(point, line, wrong)

    def run(self, point: Point | None = None, *, options: list[str] | None = None) -> tuple[int, str]:
        """Exit code and last line of ``kedro run``."""
        number = -1 if point is None else RUN_POINTS.index(point)
        code = f"from tests.full_disk import run_kedro; run_kedro({str(self.disk.folder)!r}, {number})"
        command = [sys.executable, "-c", code, "run", "--env", "test", *(options or [])]
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"DO_NOT_TRACK": "1", "PYTHONPATH": paths, "HAPLOFORMER_RESTARTED": "1"}
        home = {"HOME": str(self.disk.folder)}
        done = subprocess.run(
            command, cwd=self.project.root, env=environment | home, capture_output=True, text=True, timeout=600
        )
        return done.returncode, (done.stderr.splitlines() or [""])[-1] if done.returncode else ""

    def hashes(self) -> dict[str, str]:
        """sha256 of every output."""
        return hash_tree(*sorted(self.project.root.glob("data/0[2-8]*")))


def run_kedro(folder: str, number: int) -> None:
    """Kedro's command line in this process, whose disk gets full at one of `RUN_POINTS`, or not (-1)."""
    from kedro.framework.cli.cli import main as kedro

    if number >= 0:
        fill_at(RUN_POINTS[number], SmallDisk(Path(folder)))
    sys.argv[0] = "full_disk"
    kedro()


def run_project(disk: SmallDisk, *, points: list[Point] | None = None) -> Iterator[Filled]:
    """``kedro run``, all points one after the other."""
    runs = ProjectRuns(disk)
    yield from map(runs.fill_full, points or RUN_POINTS)


def main(arguments: list[str] | None = None) -> int:
    """Fill the disk at all points, and print what came of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["store", "kedro"])
    options = parser.parse_args(arguments)
    n = n_wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, size, n_names, run in _RUNS:
            if options.only not in (None, name):
                continue
            try:
                with mounted(Path(folder) / name, size=size, n_names=n_names) as disk:
                    for filled in run(disk):
                        print(filled.describe(), flush=True)
                        n, n_wrong = n + 1, n_wrong + bool(filled.wrong)
            except NotMountedError as error:
                print(f"skipped: no small disk can be mounted here ({error}); root can")
                return 0
    print(f"{n - n_wrong} of {n} points as they should be")
    return int(n_wrong > 0)


_RUNS: list[tuple[str, str, int, Callable[[SmallDisk], Iterator[Filled]]]] = [
    ("store", "4m", 300, run_store),
    ("kedro", "24m", 0, run_project),
]


if __name__ == "__main__":
    sys.exit(main())
