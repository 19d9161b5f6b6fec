"""What a run is going to do, in numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.enformer.bins import KeptBins
from haploformer.enformer.cost import library_flops, tower_flops, trunk_flops
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import untrained_module
from haploformer.enformer.plan import plan_predictions, run_plan
from haploformer.enformer.tower_plan import plan_tower
from haploformer.execution.plan_table import measure_plan, probe_rate
from haploformer.formats.prediction_store import PredictionStore
from tests.builders.enformer import CodeWindows

GEOMETRY = PRESETS["tiny"]


@pytest.fixture(scope="module")
def module():
    return untrained_module(GEOMETRY, seed=0)


@pytest.fixture
def windows() -> CodeWindows:
    codes = np.repeat(np.random.default_rng(0).integers(0, 4, (1, GEOMETRY.window)).astype(np.uint8), 6, axis=0)
    for row in range(1, 6):
        codes[row, 1000 * row] = (codes[row, 1000 * row] + 1) % 4
    return CodeWindows(codes)


def plan_of(engine, windows: CodeWindows, keys: str = "abcdef"):
    """Six people, each with two copies of one window."""
    carriers = pd.DataFrame(
        {
            "gene_id": ["g"] * 12,
            "individual_id": [f"P{i // 2}" for i in range(12)],
            "haplotype": pd.array([0, 1] * 6, dtype="Int64"),
            "window": np.repeat(np.arange(6), 2),
        }
    )
    return plan_predictions(
        engine,
        windows,
        list(keys),
        carriers,
        tracks=[0, 5],
        bins=KeptBins("centre", tuple(GEOMETRY.centre_bins(4)), GEOMETRY.n_bins),
        shard_rows=2,
        identity={"weights": "untrained"},
        provenance={},
    )


def test_measure_plan__counts_the_work_of_the_exact_engine(tmp_path, module, windows):
    plan = plan_of(ExactEngine(module, GEOMETRY, batch_size=1), windows)
    with PredictionStore(tmp_path / "p.zarr", plan) as store:
        work = measure_plan(plan, store, rate=lambda *_: 1e9)
    entries = [plan_tower(windows.codes([i, i + 1])).n_entries for i in (0, 2, 4)]
    tower = sum(tower_flops(GEOMETRY, of) for of in entries)
    assert (work.n_genes, work.n_individuals, work.n_copies, work.n_distinct, work.n_missing) == (1, 6, 12, 6, 6)
    assert work.flops == pytest.approx(tower + 6 * trunk_flops(GEOMETRY, 4, 2))
    assert work.naive_flops == 12 * library_flops(GEOMETRY)
    assert work.tokens_per_window == sum(of[-1] for of in entries) / 6
    assert work.seconds == pytest.approx(work.flops / 1e9)
    assert work.n_bytes == 6 * 2 * 4
    text = work.describe()
    assert "12, of which 6 are distinct and 6 to predict" in text
    assert f"{work.naive_flops / work.flops:,.1f} times as many by one forward pass each" in text


def test_measure_plan__counts_what_is_not_stored_yet(tmp_path, module, windows):
    engine = ExactEngine(module, GEOMETRY, batch_size=1)
    plan = plan_of(engine, windows)
    with PredictionStore(tmp_path / "p.zarr", plan) as store:
        next(iter(run_plan(plan, store)))
        work = measure_plan(plan, store, rate=lambda *_: 1e9)
    assert (work.n_missing, work.n_bytes) == (4, 32)
    with PredictionStore(tmp_path / "p.zarr", plan) as store:
        list(run_plan(plan, store))
        store.finish()
    # Two people more: what an earlier store holds is no work.
    more = plan_of(engine, windows, keys="abcdxy")
    with PredictionStore(tmp_path / "p.zarr", more) as store:
        assert measure_plan(more, store, rate=lambda *_: 1e9).n_missing == 2


def test_measure_plan__of_the_library_every_window_costs_a_forward_pass(tmp_path, module, windows):
    plan = plan_of(LibraryEngine(module, GEOMETRY, batch_size=1), windows)
    with PredictionStore(tmp_path / "p.zarr", plan) as store:
        work = measure_plan(plan, store, rate=lambda *_: 1e9)
    assert work.flops == 6 * library_flops(GEOMETRY)
    assert np.isnan(work.tokens_per_window)
    assert "tokens" not in work.describe()


def test_probe_rate__measures_something(module):
    for engine in (ExactEngine, LibraryEngine):
        assert 1e6 < probe_rate(engine(module, GEOMETRY, batch_size=1), 4, 2) < 1e14
