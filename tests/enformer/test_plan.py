"""The work of predicting, cut into shards."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from haploformer.enformer import plan as plan_module
from haploformer.enformer.bins import KeptBins
from haploformer.enformer.plan import (
    Execution,
    PredictionPlan,
    RowRange,
    ShardStatus,
    combine_facts,
    plan_predictions,
    run_plan,
)
from haploformer.errors import InputError
from tests.builders.predictions import FakeModel, expected_rows, fake_plan, with_rows


class MemoryStore:
    """Shards in memory; some rows may be known from before."""

    def __init__(self, done: Sequence[int] = (), known: dict[str, np.ndarray] | None = None) -> None:
        self.done = set(done)
        self.known = known or {}
        self.written: dict[int, np.ndarray] = {}
        self.facts: dict[int, dict] = {}
        self.recorded: list[int] = []

    def is_done(self, shard: RowRange) -> bool:
        return shard.index in self.done

    def known_row(self, key: str) -> np.ndarray | None:
        return self.known.get(key)

    @property
    def known_facts(self) -> dict:
        return {"error": 0.5} if self.known else {}

    def write(self, shard: RowRange, rows: np.ndarray, facts: dict) -> dict:
        self.written[shard.index] = rows
        self.facts[shard.index] = facts
        return {"shard": shard.index}

    def record(self, entry: dict) -> None:
        assert entry["shard"] in self.written
        self.recorded.append(entry["shard"])


KEYS = [f"k{i}" for i in range(10)]


def rows_of(statuses: Iterable[ShardStatus]) -> list[tuple[int, int]]:
    """Rows of each shard, and how many of them were predicted."""
    return [(len(status.shard), status.n_computed) for status in statuses]


@pytest.mark.parametrize(
    ("n", "size", "shards"),
    [
        (10, 4, [(0, 0, 4), (1, 4, 8), (2, 8, 10)]),
        (8, 4, [(0, 0, 4), (1, 4, 8)]),
        (3, 4, [(0, 0, 3)]),
        (2, 1, [(0, 0, 1), (1, 1, 2)]),
    ],
)
def test_shards__cover_every_row_once(n, size, shards):
    assert [tuple(vars(s).values()) for s in fake_plan(KEYS[:n], FakeModel(), shard_rows=size).shards()] == shards


def test_run_plan__computes_shard_by_shard():
    model, store = FakeModel(), MemoryStore()
    steps = run_plan(fake_plan(KEYS, model), store)
    assert rows_of([next(steps)]) == [(4, 4)]
    assert (store.recorded, model.calls) == ([0], [KEYS[:4]])
    assert rows_of(steps) == [(4, 4), (2, 2)]
    assert np.array_equal(np.concatenate(list(store.written.values())), expected_rows(KEYS))


def test_run_plan__what_was_measured_goes_with_its_shard():
    store, model = MemoryStore(known={key: np.ones(3) for key in KEYS[8:]}), FakeModel()
    list(run_plan(replace(fake_plan(KEYS, model), facts=lambda: {"n": len(model.calls)}), store))
    # What an earlier store measured of rows that are taken over holds for them still.
    assert store.facts == {0: {"n": 1}, 1: {"n": 2}, 2: {"error": 0.5}}


def test_combine_facts__numbers_are_summed_and_errors_the_largest():
    parts = [{"checked": 2, "error": 0.25}, {}, {"checked": 1, "error": 0.125, "limit": 0.5}]
    assert combine_facts(parts) == {"checked": 3, "error": 0.25, "limit": 0.5}


def test_plan_predictions__facts_are_of_all_parts_of_a_shard(monkeypatch):
    monkeypatch.setattr(plan_module, "MAX_BYTES_AT_ONCE", 4 * 2 * 2 * 2)
    engine = Engine()
    engine.facts = {"checked": 1, "error": 0.5}
    plan = plan_of(["a", "b", "c", "d", "e"], engine=engine)
    plan.predict_rows(range(5))
    assert engine.asked == [[0, 1], [2, 3], [4]]
    assert plan.facts() == {"checked": 3, "error": 0.5}


def test_run_plan__what_is_done_is_counted_and_not_computed():
    model, store = FakeModel(), MemoryStore(done=[0, 2])
    assert rows_of(run_plan(fake_plan(KEYS, model), store)) == [(4, 0), (4, 4), (2, 0)]
    assert model.calls == [KEYS[4:8]]
    assert list(store.written) == [1]


@pytest.mark.parametrize(("index", "count", "shards"), [(0, 2, [0, 2]), (1, 2, [1]), (2, 3, [2]), (3, 4, [])])
def test_run_plan__a_part_computes_its_own_shards(index, count, shards):
    store = MemoryStore()
    part = Execution(shard_index=index, shard_count=count)
    list(run_plan(replace(fake_plan(KEYS, FakeModel()), execution=part), store))
    assert store.recorded == shards


def test_run_plan__known_rows_are_put_in_their_places():
    known = {"k1": np.float32([1, 2, 3]), "k6": np.float32([4, 5, 6]), "k8": np.ones(3), "k9": np.ones(3)}
    model, store = FakeModel(), MemoryStore(known=known)
    list(run_plan(fake_plan(KEYS, model), store))
    assert model.calls == [["k0", "k2", "k3"], ["k4", "k5", "k7"]]
    expected = expected_rows(KEYS)
    for key, row in known.items():
        expected[KEYS.index(key)] = row
    assert np.array_equal(np.concatenate(list(store.written.values())), expected)


def test_run_plan__a_prediction_that_is_not_finite_is_not_stored():
    rows = expected_rows(KEYS)
    rows[6, 0] = np.nan
    store = MemoryStore()
    with pytest.raises(InputError, match=r"^predictions:window 6 \(gene g\): the prediction is not finite; check"):
        list(run_plan(with_rows(fake_plan(KEYS, FakeModel()), rows), store))
    assert list(store.written) == [0]


def test_run_plan__a_known_row_that_is_not_finite_is_refused_too():
    store = MemoryStore(known={"k3": np.float32([1, np.inf, 1])})
    with pytest.raises(InputError, match="window 3"):
        list(run_plan(fake_plan(KEYS, FakeModel()), store))


class Engine:
    """Predicts the window's number, and the bin's and track's as fractions."""

    name = "fake"
    precision = "float32"
    facts: ClassVar[dict] = {}

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def predict(self, windows, rows, *, tracks, bins):
        self.asked.append(list(rows))
        rows, bins, tracks = (np.asarray(x, np.float32) for x in (rows, bins, tracks))
        return rows[:, None, None] + bins[None, :, None] / 10 + tracks[None, None, :] / 1000


