"""The engine that shares what is alike, against the plain forward of enformer-pytorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from haploformer.enformer import parts
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import HEAD, untrained_module
from haploformer.enformer.tower import SharedTower
from haploformer.enformer.tower_plan import TowerPlan, plan_tower, plan_tower_from_alleles
from haploformer.enformer.trunk import SharedTrunk
from tests.builders.enformer import AlleleWindows, CodeWindows, related_windows, snp_windows

SMALL = Geometry(dim=48, depth=2, heads=4, window=2048, n_bins=8, n_tracks=5, channel_multiple=8)

#: Odd numbers of tokens and of queries in a block, one layer, two to eight heads, all of the tokens kept or few.
GEOMETRIES = [
    SMALL,
    Geometry(dim=48, depth=2, heads=4, window=16_384, n_bins=96, n_tracks=7, channel_multiple=8),
    Geometry(dim=48, depth=1, heads=2, window=12_800, n_bins=60, n_tracks=3, channel_multiple=8),
    Geometry(dim=48, depth=1, heads=2, window=16_768, n_bins=131, n_tracks=3, channel_multiple=8),
    Geometry(dim=96, depth=3, heads=8, window=24_704, n_bins=193, n_tracks=4, channel_multiple=8),
]


#: The published length.
LONG = [
    Geometry(dim=24, depth=2, heads=4, window=196_608, n_bins=896, n_tracks=3, channel_multiple=2),
    Geometry(dim=48, depth=1, heads=8, window=196_608, n_bins=896, n_tracks=3, channel_multiple=2),
]


def check_shared_parts(module: nn.Module, geometry: Geometry, windows: CodeWindows, plan: TowerPlan) -> None:
    """Tower and trunk for a plan of all windows against the plain forward."""
    middle = list(geometry.centre_bins(2)) if geometry.n_bins % 2 == 0 else [geometry.n_bins // 2]
    tracks = [geometry.n_tracks - 1, 0]
    with torch.inference_mode():
        expected = module(torch.from_numpy(windows.one_hot(range(len(windows)))).double())[HEAD]
        tokens, trunk = SharedTower(module).compute(plan), SharedTrunk(module, geometry, HEAD)
        for bins in (range(geometry.n_bins), middle):
            found = trunk.compute(tokens, torch.from_numpy(plan.tokens), bins=bins, tracks=tracks, batch_size=4)
            assert found.shape == (len(windows), len(bins), 2)
            error = (found - expected[:, list(bins)][:, :, tracks]).abs().max()
            assert error < 1e-11 * expected.abs().max()
    assert expected.std(dim=0).max() > 1e-3, "people differ, or nothing would be shown"


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"{g.n_tokens}-{g.heads}-{g.depth}")
def test_shared_parts__equal_the_plain_forward_in_float64(geometry):
    module = untrained_module(geometry, seed=3).double()
    windows = related_windows(geometry.window, np.random.default_rng(7))
    check_shared_parts(module, geometry, windows, plan_tower(windows.held))


@pytest.mark.parametrize("geometry", [*GEOMETRIES, *LONG], ids=lambda g: f"{g.n_tokens}-{g.heads}-{g.depth}")
def test_shared_parts__planned_from_alleles_equal_the_plain_forward_in_float64(geometry):
    module = untrained_module(geometry, seed=3).double()
    n = 2 if geometry in LONG else 6
    windows = snp_windows(geometry.window, np.random.default_rng(8), n=n)
    check_shared_parts(module, geometry, windows, plan_tower_from_alleles(windows.snps(range(n))))


@pytest.fixture(scope="module")
def module():
    return untrained_module(SMALL, seed=1)


def test_predict__equals_the_library_engine(module):
    windows, rows = related_windows(SMALL.window, np.random.default_rng(1), n=9), [8, 0, 3, 3, 5]
    options = {"tracks": [4, 1], "bins": [0, 7, 3]}
    expected = LibraryEngine(module, SMALL, batch_size=2).predict(windows, rows, **options)
    found = ExactEngine(module, SMALL, batch_size=2).predict(windows, rows, **options)
    assert (found.shape, found.dtype) == ((5, 3, 2), np.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    # What matters is what people differ by.
    ours, theirs = found - found[1], expected - expected[1]
    assert np.abs(ours - theirs).max() < 2e-3 * np.abs(theirs).max()


def test_predict__batches_change_the_last_bits_at_most(module, monkeypatch):
    windows = related_windows(SMALL.window, np.random.default_rng(2), n=9)
    options = {"tracks": range(5), "bins": range(8)}
    expected = ExactEngine(module, SMALL, batch_size=9).predict(windows, range(9), **options)
    for batch_size, at_once in ((1, 9), (4, 9), (2, 1), (3, 4)):
        monkeypatch.setattr(parts, "PLAN_BYTES", 16 * at_once * SMALL.window)
        found = ExactEngine(module, SMALL, batch_size=batch_size).predict(windows, range(9), **options)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


class Genes(AlleleWindows):
    """Five windows of a gene that are known by their alleles, then four of another gene that are not."""

    def reference_rows(self, rows):
        return np.where(np.asarray(rows) < 5, 0, 5)

    def snps(self, rows):
        return super().snps(rows) if max(rows) < 5 else None

    def codes(self, rows):
        assert min(rows) >= 5, "no sequence is built of what is known by its alleles"
        return super().codes(rows)


def test_predict__plans_from_alleles_where_they_are_known(module, monkeypatch):
    known = snp_windows(SMALL.window, np.random.default_rng(1), n=5).held
    held = np.concatenate([known, related_windows(SMALL.window, np.random.default_rng(2), n=4).held])
    rows, options = [8, 2, 0, 5, 4, 2, 7], {"tracks": [4, 1], "bins": [0, 7, 3]}
    expected = LibraryEngine(module, SMALL, batch_size=2).predict(CodeWindows(held), rows, **options)
    engine = ExactEngine(module, SMALL, batch_size=2)
    np.testing.assert_allclose(engine.predict(Genes(held), rows, **options), expected, rtol=1e-4)
    for room in (1, 2 * (parts._ALLELE_BYTES * 60 + parts._TOKEN_BYTES * 16)):
        monkeypatch.setattr(parts, "PLAN_BYTES", room)
        np.testing.assert_allclose(engine.predict(Genes(held), rows, **options), expected, rtol=1e-4)


def test_planned_parts__as_many_windows_as_their_plan_has_room_for(monkeypatch):
    windows = snp_windows(SMALL.window, np.random.default_rng(1), n=9)
    n_alleles = len(windows.snps(range(9)).positions)
    of_window = {AlleleWindows: 16 * n_alleles + 64 * 16, CodeWindows: 16 * SMALL.window}
    options = {"length": SMALL.window, "with_reference": False, "ahead": False}
    for kind, size in of_window.items():
        for room, expected in ((9, [9]), (4, [4, 4, 1]), (0, [1] * 9)):
            monkeypatch.setattr(parts, "PLAN_BYTES", room * size)
            found = list(parts.planned_parts(kind(windows.held), range(9), **options))
            assert [len(part.places) for part in found] == expected
            assert np.concatenate([part.places for part in found]).tolist() == list(range(9))


def test_planned_parts__windows_that_share_little_are_planned_apart():
    n_together = parts.MOST_TOWERS
    held = np.random.default_rng(1).integers(0, 4, (n_together + 1, SMALL.window)).astype(np.uint8)
    options = {"length": SMALL.window, "with_reference": False, "ahead": False}
    sizes = [
        [len(part.places) for part in parts.planned_parts(CodeWindows(held[:n]), range(n), **options)]
        for n in (n_together, n_together + 1)
    ]
    assert sizes == [[8], [4, 5]]
    by_gene = list(
        parts.planned_parts(CodeWindows(held), range(1, n_together + 1), **options | {"with_reference": True})
    )
    assert [part.places.tolist() for part in by_gene] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    for part in by_gene:
        assert np.array_equal(part.reference, held[0])
        rows = [0, *(1 + part.places)]
        assert np.array_equal(part.plan.tokens, plan_tower(held[rows]).tokens)


def test_predict__leaves_the_number_of_threads_as_it_was(module):
    before = torch.get_num_threads()
    windows = CodeWindows(np.zeros((1, 1024), np.uint8))
    engine = ExactEngine(module, SMALL, batch_size=1)
    engine.predict(related_windows(SMALL.window, np.random.default_rng(4)), [0], tracks=[0], bins=[3])
    with pytest.raises(ValueError, match="1024"):
        engine.predict(windows, [0], tracks=[0], bins=[3])
    assert torch.get_num_threads() == before


def test_predict__twice_the_same_bytes(module):
    windows = related_windows(SMALL.window, np.random.default_rng(3))
    first, second = (
        ExactEngine(module, SMALL, batch_size=2).predict(windows, range(6), tracks=[0], bins=[3, 4]) for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()


def test_predict__the_published_shape_with_tabulated_position_features():
    """1,536 tokens and 192 features a head, the only shape that the table fits; few channels in the tower."""
    small = Geometry(192, 1, 1, 196_608, 896, 2, channel_multiple=96, tabulated_gamma=True)
    module = untrained_module(small, seed=4)
    windows = CodeWindows(related_windows(small.window, np.random.default_rng(5), n=2).held)
    options = {"tracks": [0, 1], "bins": list(small.centre_bins(10))}
    expected = LibraryEngine(module, small, batch_size=1).predict(windows, [0, 1], **options)
    found = ExactEngine(module, small, batch_size=1).predict(windows, [0, 1], **options)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.abs(expected[0] - expected[1]).max() > 1e-4


def test_predict__what_cannot_be_asked_for(module):
    engine = ExactEngine(module, SMALL, batch_size=1)
    short = CodeWindows(np.zeros((1, 1024), np.uint8))
    with pytest.raises(ValueError, match="windows of 1024 bases, the model takes 2048"):
        engine.predict(short, [0], tracks=[0], bins=[0])
    windows = related_windows(SMALL.window, np.random.default_rng(6))
    with pytest.raises(ValueError, match="bin 8 lies outside"):
        engine.predict(windows, [0], tracks=[0], bins=[8])
    with pytest.raises(ValueError, match="no output bin"):
        engine.predict(windows, [0], tracks=[0], bins=[])
