"""One side of a measurement in processes of its own: every side is timed in the same way."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

from benchmarks.files import CohortFiles

#: Threads of one process, or processes of one thread.
CORES = 2

#: What a worker process holds.
_worker: dict[str, Any] = {}


class Side(NamedTuple):
    """How one tool opens what was prepared, builds all windows of a gene, and gives one sequence as letters.

    ``open`` is told how many threads it may use.
    """

    open: Callable[[CohortFiles, int], Any]
    build: Callable[[Any, int, int], Any]
    sequence: Callable[[Any, int, int, int], str]


def _begin(side: Side, files: CohortFiles, threads: int, all_here: Any) -> None:
    """In a worker process: load the code and make its tables once."""
    _worker.update(side=side, files=files, threads=threads, all_here=all_here)
    side.build(side.open(files, threads), 0, 4)


def _open(_: int) -> None:
    """Once in each worker process: open anew, so that nothing that was read before is at hand."""
    _worker["opened"] = _worker["side"].open(_worker["files"], _worker["threads"])
    _worker["all_here"].wait()


def _build(task: tuple[int, int]) -> Any:
    return _worker["side"].build(_worker["opened"], *task)


def time_in_one_process(side: Side, files: CohortFiles, batch: int) -> float:
    """Seconds to build all windows of all genes once; opening is left out."""
    side.build(side.open(files, CORES), 0, batch)
    opened = side.open(files, CORES)
    began = time.perf_counter()
    for gene in range(files.facts["genes"]):
        side.build(opened, gene, batch)
    return time.perf_counter() - began


def time_in_processes(side: Side, files: CohortFiles, batches: list[int], *, passes: int) -> dict[int, list[float]]:
    """The same, genes shared out to a process per core; what each gives back is waited for."""
    genes = range(files.facts["genes"])
    context = multiprocessing.get_context("fork")
    given = (side, files, 1, context.Barrier(CORES))
    seconds: dict[int, list[float]] = {}
    # An executor, for it tells when a process dies.
    with ProcessPoolExecutor(CORES, context, _begin, given) as pool:
        for batch in batches:
            for _ in range(passes):
                list(pool.map(_open, range(CORES)))
                began = time.perf_counter()
                list(pool.map(_build, [(gene, batch) for gene in genes]))
                seconds.setdefault(batch, []).append(time.perf_counter() - began)
    return seconds


def run(side: Side, files: CohortFiles, *, ways: list[tuple[int, int]], passes: int, copies: list[list[int]]) -> None:
    """Print the way with the shortest pass, its seconds, and some sequences, as one line of JSON.

    Parameters
    ----------
    ways : list of (processes, batch)
        ``processes`` is 1 or `CORES`.
    copies : list of [gene, person, haplotype]
    """
    several = [batch for processes, batch in ways if processes > 1]
    # First: a package that keeps threads is to be loaded in each process, not before they part.
    found = time_in_processes(side, files, several, passes=passes) if several else {}
    seconds = {(CORES, batch): values for batch, values in found.items()}
    for processes, batch in ways:
        if processes == 1:
            seconds[1, batch] = [time_in_one_process(side, files, batch) for _ in range(passes)]
    way = min(seconds, key=lambda tried: min(seconds[tried]))
    opened = side.open(files, CORES) if copies else None
    sequences = [side.sequence(opened, *copy) for copy in copies]
    print(json.dumps({"way": way, "seconds": seconds[way], "sequences": sequences}))
