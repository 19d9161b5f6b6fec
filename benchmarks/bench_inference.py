"""The engines `exact` and `delta` beside enformer-pytorch's forward, in one process, on distinct haplotypes of one gene.

    python -m benchmarks.bench_inference --preset full --haplotypes 32 --rounds 3

Both run with huge pages where the environment asks for them (`make` does: THP_MEM_ALLOC_ENABLE, GLIBC_TUNABLES). Each round
times the library on one window, then each engine on all of them from base codes to coverage, planning and tower included;
`delta` has the exact prediction of the window that it checks in it.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msprime
import numpy as np
import torch

from haploformer.enformer.cost import trunk_flops
from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS, Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import untrained_module
from haploformer.enformer.tower_plan import plan_tower
from tests.builders.enformer import CodeWindows

#: Common variants in a window of 196,608 bases at HapMap3's density.
BASES_PER_VARIANT = 1_800


def distinct_haplotypes(n: int, length: int, seed: int) -> CodeWindows:
    """The first ``n`` distinct haplotypes of a simulated population, of common SNPs (over 5 %) where the window is long."""
    rng = np.random.default_rng(seed)
    trees = msprime.sim_ancestry(
        8 * n, population_size=10_000, sequence_length=length, recombination_rate=1e-8, random_seed=seed + 1
    )
    trees = msprime.sim_mutations(trees, rate=1e-8, random_seed=seed + 1, model=msprime.BinaryMutationModel())
    sites = [(int(v.site.position), v.genotypes == 1) for v in trees.variants()]
    frequency = 0.05 if length > 100_000 else 0.0
    common = [(pos, carried) for pos, carried in sites if frequency <= carried.mean() <= 1 - frequency]
    chosen = sorted(rng.permutation(len(common))[: max(length // BASES_PER_VARIANT, 60)])
    positions = np.array([common[i][0] for i in chosen])
    carried = np.unique(np.stack([common[i][1] for i in chosen]).T, axis=0)
    carried = carried[rng.permutation(len(carried))[:n]]
    assert len(carried) == n, "too few distinct haplotypes"
    reference = rng.integers(0, 4, length).astype(np.uint8)
    codes = np.repeat(reference[None], n, axis=0)
    codes[:, positions] = np.where(carried, (reference[positions] + 1) % 4, reference[positions])
    return CodeWindows(codes)


def gemm_peak(seconds: float = 2.0) -> float:
    """Floating-point operations a second of a large float32 product."""
    a, b = torch.randn(1536, 1536), torch.randn(1536, 3072)
    torch.mm(a, b)
    n, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        torch.mm(a, b)
        n += 1
    return n * 2 * 1536 * 1536 * 3072 / (time.perf_counter() - began)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that some work takes, and its result."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def peak_mib(engine: str, options: argparse.Namespace) -> float:
    """Peak memory of a process of its own that runs one engine."""
    command = [sys.executable, "-m", "benchmarks.bench_inference", "--child", engine]
    command += ["--preset", options.preset, "--haplotypes", "4", "--seed", str(options.seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["peak_mib"])


class Prepared(NamedTuple):
    """Everything that is timed, and what it is asked for."""

    geometry: Geometry
    windows: CodeWindows
    engines: dict[str, Any]
    bins: list[int]
    tracks: list[int]


#: How to make each engine; ``delta`` whatever its error, which is measured here.
ENGINES: dict[str, Callable[..., Any]] = {
    "exact": ExactEngine,
    "library": LibraryEngine,
    "delta": partial(DeltaEngine, limit=float("inf")),
}


def prepare(options: argparse.Namespace, names: Sequence[str]) -> Prepared:
    """An untrained model in some engines, and the windows."""
    geometry = PRESETS[options.preset]
    module = untrained_module(geometry, seed=options.seed)
    engines = {name: ENGINES[name](module, geometry, batch_size=1) for name in names}
    windows = distinct_haplotypes(options.haplotypes, geometry.window, options.seed)
    return Prepared(geometry, windows, engines, list(geometry.centre_bins(10)), list(range(geometry.n_tracks)))


def run_child(options: argparse.Namespace) -> None:
    """Run one engine, and print the peak memory of the process."""
    made = prepare(options, [options.child])
    # Making untrained weights takes more than predicting: the peak counts from here (proc(5), clear_refs).
    Path("/proc/self/clear_refs").write_text("5")
    rows = range(len(made.windows)) if options.child == "exact" else [0]
    made.engines[options.child].predict(made.windows, rows, tracks=made.tracks, bins=made.bins)
    status = Path("/proc/self/status").read_text()
    print(json.dumps({"peak_mib": int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024}))


def delta_figures(t: dict[str, float], per_haplotype: float, n: int, by_delta: Any, found: Any) -> dict[str, float]:
    """What the rounds say of ``delta``: its times, and the error of its differences from the first window."""
    # Two windows of those that it predicts are exact: the reference, and the one that is checked.
    per_difference = (t["delta"] - t["shared"] - t["reference"] - 2 * per_haplotype) / n
    ours, exact = by_delta - by_delta[:1], found - found[:1]
    return {
        "seconds_delta_all": t["delta"],
        "seconds_delta_haplotype": per_difference,
        "speedup_delta_distinct": n * t["library"] / t["delta"],
        "speedup_delta_marginal": t["library"] / per_difference,
        "rel_error_difference_delta": float(np.abs(ours - exact).max() / np.abs(exact).max()),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=list(PRESETS), default="full")
    parser.add_argument("--haplotypes", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--delta", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--child", choices=["exact", "library"])
    options = parser.parse_args(arguments)
    if options.child:
        run_child(options)
        return
    geometry, windows, engines, bins, tracks = prepare(options, list(ENGINES))
    exact, library, n = engines["exact"], engines["library"], len(windows)
    asked = {"tracks": tracks, "bins": bins}
    times: dict[str, list[float]] = {"library": [], "exact": [], "delta": [], "shared": [], "reference": []}
    expected = []
    for i in range(options.rounds):
        # Another window each time: each is an answer to compare with, too.
        seconds, coverage = timed(lambda row=i % n: library.predict(windows, [row], **asked))
        times["library"].append(seconds)
        expected.append(coverage[0])
        seconds, found = timed(lambda: exact.predict(windows, range(n), **asked))
        times["exact"].append(seconds)
        if options.delta:
            seconds, by_delta = timed(lambda: engines["delta"].predict(windows, range(n), **asked))
            times["delta"].append(seconds)
        plan = plan_tower(windows.held)
        with torch.inference_mode():
            seconds, tokens = timed(lambda p=plan: exact.tower.compute(p))
            held = tokens[torch.from_numpy(plan.tokens[0])]
            if options.delta:
                times["reference"].append(timed(lambda x=held: engines["delta"].hold(x))[0])
        seconds_of_plan, _ = timed(lambda: plan_tower(windows.held))
        times["shared"].append(seconds + seconds_of_plan)
        print({name: round(values[-1], 2) for name, values in times.items() if values}, flush=True)
    compared = np.stack(expected)
    ours = found[: len(compared)] if len(compared) <= n else found[np.arange(len(compared)) % n]
    # With one round there is one window to compare, and no difference.
    differences = ours - ours[:1], compared - compared[:1]
    t = {name: statistics.median(values) for name, values in times.items() if values}
    per_haplotype = (t["exact"] - t["shared"]) / n
    peak = gemm_peak()
    flops = trunk_flops(geometry, len(bins), len(tracks))
    result = {
        "preset": options.preset,
        "haplotypes": n,
        "rounds": options.rounds,
        "seconds_library_window": t["library"],
        "seconds_exact_all": t["exact"],
        "seconds_exact_shared": t["shared"],
        "seconds_exact_haplotype": per_haplotype,
        "speedup_exact_distinct": n * t["library"] / t["exact"],
        "speedup_exact_marginal": t["library"] / per_haplotype,
        "max_abs_error_exact": float(np.abs(ours - compared).max()),
        "scale": float(np.abs(compared).max()),
        "rel_error_difference_exact": float(
            np.abs(differences[0] - differences[1]).max() / np.abs(differences[1]).max()
        ),
        "peak_rss_ratio": peak_mib("exact", options) / peak_mib("library", options),
        "trunk_gflop": flops / 1e9,
        "gemm_peak_gflops": peak / 1e9,
        "trunk_share_of_gemm_peak": flops / per_haplotype / peak,
        "distinct_positions": plan.n_entries,
        "spread": {name: [min(values), max(values)] for name, values in times.items() if values},
        "huge_pages": bool(os.environ.get("THP_MEM_ALLOC_ENABLE")),
        "machine": {"cores": os.cpu_count(), "threads": torch.get_num_threads(), "processor": platform.processor()},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }
    if options.delta:
        result |= delta_figures(t, per_haplotype, n, by_delta, found)
    width = max(map(len, result))
    for name, value in result.items():
        print(f"{name:<{width}}  {value if not isinstance(value, float) else f'{value:.6g}'}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
