"""The transformer to first order, against gradients of enformer-pytorch's own modules."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.first_order import FirstOrderTrunk
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import HEAD, untrained_module
from haploformer.enformer.screening import MOST_TRACKS, ScreeningEngine
from haploformer.enformer.trunk import SharedTrunk
from haploformer.errors import InputError
from haploformer.genome.encoding import one_hot
from tests.builders.enformer import AlleleWindows, CodeWindows, related_windows, snp_windows
from tests.enformer.test_exact_engine import GEOMETRIES, SMALL


def plain_tokens(module, codes: np.ndarray) -> torch.Tensor:
    """enformer-pytorch's tokens (n_windows, n_tokens, dim) of windows."""
    weight = next(module.parameters())
    with torch.no_grad():
        return module._trunk[:4](torch.from_numpy(one_hot(codes)).to(weight.dtype))


def plain_means(module, tokens: torch.Tensor, bins, tracks) -> torch.Tensor:
    """enformer-pytorch's coverage from its tokens on, mean over bins: (n_windows, n_tracks)."""
    return module.heads[HEAD](module._trunk[4:](tokens))[:, bins][:, :, tracks].mean(1)


def plain_first_order(module, codes: np.ndarray, bins, tracks) -> torch.Tensor:
    """First-order differences of windows from the first, by gradients of the library's modules: (n_windows, n_tracks)."""
    tokens = plain_tokens(module, codes)
    x = tokens[:1].clone().requires_grad_()
    means = plain_means(module, x, bins, tracks)[0]
    gradients = [torch.autograd.grad(mean, x, retain_graph=True)[0] for mean in means]
    return torch.stack([((tokens - tokens[:1]) * gradient).sum((1, 2)) for gradient in gradients], dim=1)


@pytest.mark.parametrize(
    "geometry", [g for g in GEOMETRIES if g.n_bins % 2 == 0], ids=lambda g: f"{g.n_tokens}-{g.heads}"
)
def test_first_order_trunk__equals_gradients_of_the_plain_modules_in_float64(geometry, monkeypatch):
    monkeypatch.setattr("haploformer.enformer.first_order.CHUNK", 7)
    module = untrained_module(geometry, seed=3).double()
    codes = related_windows(geometry.window, np.random.default_rng(7), n=4).held
    bins, tracks = list(geometry.centre_bins(4)), [geometry.n_tracks - 1, 0]
    expected = plain_first_order(module, codes, bins, tracks)
    first_order = FirstOrderTrunk(SharedTrunk(module, geometry, HEAD))
    tokens = plain_tokens(module, codes)
    with torch.inference_mode():
        first_order.set_reference(tokens[0], bins=bins, tracks=tracks)
        # Windows 1 to 3, then the reference; its tokens and the others' have numbers of their own.
        numbers = torch.arange(4 * geometry.n_tokens).view(4, -1)[[0, 1, 2, 3, 0]]
        found = first_order.differences(tokens.flatten(0, 1), numbers)
    assert (found.shape, found.dtype) == ((4, 2), torch.float64)
    assert (found[:3] - expected[1:]).abs().max() < 1e-11 * expected.abs().max()
    assert found[3].tolist() == [0, 0]
    assert expected.abs().max() > 1e-4


def test_first_order_trunk__its_error_shrinks_with_the_square_of_the_difference():
    module = untrained_module(SMALL, seed=2).double()
    bins, tracks = list(SMALL.centre_bins(4)), [1, 3]
    tokens = plain_tokens(module, snp_windows(SMALL.window, np.random.default_rng(4), n=2).held)
    first_order = FirstOrderTrunk(SharedTrunk(module, SMALL, HEAD))
    first_order.set_reference(tokens[0], bins=bins, tracks=tracks)
    errors = []
    # So small that no ReLU is crossed.
    for scale in (1e-5, 5e-6, 2.5e-6):
        scaled = torch.stack([tokens[0], tokens[0] + scale * (tokens[1] - tokens[0])])
        means = plain_means(module, scaled, bins, tracks)
        numbers = torch.arange(2 * SMALL.n_tokens).view(2, -1)
        found = first_order.differences(scaled.flatten(0, 1), numbers)
        errors.append((found - (means[1] - means[0])).abs())
    for larger, smaller in pairwise(errors):
        assert (smaller / larger - 0.25).abs().max() < 0.02


@pytest.fixture(scope="module")
def module():
    return untrained_module(SMALL, seed=1)