def plan_of(keys: list[str], *, engine: Engine | None = None, identity=None, load=None) -> PredictionPlan:
    carriers = pd.DataFrame(
        {
            "gene_id": "g",
            "individual_id": [f"P{i}" for i in range(len(keys))],
            "haplotype": pd.array([0] * len(keys), dtype="Int64"),
            "window": range(len(keys)),
        }
    )
    return plan_predictions(
        engine or Engine(),
        None,
        keys,
        carriers,
        tracks=[1, 2],
        bins=KeptBins("centre", (4, 5), 10),
        shard_rows=2,
        identity=identity or {},
        provenance={"x": 1},
        load=load,
    )


def test_plan_predictions__equal_windows_share_a_row():
    engine = Engine()
    plan = plan_of(["a", "b", "a", "c", "b"], engine=engine)
    assert plan.keys == ["a", "b", "c"]
    assert plan.windows["window"].tolist() == [0, 1, 0, 2, 1]
    assert plan.windows["individual_id"].tolist() == [f"P{i}" for i in range(5)]
    rows = plan.predict_rows([2, 0])
    assert engine.asked == [[3, 0]]
    np.testing.assert_allclose(rows, [[3.451, 3.452], [0.451, 0.452]], rtol=1e-6)
    assert rows.dtype == np.float32


def test_plan_predictions__identity_names_all_that_a_row_depends_on():
    identity = plan_of(["a"], identity={"weights_sha256": "w"}).identity
    assert identity == {
        "weights_sha256": "w",
        "engine": "fake",
        "precision": "float32",
        "tracks": [1, 2],
        "bins": [4, 5],
        "kept_bins": "centre",
        "n_bins": 10,
        "transform": "mean of coverage over the bins",
    }
    assert json.loads(json.dumps(identity)) == identity


def test_plan_predictions__computes_nothing_by_itself():
    engine = Engine()
    plan_of(["a", "b"], engine=engine)
    assert engine.asked == []


def test_plan_predictions__another_process_loads_the_engine_for_itself():
    plan = plan_of(["a", "b"], load=Engine)
    again = pickle.loads(pickle.dumps(plan))  # noqa: S301
    assert np.array_equal(again.predict_rows([1]), plan.predict_rows([1]))
    assert again.predict_rows.engine is not plan.predict_rows.engine
