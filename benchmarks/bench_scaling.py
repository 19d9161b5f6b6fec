"""Time and memory of one gene's predictions against the number of people, and of their distinct haplotypes.

    python -m benchmarks.bench_scaling
    python -m benchmarks.bench_scaling --people 50 100 --preset tiny

Each cohort is simulated (`benchmarks.cohort`) and predicted by the engine ``exact`` in a process of its own: from the
genotype store to a finished store of predictions. Then five people more are added: what is computed for them is counted.
The peak of memory is of the process, imports and untrained weights included. ``--plot FILE`` draws both as a page.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.files import CONTIG, CohortFiles
from benchmarks.processes import call, machine

#: People who come later.
ADDED = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and one line of JSON; 1 if adding people computes anything that is known."""
    options = _parse(arguments)
    if options.child:
        print(json.dumps(run_child(CohortFiles(options.child), options.preset, options.seed)))
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for n_people in options.people:
            target = Path(name) / str(n_people)
            simulated = [str(target), str(n_people), "1", str(options.seed), json.dumps({"snps": 0.0})]
            call([sys.executable, "-m", "benchmarks.cohort", *simulated])
            child = [sys.executable, "-m", "benchmarks.bench_scaling", "--preset", options.preset]
            row = json.loads(call([*child, "--child", str(target / "snps")]).splitlines()[-1])
            rows.append(row)
            if n_people == options.people[0]:
                print("  ".join(f"{key:>16}" for key in row))
            print("  ".join(f"{value:>16,}" for value in row.values()), flush=True)
    peaks = [row["peak_mib"] for row in rows]
    result = {
        "preset": options.preset,
        "rows": rows,
        "peak_rss_ratio": round(max(peaks) / min(peaks), 3),
        "seconds_per_distinct_window": [round(row["seconds"] / row["distinct"], 4) for row in rows],
        "known_computed_again": sum(row["added_computed"] - row["added_distinct"] for row in rows),
        "machine": machine(),
        "huge_pages": bool(os.environ.get("THP_MEM_ALLOC_ENABLE")),
    }
    if options.plot:
        draw(rows, options.plot)
    print(json.dumps(result))
    return int(result["known_computed_again"] != 0)


def run_child(files: CohortFiles, preset: str, seed: int) -> dict[str, Any]:
    """Predict everybody but the last five people, then everybody."""
    from benchmarks.ours import open_store, prepare
    from haploformer.enformer.exact import ExactEngine
    from haploformer.enformer.geometry import PRESETS
    from haploformer.enformer.model import untrained_module
    from haploformer.execution.fill import fill_store

    geometry = PRESETS[preset]
    engine = ExactEngine(untrained_module(geometry, seed=seed), geometry, batch_size=1)
    prepare(files)
    opened = open_store(files, 1)
    n_people = len(opened.genotypes.individual_ids)
    store = files.folder / "predictions.zarr"
    first = _plan(engine, opened, n_people - ADDED)
    began = time.perf_counter()
    fill_store(store, first)
    seconds = time.perf_counter() - began
    known, computed = set(first.keys), []
    plan = _plan(engine, opened, n_people)
    predict = plan.predict_rows

    def predict_and_count(rows: Any) -> Any:
        computed.extend(rows)
        return predict(rows)

    fill_store(store, replace(plan, predict_rows=predict_and_count))
    status = Path("/proc/self/status").read_text()
    return {
        "people": n_people,
        "copies": 2 * (n_people - ADDED),
        "distinct": len(first.keys),
        "seconds": round(seconds, 2),
        "peak_mib": round(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024),
        "added_distinct": len(set(plan.keys) - known),
        "added_computed": len(computed),
    }


def _plan(engine: Any, opened: Any, n_people: int) -> Any:
    """The plan of the first people of a cohort."""
    import pandas as pd

    from haploformer.enformer.bins import KeptBins
    from haploformer.enformer.plan import plan_predictions
    from haploformer.genome.genotypes import Genotypes
    from haploformer.genome.haplotype_windows import combine_genes
    from haploformer.genome.haplotypes import collect_gene_haplotypes
    from haploformer.genome.windows import tss_window

    stored, geometry, tss = opened.genotypes, engine.geometry, opened.tss[0]
    chosen = Genotypes(
        stored.records,
        stored.individual_ids[:n_people],
        np.asarray(stored.alleles[slice(None)])[:, :n_people],
        0,
        stored.provenance,
        stored.intervals,
    )
    window = tss_window(CONTIG, tss, geometry.window)
    found = collect_gene_haplotypes(chosen, opened.reference, window, tss, max_missing=0.0)
    genes = pd.DataFrame({"gene_id": ["g"], "contig": [CONTIG]})
    windows = combine_genes(genes, [found], chosen.individual_ids, provenance={})
    return plan_predictions(
        engine,
        windows,
        windows.keys,
        windows.carriers(),
        tracks=list(range(geometry.n_tracks)),
        bins=KeptBins("centre", tuple(geometry.centre_bins(10)), geometry.n_bins),
        shard_rows=64,
        identity={"weights": "untrained"},
        provenance={},
    )


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Seconds and memory against people and against distinct haplotypes, as a page."""
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(2, 2, shared_yaxes="rows", horizontal_spacing=0.05, vertical_spacing=0.12)
    for column, (x, x_title) in enumerate([("people", "people"), ("distinct", "distinct haplotypes")], start=1):
        for row, (y, y_title) in enumerate([("seconds", "seconds"), ("peak_mib", "peak memory (MiB)")], start=1):
            points = go.Scatter(x=[r[x] for r in rows], y=[r[y] for r in rows], mode="lines+markers", showlegend=False)
            figure.add_trace(points, row=row, col=column)
            figure.update_xaxes(title=x_title, rangemode="tozero", row=row, col=column)
            figure.update_yaxes(title=y_title if column == 1 else None, rangemode="tozero", row=row, col=column)
    figure.update_layout(title="One gene, engine exact, untrained weights", template="plotly_white", height=700)
    figure.write_html(path, include_plotlyjs=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[100, 300, 1_000, 3_000])
    parser.add_argument("--preset", default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="an HTML page")
    parser.add_argument("--child", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
