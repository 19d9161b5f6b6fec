"""Errors of the engines in float32 against enformer-pytorch in float64, and the time that planning a tower takes.

    python -m benchmarks.bench_precision
    python -m benchmarks.bench_precision --preset small --haplotypes 8

Width and depth are the preset's, windows are short, so that float64 is affordable; weights are untrained. An error is told
of the coverage, and of what haplotypes differ from the first one by, relative to the largest difference. Planning is of
whole windows: from their sequences, and from alleles alone. The last line is JSON.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.bench_inference import distinct_haplotypes, timed
from benchmarks.processes import machine
from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import HEAD, untrained_module
from haploformer.enformer.tower_plan import plan_tower, plan_tower_from_alleles
from tests.builders.enformer import AlleleWindows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and one line of JSON."""
    options = _parse(arguments)
    geometry = replace(
        PRESETS[options.preset], window=options.window, n_bins=options.window // 256, tabulated_gamma=False
    )
    windows = AlleleWindows(distinct_haplotypes(options.haplotypes, geometry.window, options.seed).held)
    module = untrained_module(geometry, seed=options.seed)
    bins, tracks = list(geometry.centre_bins(10)), list(range(geometry.n_tracks))
    exact = _in_float64(module, windows)[:, bins][:, :, tracks]
    engines: dict[str, Any] = {
        "library": LibraryEngine(module, geometry, batch_size=1),
        "exact": ExactEngine(module, geometry, batch_size=1),
        "delta": DeltaEngine(module, geometry, batch_size=1, limit=float("inf")),
    }
    result: dict[str, Any] = {"preset": options.preset, "window": geometry.window, "haplotypes": len(windows)}
    found = {}
    for name, engine in engines.items():
        found[name] = engine.predict(windows, range(len(windows)), tracks=tracks, bins=bins).astype(np.float64)
        result |= {f"{key}_{name}": value for key, value in errors(found[name], exact).items()}
    result["scale"] = float(np.abs(exact).max())
    result["max_abs_exact_minus_library"] = float(np.abs(found["exact"] - found["library"]).max())
    result |= plan_times(options.planned, options.seed)
    result["machine"] = machine()
    width = max(map(len, result))
    for name, value in result.items():
        print(f"{name:<{width}}  {value if not isinstance(value, float) else f'{value:.3g}'}")
    print(json.dumps(result))
    return 0


def _in_float64(module: Any, windows: AlleleWindows) -> NDArray[np.float64]:
    """enformer-pytorch's forward, one window at a time (n_windows, n_bins, n_tracks)."""
    double = copy.deepcopy(module).double().eval()
    with torch.inference_mode():
        rows = [double(torch.from_numpy(windows.one_hot([i])).double())[HEAD][0].numpy() for i in range(len(windows))]
    return np.stack(rows)


def errors(found: NDArray[np.float64], exact: NDArray[np.float64]) -> dict[str, float]:
    """Of coverage (n_windows, n_bins, n_tracks), and of the differences from the first window."""
    error, difference = found - exact, exact - exact[:1]
    return {
        "max_abs_error": float(np.abs(error).max()),
        "rms_error": float(np.sqrt((error**2).mean())),
        "rel_error_difference": float(np.abs(error - error[:1]).max() / np.abs(difference).max()),
    }


def plan_times(n: int, seed: int) -> dict[str, float]:
    """Seconds to plan the tower of some haplotypes of a whole window, from sequences and from alleles."""
    windows = AlleleWindows(distinct_haplotypes(n, PRESETS["full"].window, seed).held)
    snps = windows.snps(range(n))
    assert snps is not None
    from_sequences, one = timed(lambda: plan_tower(windows.held))
    from_alleles, other = timed(lambda: plan_tower_from_alleles(snps))
    assert one.n_entries == other.n_entries
    return {
        "planned_haplotypes": n,
        "planned_alleles": len(snps.positions),
        "seconds_plan_from_sequences": from_sequences,
        "seconds_plan_from_alleles": from_alleles,
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=list(PRESETS), default="full")
    parser.add_argument("--window", type=int, default=24_576)
    parser.add_argument("--haplotypes", type=int, default=16)
    parser.add_argument("--planned", type=int, default=211)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
