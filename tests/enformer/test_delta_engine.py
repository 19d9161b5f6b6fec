"""The transformer on differences from the reference, against the plain forward."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from haploformer.enformer import parts
from haploformer.enformer.delta import DeltaTrunk
from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.model import HEAD, untrained_module
from haploformer.enformer.tower import SharedTower
from haploformer.enformer.tower_plan import plan_tower
from haploformer.enformer.trunk import SharedTrunk
from tests.builders.enformer import AlleleWindows, CodeWindows, related_windows
from tests.enformer.test_exact_engine import GEOMETRIES, SMALL


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"{g.n_tokens}-{g.heads}-{g.depth}")
def test_delta_trunk__equals_the_plain_forward_in_float64(geometry):
    module = untrained_module(geometry, seed=3).double()
    windows = related_windows(geometry.window, np.random.default_rng(7))
    bins = sorted({0, geometry.n_bins // 2, geometry.n_bins - 1})
    with torch.inference_mode():
        expected = module(torch.from_numpy(windows.one_hot(range(6))).double())[HEAD]
        plan = plan_tower(windows.held)
        tokens, numbers = SharedTower(module).compute(plan), torch.from_numpy(plan.tokens)
        delta = DeltaTrunk(SharedTrunk(module, geometry, HEAD), dtype=torch.float64)
        delta.set_reference(tokens[numbers[0]])
        found = delta.compute(tokens, numbers, bins=bins, tracks=range(geometry.n_tracks), batch_size=4)
    assert (found - expected[:, bins]).abs().max() < 1e-11 * expected.abs().max()


def test_delta_trunk__queries_that_turn_to_other_keys():
    """Sharp attention moves as a whole where a key changes: differences of its weights are as large as they are."""
    geometry = Geometry(dim=48, depth=3, heads=4, window=12_800, n_bins=20, n_tracks=5, channel_multiple=8)
    module = untrained_module(geometry, seed=1)
    for block in module.transformer:
        block[0].fn[1].to_q.weight.mul_(8)
    codes = snp_windows(geometry, 0).held
    plan, options = plan_tower(codes), {"bins": range(20), "tracks": range(5), "batch_size": 4}
    with torch.inference_mode():
        tokens, numbers = SharedTower(module).compute(plan), torch.from_numpy(plan.tokens)
        trunk = SharedTrunk(module, geometry, HEAD)
        exactly = trunk.compute(tokens, numbers, **options)
        delta = DeltaTrunk(trunk)
        delta.set_reference(tokens[numbers[0]])
        found = delta.compute(tokens, numbers, **options)
    ours, theirs = found - found[0], exactly - exactly[0]
    assert ((ours - theirs).abs().amax((1, 2)) < 0.1 * theirs.abs().amax((1, 2)).clamp(min=1e-9))[1:].all()
    assert theirs[1:].abs().amax((1, 2)).min() > 0.01


def snp_windows(geometry: Geometry, seed: int, n: int = 8) -> CodeWindows:
    """A reference and haplotypes with a SNP in every thousand bases."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(rng.integers(0, 4, (1, geometry.window)).astype(np.uint8), n, axis=0)
    for row in codes[1:]:
        places = rng.choice(geometry.window, geometry.window // 1000, replace=False)
        row[places] = (row[places] + rng.integers(1, 4, len(places))) % 4
    return CodeWindows(codes)


@pytest.fixture(scope="module")
def module():
    return untrained_module(SMALL, seed=1)


def test_predict__the_error_of_differences_is_measured_and_small(module):
    windows, options = snp_windows(SMALL, 2), {"tracks": range(5), "bins": range(8)}
    exactly = ExactEngine(module, SMALL, batch_size=4).predict(windows, range(8), **options)
    engine = DeltaEngine(module, SMALL, batch_size=4, limit=0.5)
    found = engine.predict(windows, range(8), **options)
    assert engine.facts["delta_checked"] == 1
    assert engine.facts["delta_exact"] == 0
    ours, theirs = found - found[0], exactly - exactly[0]
    errors = np.abs(ours - theirs).max((1, 2)) / np.maximum(np.abs(theirs).max((1, 2)), 1e-9)
    assert 0 < engine.facts["delta_largest_error"] < 0.2
    assert any(np.isclose(errors, engine.facts["delta_largest_error"], rtol=1e-2))
    # The reference itself has no difference, hence no error but float32's.
    np.testing.assert_allclose(found[0], exactly[0], rtol=1e-5)


def test_predict__over_the_limit_it_is_exact_and_says_so(module, caplog):
    windows, options = snp_windows(SMALL, 3), {"tracks": range(5), "bins": range(8)}
    engine = DeltaEngine(module, SMALL, batch_size=4, limit=1e-9)
    with caplog.at_level(logging.WARNING):
        found = engine.predict(windows, [5, 1, 0], **options)
    assert "its 3 windows are predicted exactly" in caplog.text
    assert engine.facts["delta_exact"] == 3
    exactly = ExactEngine(module, SMALL, batch_size=4).predict(windows, [5, 1, 0], **options)
    np.testing.assert_allclose(found, exactly, rtol=1e-5)


def test_predict__planned_from_alleles_it_is_the_same(module):
    held, options = snp_windows(SMALL, 2).held, {"tracks": range(5), "bins": range(8)}
    rows, engine = [4, 0, 7, 2], DeltaEngine(module, SMALL, batch_size=3, limit=0.5)
    expected = engine.predict(CodeWindows(held), rows, **options)
    facts = engine.facts
    found = engine.predict(AlleleWindows(held), rows, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert engine.facts == pytest.approx(facts, rel=1e-3)


class TwoGenes(CodeWindows):
    """The first four windows are one gene's, the others another's; the first of each is its reference."""

    def reference_rows(self, rows):
        return np.where(np.asarray(rows) < 4, 0, 4)


def test_predict__each_gene_by_its_own_reference_in_any_order(module, monkeypatch):
    held = np.concatenate([snp_windows(SMALL, seed, n=4).held for seed in (4, 5)])
    windows, options = TwoGenes(held), {"tracks": [0, 3], "bins": [3, 4]}
    exactly = ExactEngine(module, SMALL, batch_size=4).predict(windows, range(8), **options)
    engine = DeltaEngine(module, SMALL, batch_size=2, limit=0.5)
    rows = [6, 1, 4, 0, 7, 3]
    found = engine.predict(windows, rows, **options)
    assert engine.facts["delta_checked"] == 2
    scale = max(np.abs(exactly[:4] - exactly[0]).max(), np.abs(exactly[4:] - exactly[4]).max())
    assert np.abs(found - exactly[rows]).max() < 0.2 * scale
    monkeypatch.setattr(parts, "PLAN_BYTES", 16 * SMALL.window)
    again = engine.predict(windows, rows, **options)
    assert np.abs(again - exactly[rows]).max() < 0.2 * scale


class Alone(CodeWindows):
    """Sequences that are no haplotypes of one another."""

    def reference_rows(self, rows):
        return np.asarray(rows, np.int64)


def test_predict__sequences_without_a_reference_are_exact(module):
    windows = Alone(np.random.default_rng(6).integers(0, 4, (3, SMALL.window)).astype(np.uint8))
    options = {"tracks": range(5), "bins": range(8)}
    engine = DeltaEngine(module, SMALL, batch_size=4)
    found = engine.predict(windows, range(3), **options)
    exactly = ExactEngine(module, SMALL, batch_size=4).predict(windows, range(3), **options)
    np.testing.assert_allclose(found, exactly, rtol=1e-5)
    assert engine.facts["delta_checked"] == 0
