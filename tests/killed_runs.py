"""Runs that are killed at random moments and run again: nothing lost, nothing half-written, hardly anything done twice.

    python -m tests.killed_runs --times 180 --kedro 20 --seed 0

A run on simulated haplotypes is killed (SIGKILL) at a moment, at an operation on a file, or in the middle of a line of
the manifest, each drawn at random; run again it must leave the same bytes as an unbroken run, having predicted at most one
shard twice. Then the same through ``kedro run`` in a copy of the project: all results must have the same sha256. What ends
the process: 0 if all is as it should be.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from haploformer.enformer.bins import KeptBins
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.model import untrained_module
from haploformer.enformer.plan import PredictionPlan, plan_predictions
from haploformer.execution.fill import fill_store
from haploformer.formats import prediction_store
from tests.builders.enformer import CodeWindows
from tests.conftest import copy_project

WAYS = ("moment", "file", "torn line")


def hash_tree(*folders: Path) -> dict[str, str]:
    """sha256 of every result below some folders: what tells how a run went (status, logs) is none."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".status." not in path.name
    }


@dataclass
class Killed:
    """What came of one kill.

    Attributes
    ----------
    way : str
    seconds : float
        From the start to the end of the process that was to be killed.
    survived : bool
        Whether it ended before.
    n_twice : int
        Shards that were predicted more than once.
    same : bool
        Whether the results are those of an unbroken run.
    """

    way: str
    seconds: float
    survived: bool
    n_twice: int
    same: bool


class Harness:
    """Kills runs that fill a store by a plan, in processes forked from this one.

    Parameters
    ----------
    plan : PredictionPlan
    folder : Path
        Where stores are made.
    """

    def __init__(self, plan: PredictionPlan, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "predicted.log"
        predict = plan.predict_rows

        def predict_and_tell(rows: Any) -> Any:
            with self._log.open("a") as stream:
                stream.write(f"{min(rows)}\n")
            return predict(rows)

        self.plan = replace(plan, predict_rows=predict_and_tell)
        self.store = folder / "killed" / "predictions.zarr"
        began = time.monotonic()
        self._fork(lambda: None)
        self.seconds = time.monotonic() - began
        self.expected = self._hashes()
        self.n_steps = self._count_steps()

    def kill(self, way: str, rng: np.random.Generator) -> Killed:
        """Kill one run, run it again, and compare."""
        self._clear()
        delay, ready = None, (lambda: None)
        if way == "moment":
            delay = float(rng.uniform(0, self.seconds))
        elif way == "file":
            ready = _die_at_step(self.folder, int(rng.integers(1, self.n_steps)))
        else:
            ready = _die_in_line(int(rng.integers(len(self.plan.shards()))), float(rng.uniform(0, 1)))
        began = time.monotonic()
        status = self._fork(ready, delay)
        seconds = time.monotonic() - began
        survived = status == 0
        assert survived or status == -signal.SIGKILL, f"the run ended by itself ({status})"
        assert self._fork(lambda: None) == 0, "the second run failed"
        rows = self._log.read_text().split()
        n_twice = len(rows) - len(set(rows))
        return Killed(way, seconds, survived, n_twice, self._hashes() == self.expected)

    def _fork(self, ready: Callable[[], None], delay: float | None = None) -> int:
        """Fill the store in a process of its own, which may be killed after ``delay`` seconds; its exit code."""
        child = os.fork()
        if child == 0:
            try:
                ready()
                fill_store(self.store, self.plan)
                os._exit(0)
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                os._exit(1)
        if delay is not None:
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _count_steps(self) -> int:
        self._clear()
        counted = self.folder / "steps"
        self._fork(_die_at_step(self.folder, 10**9, counted))
        return len(counted.read_text())

    def _clear(self) -> None:
        shutil.rmtree(self.store.parent, ignore_errors=True)
        self._log.unlink(missing_ok=True)

    def _hashes(self) -> dict[str, str]:
        return hash_tree(self.store.parent)


def _die_at_step(folder: Path, step: int, counted: Path | None = None) -> Callable[[], None]:
    """End the process before its n-th operation on files of a folder."""

    def ready() -> None:
        done = 0

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal done
            if event not in {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "os.truncate"}:
                return
            path = str(arguments[0])
            if not path.startswith(str(folder)) or path.endswith((".log", "steps")):
                return
            done += 1
            if counted is not None:
                with counted.open("a") as stream:
                    stream.write("x")
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)

    return ready


