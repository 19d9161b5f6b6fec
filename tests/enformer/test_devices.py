"""Devices: which one, what is moved to it, and what happens where its memory ends."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from haploformer.enformer import delta, parts, trunk
from haploformer.enformer.delta import DeltaTrunk
from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.devices import choose_device, full_float32, in_batches, module_on
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.first_order import FirstOrderTrunk
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import HEAD, untrained_module
from haploformer.enformer.parts import planned_parts
from haploformer.enformer.screening import ScreeningEngine
from haploformer.enformer.tower import SharedTower
from haploformer.enformer.tower_plan import plan_tower
from haploformer.enformer.trunk import Layer, SharedTrunk
from haploformer.errors import InputError
from tests.builders.enformer import related_windows
from tests.enformer.test_delta_engine import snp_windows
from tests.enformer.test_exact_engine import SMALL

ENGINES = {"library": LibraryEngine, "exact": ExactEngine, "delta": DeltaEngine, "screening": ScreeningEngine}
ALL = {"tracks": range(5), "bins": range(8)}


@pytest.fixture(scope="module")
def module():
    return untrained_module(SMALL, seed=1)


def test_choose_device__auto_is_cuda_where_it_is_available(monkeypatch):
    for available, chosen in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda found=available: found)
        assert choose_device("auto") == torch.device(chosen)
        assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(InputError, match=r"finds no CUDA device; set enformer\.device: auto or cpu"):
        choose_device("cuda")


def test_module_on__a_copy_elsewhere_and_itself_where_it_is(module):
    assert module_on(module, torch.device("cpu")) is module
    moved = module_on(module, torch.device("meta"))
    assert {value.device.type for value in moved.state_dict().values()} == {"meta"}
    assert {value.device.type for value in module.state_dict().values()} == {"cpu"}
    assert moved.trunk[1][0].weight is moved.stem[0].weight, "what is shared stays shared"


def test_full_float32__leaves_the_settings_as_they_were():
    settings = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [each.allow_tf32 for each in settings]
    try:
        for value in (True, False):
            for each in settings:
                each.allow_tf32 = value
            with full_float32():
                assert [each.allow_tf32 for each in settings] == [False, False]
            assert [each.allow_tf32 for each in settings] == [value, value]
    finally:
        for each, value in zip(settings, before, strict=True):
            each.allow_tf32 = value


class Memory:
    """Room for so many rows: what is asked for at once is noted."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.asked: list[list[int]] = []

    def compute(self, rows: torch.Tensor) -> torch.Tensor:
        self.asked.append(rows.tolist())
        if len(rows) > self.room:
            raise torch.OutOfMemoryError("no room")
        return 10 * rows


def test_in_batches__halves_the_batch_and_says_so(caplog):
    memory = Memory(room=2)
    with caplog.at_level(logging.WARNING):
        found = in_batches(memory.compute, torch.arange(7), 5)
    assert found.tolist() == [0, 10, 20, 30, 40, 50, 60]
    assert memory.asked == [[0, 1, 2, 3, 4], [0, 1], [2, 3], [4, 5], [6]]
    assert caplog.messages == ["out of memory with 5 windows at once: going on with 2"]


def test_in_batches__one_row_that_does_not_fit_is_an_error():
    memory = Memory(room=0)
    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        in_batches(memory.compute, torch.arange(4), 4)
    assert [len(rows) for rows in memory.asked] == [4, 2, 1]


@pytest.mark.parametrize("engine", ["exact", "delta"])
def test_predict__out_of_memory_the_bytes_are_those_of_the_batch_that_fits(engine, module, monkeypatch, caplog):
    windows = snp_windows(SMALL, 5)
    options = {"limit": 1.0} if engine == "delta" else {}
    expected = ENGINES[engine](module, SMALL, batch_size=2, **options).predict(windows, range(8), **ALL)
    whole = trunk.SharedTrunk._finish
    tried = []

    def finish(self, x, projected, wanted, tracks):
        tried.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("no room")
        return whole(self, x, projected, wanted, tracks)

    monkeypatch.setattr(trunk.SharedTrunk, "_finish", finish)
    with caplog.at_level(logging.WARNING):
        found = ENGINES[engine](module, SMALL, batch_size=8, **options).predict(windows, range(8), **ALL)
    assert found.tobytes() == expected.tobytes()
    assert tried[:4] == [8, 4, 2, 2]
    assert "out of memory with 8 windows at once: going on with 4" in caplog.text


def test_predict__out_of_memory_in_a_layer_with_one_window(module, monkeypatch):
    def forward(self, *_):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(Layer, "forward", forward)
    engine = ExactEngine(module, SMALL, batch_size=2)
    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        engine.predict(snp_windows(SMALL, 5), range(3), **ALL)


