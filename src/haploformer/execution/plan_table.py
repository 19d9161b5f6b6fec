"""What a run is going to do, told before it starts: how much work, how many bytes, how many hours."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from haploformer.enformer.cost import library_flops, tower_flops, trunk_flops
from haploformer.enformer.devices import inference
from haploformer.enformer.engine import InferenceEngine
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.parts import planned_parts
from haploformer.enformer.plan import PredictionPlan, RowPredictor, RowRange
from haploformer.enformer.tower_plan import TowerPlan
from haploformer.execution.progress import describe_seconds
from haploformer.formats.prediction_store import PredictionStore

#: Shards whose distinct positions are counted; the others are taken to be like them.
SHARDS_COUNTED = 3

#: Windows of such a shard that are looked at.
WINDOWS_COUNTED = 64


@dataclass(frozen=True)
class PlannedWork:
    """Figures of a plan.

    Attributes
    ----------
    n_genes, n_individuals, n_copies : int
        A copy is one person's chromosome copy in one gene's window; of sequences there are as many as windows.
    n_distinct, n_missing : int
        Distinct windows, and those of them that this run predicts.
    tokens_per_window : float
        Distinct tokens that a window of a shard adds; NaN where the engine shares none.
    flops, naive_flops : float
        Of this run; of enformer-pytorch's forward on every copy.
    n_bytes, n_free : int
        To be written, and free on the disk.
    seconds : float
        At the rate of `probe_rate`.
    """

    n_genes: int
    n_individuals: int
    n_copies: int
    n_distinct: int
    n_missing: int
    tokens_per_window: float
    flops: float
    naive_flops: float
    n_bytes: int
    n_free: int
    seconds: float

    def describe(self) -> str:
        """One line for each figure."""
        rows = [
            ("genes", f"{self.n_genes:,}" if self.n_genes else "none"),
            ("people", f"{self.n_individuals:,}" if self.n_individuals else "none"),
            (
                "windows",
                f"{self.n_copies:,}, of which {self.n_distinct:,} are distinct and {self.n_missing:,} to predict",
            ),
        ]
        if self.n_missing:
            if not np.isnan(self.tokens_per_window):
                rows.append(("tokens", f"{self.tokens_per_window:,.0f} distinct ones a window"))
            times = f", {self.naive_flops / self.flops:,.1f} times as many by one forward pass each"
            rows.append(("operations", f"{self.flops:.2e}{times}"))
            rows.append(("to be written", f"{self.n_bytes:,} bytes, {self.n_free:,} are free"))
            rows.append(("time", f"about {describe_seconds(self.seconds)}, by a short probe of this machine"))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def measure_plan(
    plan: PredictionPlan, store: PredictionStore, *, rate: Callable[[InferenceEngine, int, int], float] | None = None
) -> PlannedWork:
    """Count what a run has to do.

    Parameters
    ----------
    rate : callable, optional
        Operations a second from engine, number of bins and of tracks; `probe_rate` if not given.
    """
    predictor = plan.predict_rows
    assert isinstance(predictor, RowPredictor), "the plan's engine is not known"
    engine, geometry = predictor.engine, predictor.engine.geometry
    missing = [shard for shard in plan.execution.chosen(plan.shards()) if not store.is_done(shard)]
    unknown = {shard.index: _unknown_rows(plan, store, shard) for shard in missing}
    n_missing = sum(map(len, unknown.values()))
    counted = _choose([shard for shard in missing if unknown[shard.index]], SHARDS_COUNTED)
    plans = [plan for shard in counted for plan in _plan_towers(engine, predictor, unknown[shard.index])]
    n_bins, n_tracks = len(plan.bins.wanted), len(plan.tracks)
    copies = plan.windows[plan.windows["individual_id"].notna()] if "individual_id" in plan.windows else plan.windows
    naive = library_flops(geometry)
    flops = n_missing * _flops_of_window(geometry, plans, n_bins, n_tracks)
    per_second = (rate or probe_rate)(engine, n_bins, n_tracks) if n_missing else 1.0
    return PlannedWork(
        n_genes=plan.windows["gene_id"].nunique() if "gene_id" in plan.windows else 0,
        n_individuals=copies["individual_id"].nunique() if "individual_id" in copies else 0,
        n_copies=len(copies),
        n_distinct=len(plan.keys),
        n_missing=n_missing,
        tokens_per_window=_tokens_per_window(plans),
        flops=flops,
        naive_flops=naive * len(copies),
        n_bytes=store.n_bytes_to_write,
        n_free=shutil.disk_usage(store.path.parent).free,
        seconds=flops / per_second,
    )


def _plan_towers(engine: InferenceEngine, predictor: RowPredictor, rows: list[int]) -> list[TowerPlan]:
    if not isinstance(engine, ExactEngine):
        return []
    chosen = predictor.representative[rows[:WINDOWS_COUNTED]].tolist()
    length = engine.geometry.window
    parts = planned_parts(predictor.windows, chosen, length=length, with_reference=False, ahead=False)
    return [part.plan for part in parts]


def _unknown_rows(plan: PredictionPlan, store: PredictionStore, shard: RowRange) -> list[int]:
    return [row for row in range(shard.start, shard.stop) if not store.is_known(plan.keys[row])]


def _choose(shards: list[RowRange], n: int) -> list[RowRange]:
    """Up to ``n`` shards, evenly from the first to the last."""
    return [shards[i] for i in np.unique(np.linspace(0, len(shards) - 1, n).round().astype(int))] if shards else []


def _tokens_per_window(plans: list[TowerPlan]) -> float:
    n_windows = sum(len(plan.tokens) for plan in plans)
    return sum(plan.n_entries[-1] for plan in plans) / n_windows if n_windows else float("nan")


def _flops_of_window(geometry: Geometry, plans: list[TowerPlan], n_bins: int, n_tracks: int) -> float:
    if not plans:
        return library_flops(geometry)
    n_windows = sum(len(plan.tokens) for plan in plans)
    shared = sum(tower_flops(geometry, plan.n_entries) for plan in plans) / n_windows
    return shared + trunk_flops(geometry, n_bins, n_tracks)


def probe_rate(engine: InferenceEngine, n_bins: int, n_tracks: int) -> float:
    """Operations a second: of one window's transformer, or of a large product where the engine is the library's forward."""
    geometry = engine.geometry
    if not isinstance(engine, ExactEngine):
        a, b = torch.randn(geometry.n_tokens, geometry.dim), torch.randn(geometry.dim, 2 * geometry.dim)
        return _rate(lambda: torch.mm(a, b), 4 * geometry.n_tokens * geometry.dim**2)
    tokens = torch.randn(geometry.n_tokens, geometry.dim, device=engine.device)
    numbers = torch.arange(geometry.n_tokens)[None]
    bins = list(geometry.centre_bins(max(2, n_bins - n_bins % 2)))
    wanted: dict[str, Any] = {"bins": bins, "tracks": list(range(n_tracks)), "batch_size": 1}
    with inference(geometry):
        return _rate(
            lambda: engine.trunk.compute(tokens, numbers, **wanted), trunk_flops(geometry, len(bins), n_tracks)
        )


def _rate(work: Callable[[], Any], flops: float, *, seconds: float = 0.2) -> float:
    """Operations a second of some work, which is repeated where once is too short to tell."""
    began, n = time.perf_counter(), 0
    while n == 0 or time.perf_counter() - began < seconds:
        work()
        n += 1
    return n * flops / (time.perf_counter() - began)
