"""One gene of a real cohort from genotypes to predictions by ``kedro run``, beside enformer-pytorch's forward.

    python -m benchmarks.bench_cohort FOLDER                      # GEUVADIS, COMT, preset full
    python -m benchmarks.bench_cohort FOLDER --preset small

Runs ``gene_prediction`` for all people in a copy of the project, then once more without five of them and once more with
them again, which must predict their own haplotypes only. The library's forward is timed on three of the haplotypes, in
this process, with huge pages where the environment asks for them (`make` does), and its outputs are compared. A forward
for each person and copy is what the speed-up is over. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.processes import machine
from haploformer.enformer.geometry import PRESETS, Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import untrained_module
from haploformer.formats.haplotype_store import read_haplotypes
from haploformer.formats.stored_predictions import read_predictions
from tests.conftest import Project, copy_project

RUN = "bench"

#: Haplotypes that the library predicts as well.
COMPARED = 3

#: People who leave and come back.
FEW = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, compare, print a table and one line of JSON; 1 if what is known is computed again."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        made = copy_project(Path(name) / "project")
        run = Runs(made, options)
        began = time.perf_counter()
        peak = run.predict()
        seconds, status = time.perf_counter() - began, run.status()
        store = read_predictions(run.store)
        copies = store.windows[store.windows["individual_id"].notna()]
        result: dict[str, Any] = {
            "gene": options.gene,
            "preset": options.preset,
            "engine": options.engine,
            "people": int(copies["individual_id"].nunique()),
            "copies": len(copies),
            "distinct": store.values.shape[0],
            "seconds": round(seconds, 1),
            "peak_gib": peak,
            "windows_per_second": status["windows_per_second"],
        }
        result |= compare(run, options)
        result["speedup_over_library"] = len(copies) * result["seconds_library_window"] / seconds
        result |= leave_and_return(run, store.windows)
    result |= {"machine": machine(), "huge_pages": bool(os.environ.get("THP_MEM_ALLOC_ENABLE"))}
    width = max(map(len, result))
    for key, value in result.items():
        print(f"{key:<{width}}  {value if not isinstance(value, float) else f'{value:.6g}'}")
    print(json.dumps(result))
    return int(result["returned_computed"] != result["returned_distinct"])


class Runs:
    """``kedro run`` in a copy of the project."""

    def __init__(self, made: Project, options: argparse.Namespace) -> None:
        self.made = made
        self.options = options
        self.folder = made.root / "data"
        self.store = self.folder / "07_model_output" / "geuvadis" / RUN / "track_predictions.zarr"

    def predict(self, people: Sequence[str] = ()) -> float:
        """Predict everybody, or some; the peak of memory that the run prints, in GiB."""
        options = self.options
        parameters = f"raw_dir={options.raw.resolve()},gene={options.gene},run_name={RUN}"
        parameters += f",enformer.preset={options.preset},enformer.engine={options.engine}"
        if people:
            parameters += f",individual={'+'.join(people)}"
        command = [sys.executable, "-m", "kedro", "run", "--env", "geuvadis", "--pipelines", "gene_prediction"]
        environment = os.environ | {"DO_NOT_TRACK": "1", "PYTHONPATH": str(self.made.root / "src")}
        done = subprocess.run(
            [*command, "--params", parameters], cwd=self.made.root, env=environment, stdout=subprocess.PIPE, text=True
        )
        if done.returncode:
            sys.exit(f"the run failed: {done.stdout}")
        return float(re.search(r"Peak memory: ([\d.]+) GiB", done.stdout)[1])

    def status(self) -> dict[str, Any]:
        """What the last run says of itself."""
        found: dict[str, Any] = json.loads(self.store.with_name("track_predictions.status.json").read_text())
        return found


def compare(run: Runs, options: argparse.Namespace) -> dict[str, Any]:
    """Time and outputs of the library's forward on some haplotypes: the reference, one in the middle, the last."""
    windows = read_haplotypes(run.folder / "04_feature" / "geuvadis" / RUN / "haplotype_windows")
    predictions = read_predictions(run.store)
    known = PRESETS[options.preset]
    geometry = Geometry(**vars(known) | {"n_tracks": len(predictions.tracks)})
    library = LibraryEngine(untrained_module(geometry, seed=0), geometry, batch_size=1)
    rows = np.linspace(0, len(windows) - 1, COMPARED).astype(int).tolist()
    seconds, found = [], []
    for row in rows:
        began = time.perf_counter()
        found.append(
            library.predict(windows, [row], tracks=predictions.tracks.tolist(), bins=predictions.bins.wanted)[0]
        )
        seconds.append(time.perf_counter() - began)
    theirs = np.stack(found).mean(axis=1, dtype=np.float64)
    ours = np.asarray(predictions.values[rows[0] : rows[-1] + 1])[np.array(rows) - rows[0]].astype(np.float64)
    difference, expected = ours - ours[:1], theirs - theirs[:1]
    return {
        "seconds_library_window": float(np.median(seconds)),
        "compared": len(rows),
        "max_abs_error": float(np.abs(ours - theirs).max()),
        "scale": float(np.abs(theirs).max()),
        "rel_error_difference": float(np.abs(difference - expected).max() / np.abs(expected).max()),
        "threads": torch.get_num_threads(),
    }


def leave_and_return(run: Runs, windows: Any) -> dict[str, int]:
    """How many windows are computed when some people leave, and when they come back; and how many are theirs alone."""
    people = list(dict.fromkeys(windows["individual_id"].dropna()))
    leave = windows["individual_id"].isin(people[-FEW:])
    # The reference window is nobody's and stays.
    theirs = set(windows["window"][leave]) - set(windows["window"][~leave])
    run.predict(people[:-FEW])
    left = run.status()["windows"]["computed"]
    run.predict()
    return {
        "left_computed": left,
        "returned_computed": run.status()["windows"]["computed"],
        "returned_distinct": len(theirs),
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=Path, help="the GEUVADIS files, as conf/geuvadis names them")
    parser.add_argument("--gene", default="COMT")
    parser.add_argument("--preset", choices=list(PRESETS), default="full")
    parser.add_argument("--engine", default="exact")
    parser.add_argument("--folder", type=Path, help="where the copy lies")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
