"""How far a run is: a bar on a terminal, plain lines elsewhere, and a file that other processes may read."""

from __future__ import annotations

import json
import logging
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from tqdm import tqdm

from haploformer.enformer.plan import PredictionPlan, ShardStatus

logger = logging.getLogger(__name__)

#: Seconds between two lines, and between two changes of the file.
SECONDS_BETWEEN_LINES, SECONDS_BETWEEN_STATUSES = 10.0, 1.0


def status_path(store: Path, part: str | None = None) -> Path:
    """Where the status of the run that fills a store, or a part of it, lies."""
    return store.with_name(f"{store.stem}.status{'' if part is None else f'.{part}'}.json")


def remove_part_statuses(store: Path) -> None:
    """Remove what the runs that each filled a part of a store have left."""
    for path in store.parent.glob(f"{store.stem}.status.*-of-*.json"):
        path.unlink(missing_ok=True)


class RunProgress:
    """Counts what a run has done, tells the terminal, and keeps a status file up to date.

    Parameters
    ----------
    store : Path
        The file lies beside it (`status_path`), and stays when the run is over.
    plan : PredictionPlan
    clock : callable
        Seconds.
    terminal : TextIO
        Where the bar goes; where it is no terminal, lines go to the log.
    """

    def __init__(
        self,
        store: Path,
        plan: PredictionPlan,
        *,
        clock: Callable[[], float] = time.monotonic,
        terminal: TextIO | None = None,
    ) -> None:
        self.path = status_path(store, plan.execution.name)
        self.plan = plan
        self._clock = clock
        self._began = clock()
        self._started = _now()
        shards = plan.execution.chosen(plan.shards())
        self.n_shards, self.n_windows = len(shards), sum(map(len, shards))
        self.n_shards_done = self.n_stored = self.n_computed = 0
        self._told, self._written = self._began, -float("inf")
        terminal = terminal or sys.stderr
        self._bar = (
            tqdm(total=self.n_windows, unit="window", desc="Enformer", file=terminal, mininterval=0.5)
            if terminal.isatty()
            else None
        )

    @property
    def rate(self) -> float | None:
        """Windows predicted per second; None before the first."""
        seconds = self._clock() - self._began
        return self.n_computed / seconds if self.n_computed and seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all windows are done, at the rate so far."""
        left = self.n_windows - self.n_stored - self.n_computed
        return 0.0 if left == 0 else left / self.rate if self.rate else None

    def add(self, status: ShardStatus) -> None:
        """Count a shard that is stored."""
        self.n_shards_done += 1
        self.n_computed += status.n_computed
        self.n_stored += len(status.shard) - status.n_computed
        self._tell(len(status.shard))
        if self._clock() - self._written >= SECONDS_BETWEEN_STATUSES:
            self._write("running")

    def describe(self) -> str:
        """One line: how many of how many, how fast, how long still."""
        done = self.n_stored + self.n_computed
        parts = [f"{done:,} of {self.n_windows:,} windows ({100 * done / max(self.n_windows, 1):.0f} %)"]
        if self.n_stored:
            parts.append(f"{self.n_stored:,} of them stored before")
        if self.rate and self.seconds_left is not None:
            parts += [f"{self.rate:.3g} windows/s", f"{describe_seconds(self.seconds_left)} left"]
        return ", ".join(parts)

    def _tell(self, n: int) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(f"{_distinct(self.plan):.0%} distinct", refresh=False)
            self._bar.update(n)
        elif self._clock() - self._told >= SECONDS_BETWEEN_LINES or self.n_shards_done == self.n_shards:
            self._told = self._clock()
            logger.info("Enformer: %s", self.describe())

    def _write(self, state: str, error: str | None = None) -> None:
        self._written = self._clock()
        status: dict[str, Any] = {
            "state": state,
            "part": self.plan.execution.name,
            "process": os.getpid(),
            "host": platform.node(),
            "started": self._started,
            "updated": _now(),
            "windows": {"total": self.n_windows, "stored_before": self.n_stored, "computed": self.n_computed},
            "shards": {"total": self.n_shards, "done": self.n_shards_done},
            "windows_per_second": self.rate,
            "seconds_left": self.seconds_left,
            "distinct_share": _distinct(self.plan),
            "peak_memory_bytes": peak_memory(),
        }
        if error is not None:
            status["error"] = error
        building = self.path.with_name(f".{self.path.name}.tmp")
        try:
            building.write_text(json.dumps(status, indent=1) + "\n", encoding="utf-8")
            building.replace(self.path)
        except OSError as failed:
            # Whoever looks misses a line; what is computed does not depend on it.
            logger.warning("%s cannot be written (%s)", self.path, failed.strerror)
            with suppress(OSError):
                building.unlink(missing_ok=True)

    def __enter__(self) -> RunProgress:
        self._write("running")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        if error is None:
            self._write("finished")
        else:
            self._write("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", str(error))


def _distinct(plan: PredictionPlan) -> float:
    """Distinct windows per chromosome copy (or sequence)."""
    return len(plan.keys) / max(len(plan.windows), 1)


def describe_seconds(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    for limit, unit, name, digits in ((90, 1, "s", 0), (5400, 60, "min", 0), (48 * 3600, 3600, "h", 1)):
        if seconds < limit:
            return f"{seconds / unit:.{digits}f} {name}"
    return f"{seconds / 86_400:.1f} days"


def peak_memory() -> int:
    """Most memory that this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
