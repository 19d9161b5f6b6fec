"""A changed input costs what depends on it, and no more."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch

from haploformer.formats.prediction_store import PredictionStore
from tests.changed_inputs import Bench, Step, replaced, splice_window


def test_changed_inputs__compute_exactly_what_depends_on_them(tmp_path):
    # In a process of its own: Kedro keeps one project a process, and its settings of the log.
    code = f"from tests.test_changed_inputs import change; change({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def change(folder: str) -> None:
    torch.set_num_threads(1)
    bench = Bench(Path(folder), n_genes=2)
    steps = [Step("first run", bench.base, "all")]
    steps += [*bench.steps("vcf"), *bench.steps("fasta")[:2], *bench.steps("filters"), *bench.steps("mtime")]
    outcomes = [bench.take(step) for step in steps]
    for outcome in outcomes:
        assert not outcome.wrong, outcome.describe()
    assert len(outcomes) == 9
    assert [outcome.n_computed for outcome in outcomes[1:4]] == [1, 1, 0]

    # What is computed beyond that is found, and so is what is not.
    with replaced(PredictionStore, "known_row", lambda store, key: None):
        assert "other windows were computed" in bench.take(bench.steps("vcf")[0]).wrong
    unsaid = bench.take(Step("as if by another network", replace(bench.written, network="another"), "all"))
    assert (unsaid.n_expected, unsaid.n_computed) == (unsaid.n_windows, 0)
    assert "other windows were computed" in unsaid.wrong


def test_splice_window__fills_both_sides_from_the_tss(monkeypatch):
    monkeypatch.setattr("tests.changed_inputs.HALF", 4)
    assert splice_window("AACCGGTTAACC", 100, 106, ()) == "CCGGTTAA"
    # A deletion draws a base in, an insertion pushes one out; the first base right of the TSS stays where it is.
    assert splice_window("AACCGGTTAACC", 100, 106, [(104, "CG", "C"), (108, "T", "TG")]) == "ACCGTTGA"