class OneDevice(TorchDispatchMode):
    """An operation on tensors of two devices is an error, as with CUDA."""

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        moves = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
        met = {x.device for x in tree_leaves((arguments, options)) if isinstance(x, torch.Tensor)}
        assert len(met) <= 1 or operation in moves, (operation, met)
        return operation(*arguments, **(options or {}))


def test_shared_parts__leave_nothing_on_another_device(module, monkeypatch):
    """On the device ``meta`` nothing is computed."""
    for each in (trunk, delta):
        monkeypatch.setattr(each, "in_batches", lambda compute, rows, _: compute(rows))
    windows = related_windows(SMALL.window, np.random.default_rng(1))
    plan = plan_tower(windows.held)
    there = module_on(module, torch.device("meta"))
    with torch.no_grad():
        tower, whole = SharedTower(there), SharedTrunk(there, SMALL, HEAD)
    with OneDevice(), torch.inference_mode():
        tokens = tower.compute(plan)
        by_delta = DeltaTrunk(whole)
        by_delta.set_reference(tokens[torch.from_numpy(plan.tokens[0]).to("meta")])
        for each in (whole, by_delta):
            found = each.compute(tokens, torch.from_numpy(plan.tokens), batch_size=2, **ALL)
            assert (found.device.type, found.shape, found.dtype) == ("meta", (6, 8, 5), torch.float32)
        first_order = FirstOrderTrunk(whole)
        first_order.set_reference(tokens[:16], **ALL)
        assert (first_order.gradients.device.type, first_order.gradients.shape) == ("meta", (5, 16, 48))


class Watched:
    """Windows that tell when they are built."""

    def __init__(self, held: np.ndarray) -> None:
        self.held = held
        self.built = [threading.Event() for _ in held]

    def reference_rows(self, rows):
        return np.asarray(rows)

    def snps(self, rows):
        return None

    def codes(self, rows):
        for row in rows:
            self.built[row].set()
        return self.held[list(rows)]


def test_planned_parts__ahead_the_next_part_is_planned_while_one_is_computed(monkeypatch):
    monkeypatch.setattr(parts, "PLAN_BYTES", 16 * SMALL.window)
    held = related_windows(SMALL.window, np.random.default_rng(3), n=3).held
    options = {"length": SMALL.window, "with_reference": False}
    watched = Watched(held)
    found = []
    for i, part in enumerate(planned_parts(watched, range(3), ahead=True, **options)):
        found.append(part)
        assert all(built.wait(10) for built in watched.built[: i + 2])
        assert not any(built.is_set() for built in watched.built[i + 2 :]), "one part ahead, no more"
    watched = Watched(held)
    for i, part in enumerate(planned_parts(watched, range(3), ahead=False, **options)):
        assert [built.is_set() for built in watched.built] == [True] * (i + 1) + [False] * (2 - i)
        assert part.places.tolist() == found[i].places.tolist() == [i]
        assert np.array_equal(part.plan.tokens, found[i].plan.tokens)
        assert np.array_equal(part.plan.first_bases, found[i].plan.first_bases)
    assert list(planned_parts(watched, [], ahead=True, **options)) == []


def test_planned_parts__ahead_an_error_of_planning_reaches_the_caller(monkeypatch):
    monkeypatch.setattr(parts, "PLAN_BYTES", 16 * 1024)
    short = Watched(np.zeros((2, 1024), np.uint8))
    with pytest.raises(ValueError, match="windows of 1024 bases, the model takes 2048"):
        list(planned_parts(short, [0, 1], length=2048, with_reference=False, ahead=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("engine", list(ENGINES))
def test_predict__cuda_equals_the_cpu(engine, batch_size, module):
    """The plain forward of the CPU, and for what is not exact the same engine there."""
    windows = snp_windows(SMALL, 2) if engine == "delta" else related_windows(SMALL.window, np.random.default_rng(1))
    rows = range(len(windows))
    options = {"limit": 1.0} if engine == "delta" else {}
    compared = engine if engine == "screening" else "library"
    expected = ENGINES[compared](module, SMALL, batch_size=1, device="cpu").predict(windows, rows, **ALL)
    there = ENGINES[engine](module, SMALL, batch_size=batch_size, device="cuda", **options)
    found = there.predict(windows, rows, **ALL)
    assert module.stem[0].weight.device.type == "cpu"
    ours, theirs = found - found[0], expected - expected[0]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-4)
    # TF32 would lose a hundred times as much as float32 does.
    assert np.abs(ours - theirs).max() < (0.1 if engine == "delta" else 2e-3) * np.abs(theirs).max()
    assert found.tobytes() == there.predict(windows, rows, **ALL).tobytes()
