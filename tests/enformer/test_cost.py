"""Operations counted by formula and by torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from haploformer.enformer.cost import channels, library_flops, tower_flops, trunk_flops
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS, Geometry
from haploformer.enformer.model import untrained_module
from haploformer.enformer.tower_plan import plan_tower

GEOMETRIES = [
    PRESETS["tiny"],
    Geometry(dim=96, depth=3, heads=8, window=128 * 128, n_bins=64, n_tracks=10, channel_multiple=16),
]


def counted(work) -> float:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        work()
    return float(counter.get_total_flops())


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_library_flops__are_what_torch_counts(geometry):
    module = untrained_module(geometry, seed=0)
    one_hot = torch.zeros(1, geometry.window, 4)
    assert counted(lambda: module(one_hot)) == library_flops(geometry)


def test_library_flops__of_the_published_model():
    # Counted apart for the published geometry, with the mouse head's 1,643 tracks: 3,293 GFLOP.
    geometry = PRESETS["full"]
    mouse = 4 * geometry.n_bins * geometry.dim * 1_643
    assert (library_flops(geometry) + mouse) / 1e9 == pytest.approx(3293, abs=0.5)
    assert channels(geometry) == [768, 768, 896, 1024, 1152, 1280, 1536]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_tower_flops__are_what_torch_counts(geometry):
    module = untrained_module(geometry, seed=0)
    engine = ExactEngine(module, geometry, batch_size=1)
    rng = np.random.default_rng(0)
    codes = np.repeat(rng.integers(0, 4, (1, geometry.window)).astype(np.uint8), 3, axis=0)
    codes[1:, rng.integers(0, geometry.window, 20)] = 1
    plan = plan_tower(codes)
    assert counted(lambda: engine.tower.compute(plan)) == tower_flops(geometry, plan.n_entries)


@pytest.mark.parametrize("n_bins", [4, 64, None])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_trunk_flops__are_what_torch_counts(geometry, n_bins):
    engine = ExactEngine(untrained_module(geometry, seed=0), geometry, batch_size=1)
    tokens, numbers = torch.randn(geometry.n_tokens, geometry.dim), torch.arange(geometry.n_tokens)[None]
    bins, tracks = list(geometry.centre_bins(n_bins or geometry.n_bins)), list(range(5))
    # What the first layer does to each distinct token is not the window's own.
    own = counted(lambda: engine.trunk.compute(tokens, numbers, bins=bins, tracks=tracks, batch_size=1))
    shared = counted(lambda: engine.trunk.layers[0].project(tokens))
    assert trunk_flops(geometry, len(bins), len(tracks)) == pytest.approx(own - shared, rel=1e-12)