@pytest.mark.parametrize("kind", [AlleleWindows, CodeWindows])
def test_predict__the_mean_over_the_bins_to_first_order(module, kind):
    windows = kind(snp_windows(SMALL.window, np.random.default_rng(1), n=7).held)
    rows, options = [4, 0, 6, 1, 5], {"tracks": [4, 1], "bins": [3, 4, 5]}
    engine = ScreeningEngine(module, SMALL, batch_size=2)
    found = engine.predict(windows, rows, **options)
    assert (found.shape, found.dtype) == ((5, 3, 2), np.float32)
    reference = LibraryEngine(module, SMALL, batch_size=2).predict(windows, [0], **options)[0]
    expected = plain_first_order(module, windows.held, [3, 4, 5], [4, 1]).numpy()[rows]
    np.testing.assert_allclose(found, reference + expected[:, None], rtol=1e-4)
    assert np.abs(expected[0]).min() > 1e-3
    # What is told of its fidelity is what it is for the window that differs in most tokens.
    exact = ExactEngine(module, SMALL, batch_size=2).predict(windows, rows, **options).mean(1)
    errors = np.abs(found.mean(1) - exact).max(1) / np.abs(exact - exact[1]).max(1).clip(1e-9)
    facts = engine.facts
    assert facts["screening_checked"] == 1
    assert any(np.isclose(errors, facts["screening_largest_error"], rtol=1e-2))
    checked = int(np.argmin(np.abs(errors - facts["screening_largest_error"])))
    same = np.sign((found - reference).mean((1, 2))) == np.sign((exact - exact[1]).mean(1))
    assert facts["screening_right_sign"] == same[checked]


def test_predict__one_backward_pass_a_gene_whatever_its_parts(module, monkeypatch):
    windows = snp_windows(SMALL.window, np.random.default_rng(2), n=6)
    engine, options = ScreeningEngine(module, SMALL, batch_size=2), {"tracks": [0, 3], "bins": [3, 4]}
    whole, calls = FirstOrderTrunk.set_reference, []
    monkeypatch.setattr(FirstOrderTrunk, "set_reference", lambda *a, **k: calls.append(k) or whole(*a, **k))
    expected = engine.predict(windows, range(6), **options)
    monkeypatch.setattr("haploformer.enformer.parts.PLAN_BYTES", 1)
    np.testing.assert_allclose(engine.predict(windows, range(6), **options), expected, rtol=1e-6)
    assert len(calls) == 1
    assert engine.facts["screening_checked"] == 5, "each part has a window that is checked; the reference has none"
    engine.predict(windows, range(2), tracks=[0], bins=[3, 4])
    other = snp_windows(SMALL.window, np.random.default_rng(3), n=2)
    engine.predict(other, range(2), tracks=[0], bins=[3, 4])
    assert len(calls) == 3


class Alone(CodeWindows):
    """Sequences that are no haplotypes of one another."""

    def reference_rows(self, rows):
        return np.asarray(rows, np.int64)


def test_predict__without_a_reference_it_is_exact(module):
    windows = Alone(np.random.default_rng(6).integers(0, 4, (3, SMALL.window)).astype(np.uint8))
    options = {"tracks": range(5), "bins": range(8)}
    engine = ScreeningEngine(module, SMALL, batch_size=4)
    exactly = ExactEngine(module, SMALL, batch_size=4).predict(windows, range(3), **options)
    np.testing.assert_allclose(engine.predict(windows, range(3), **options), exactly, rtol=1e-5)
    assert engine.facts["screening_checked"] == 0


def test_predict__a_mean_below_zero_is_zero_and_counted(module, monkeypatch):
    windows, options = snp_windows(SMALL.window, np.random.default_rng(1), n=4), {"tracks": [0, 3], "bins": [3, 4]}
    engine = ScreeningEngine(module, SMALL, batch_size=4)
    whole = FirstOrderTrunk.differences
    monkeypatch.setattr(FirstOrderTrunk, "differences", lambda *a: whole(*a) - torch.tensor([1e4, 0.0]))
    found = engine.predict(windows, range(4), **options).mean(1)
    assert np.abs(found[:, 0]).max() < 1e-5
    assert (found[:, 1] > 0.01).all()
    assert engine.facts["screening_below_zero"] == 4


def test_predict__more_tracks_than_screening_is_for():
    geometry = Geometry(dim=48, depth=1, heads=4, window=2048, n_bins=8, n_tracks=MOST_TRACKS + 1, channel_multiple=8)
    engine = ScreeningEngine(untrained_module(geometry, seed=1), geometry, batch_size=1)
    windows = snp_windows(geometry.window, np.random.default_rng(1), n=2)
    with pytest.raises(InputError, match="65 tracks are asked for, and screening takes a backward pass"):
        engine.predict(windows, range(2), tracks=range(MOST_TRACKS + 1), bins=[3])
    assert engine.predict(windows, range(2), tracks=range(MOST_TRACKS), bins=[3]).shape == (2, 1, MOST_TRACKS)