def _die_in_line(line: int, share: float) -> Callable[[], None]:
    """End the process when a part of the n-th line of the manifest is written."""

    def ready() -> None:
        written, append = 0, prediction_store._append_line

        def torn(path: Path, entry: dict[str, Any]) -> None:
            nonlocal written
            if written == line:
                content = b"\n" + json.dumps(entry, sort_keys=True).encode()
                with path.open("ab", buffering=0) as stream:
                    stream.write(content[: int(share * len(content))])
                os.kill(os.getpid(), signal.SIGKILL)
            written += 1
            append(path, entry)

        prediction_store._append_line = torn

    return ready


def small_plan(n_genes: int, *, n_windows: int = 64, seed: int = 0) -> PredictionPlan:
    """Simulated haplotypes of some genes, by the engine ``exact`` with the smallest untrained network."""
    geometry, rng = PRESETS["tiny"], np.random.default_rng(seed)
    codes = np.repeat(rng.integers(0, 4, (n_genes, geometry.window)).astype(np.uint8), n_windows, axis=0)
    for row in codes:
        places = rng.integers(0, geometry.window, 8)
        row[places] = (row[places] + 1) % 4
    carriers = pd.DataFrame(
        {
            "gene_id": np.repeat([f"g{i}" for i in range(n_genes)], n_windows),
            "individual_id": np.tile([f"P{i}" for i in range(n_windows)], n_genes),
            "haplotype": pd.array([0] * len(codes), dtype="Int64"),
            "window": np.arange(len(codes)),
        }
    )
    engine = ExactEngine(untrained_module(geometry, seed=seed), geometry, batch_size=4)
    return plan_predictions(
        engine,
        CodeWindows(codes),
        [hashlib.sha256(row.tobytes()).hexdigest() for row in codes],
        carriers,
        tracks=list(range(geometry.n_tracks)),
        bins=KeptBins("centre", tuple(geometry.centre_bins(10)), geometry.n_bins),
        shard_rows=16,
        identity={"weights": "untrained"},
        provenance={},
    )


def run_harness(folder: Path, *, times: int, seed: int, n_genes: int = 6) -> list[Killed]:
    """Kill runs in forked processes, in all ways by turns."""
    torch.set_num_threads(1)
    harness, rng = Harness(small_plan(n_genes), folder), np.random.default_rng(seed)
    return [harness.kill(WAYS[i % len(WAYS)], rng) for i in range(times)]


def run_kedro(folder: Path, *, times: int, seed: int) -> list[Killed]:
    """Kill ``kedro run`` at random moments."""
    made, rng = copy_project(folder / "project"), np.random.default_rng(seed)
    command = [sys.executable, "-m", "kedro", "run", "--env", "test", "--params"]

    def start(name: str) -> subprocess.Popen[bytes]:
        # In a group of its own: what it starts dies with it.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = os.environ | {"DO_NOT_TRACK": "1"}
        return subprocess.Popen(
            [*command, f"run_name={name}"], cwd=made.root, env=environment, start_new_session=True, **quiet
        )

    def results(name: str) -> dict[str, str]:
        folders = sorted(made.root.glob(f"data/*/test/{name}"))
        found = hash_tree(*folders)
        # The report tells the folder's name.
        return {k.replace(f"/{name}/", "/"): v for k, v in found.items() if not k.endswith(".html")}

    began = time.monotonic()
    assert start("unbroken").wait() == 0
    whole, expected = time.monotonic() - began, results("unbroken")
    killed = []
    for i in range(times):
        process, began = start(f"killed{i}"), time.monotonic()
        time.sleep(float(rng.uniform(0, whole)))
        survived = process.poll() is not None
        if not survived:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        seconds = time.monotonic() - began
        assert start(f"killed{i}").wait() == 0, "the second run failed"
        killed.append(Killed("kedro run", seconds, survived, 0, results(f"killed{i}") == expected))
    return killed


def tell(killed: list[Killed]) -> int:
    """Print a line for each way, and how many are not as they should be."""
    for way in dict.fromkeys(one.way for one in killed):
        of_way = [one for one in killed if one.way == way]
        bad = [one for one in of_way if not one.same or one.n_twice > 1]
        print(
            f"{way:10} {len(of_way):4} times, {sum(one.survived for one in of_way)} too late, "
            f"{len(bad)} not as they should be, at most {max(one.n_twice for one in of_way)} shard predicted twice",
            flush=True,
        )
    return sum(not one.same or one.n_twice > 1 for one in killed)


def main(arguments: list[str] | None = None) -> int:
    """Kill as often as asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=180)
    parser.add_argument("--kedro", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bad = tell(run_harness(Path(folder), times=options.times, seed=options.seed)) if options.times else 0
        bad += tell(run_kedro(Path(folder), times=options.kedro, seed=options.seed)) if options.kedro else 0
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
