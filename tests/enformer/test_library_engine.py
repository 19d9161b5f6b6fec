"""The reference engine against a plain forward of enformer-pytorch."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from haploformer.enformer.geometry import Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import HEAD, untrained_module

SMALL = Geometry(dim=48, depth=2, heads=4, window=2048, n_bins=8, n_tracks=5, channel_multiple=8)
TRACKS, BINS = list(range(5)), list(range(8))


@dataclass
class RandomWindows:
    """Windows of random bases with some unknown ones; remembers which rows were asked for at once."""

    n: int = 7
    length: int = SMALL.window

    def __post_init__(self) -> None:
        self.asked: list[list[int]] = []
        codes = np.random.default_rng(0).integers(0, 5, (self.n, self.length))
        self.hot = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32)])[codes]

    def __len__(self) -> int:
        return self.n

    def one_hot(self, rows):
        self.asked.append(list(rows))
        return self.hot[list(rows)]


@pytest.fixture(scope="module")
def module():
    return untrained_module(SMALL, seed=1)


@pytest.fixture(scope="module")
def plain(module) -> np.ndarray:
    """Every window by itself through the library's module."""
    with torch.inference_mode():
        return np.concatenate([module(torch.from_numpy(x[None]))[HEAD].numpy() for x in RandomWindows().hot])


def test_predict__equals_the_plain_forward(module, plain):
    engine = LibraryEngine(module, SMALL, batch_size=1)
    found = engine.predict(RandomWindows(), range(7), tracks=TRACKS, bins=BINS)
    assert (found.shape, found.dtype) == ((7, 8, 5), np.float32)
    assert np.array_equal(found, plain)


@pytest.mark.parametrize("size", [2, 3, 7, 100])
def test_predict__batch_size_changes_nothing(module, plain, size):
    windows = RandomWindows()
    found = LibraryEngine(module, SMALL, batch_size=size).predict(windows, range(7), tracks=TRACKS, bins=BINS)
    # Float32 sums in another order; docs promise 1e-4 relative.
    np.testing.assert_allclose(found, plain, rtol=1e-4)
    assert [len(rows) for rows in windows.asked] == [min(size, 7 - i) for i in range(0, 7, size)]


class InDouble(torch.nn.Module):
    """The module in float64, from float32 windows to float32 predictions."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = deepcopy(module).double()

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {HEAD: self.module(x.double())[HEAD].float()}


def test_predict__in_float64_batch_size_changes_the_last_bit_at_most(module, plain):
    found = [
        LibraryEngine(InDouble(module), SMALL, batch_size=size).predict(
            RandomWindows(), range(7), tracks=TRACKS, bins=BINS
        )
        for size in (1, 3, 7)
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=2e-7)
    np.testing.assert_allclose(found[2], found[0], rtol=2e-7)
    np.testing.assert_allclose(found[0], plain, rtol=1e-4)


def test_predict__rows_tracks_and_bins_in_the_order_asked_for(module, plain):
    engine = LibraryEngine(module, SMALL, batch_size=2)
    rows, tracks, bins = [6, 0, 0, 3], [4, 0, 2], [7, 3]
    found = engine.predict(RandomWindows(), rows, tracks=tracks, bins=bins)
    np.testing.assert_allclose(found, plain[np.ix_(rows, bins, tracks)], rtol=1e-4)
    assert found.shape == (4, 2, 3)
    one = engine.predict(RandomWindows(), [5], tracks=(3,), bins=range(2, 4))
    np.testing.assert_allclose(one, plain[5:6, 2:4, 3:4], rtol=1e-4)


def test_predict__no_row(module):
    engine = LibraryEngine(module, SMALL, batch_size=2)
    assert engine.predict(RandomWindows(), [], tracks=[0, 1], bins=[3]).shape == (0, 1, 2)


def test_predict__another_order_of_the_bases_is_another_prediction(module, plain):
    # The failing example of the convention A C G T.
    windows = RandomWindows()
    windows.hot = windows.hot[..., ::-1].copy()
    found = LibraryEngine(module, SMALL, batch_size=7).predict(windows, range(7), tracks=TRACKS, bins=BINS)
    assert np.abs(found - plain).max() > 1e-2


@pytest.mark.parametrize("length", [1920, 2176])
def test_predict__windows_of_the_wrong_length(module, length):
    engine = LibraryEngine(module, SMALL, batch_size=2)
    with pytest.raises(ValueError, match=f"windows of {length} bases, the model takes 2048"):
        engine.predict(RandomWindows(length=length), [0], tracks=[0], bins=[0])


@pytest.mark.parametrize(
    ("tracks", "bins", "message"),
    [
        ([], [0], "no track selected"),
        ([5], [0], "track 5 selected, the model has 5"),
        ([0], [], "no output bin given"),
        ([0], [8], "bin 8 lies outside the output of 8 bins"),
        ([0], [-1], "bin -1 lies outside"),
    ],
)
def test_predict__outputs_that_are_not_there(module, tracks, bins, message):
    windows = RandomWindows()
    with pytest.raises(ValueError, match=message):
        LibraryEngine(module, SMALL, batch_size=2).predict(windows, [0], tracks=tracks, bins=bins)
    assert windows.asked == []


def test_library_engine__puts_the_module_in_evaluation_mode(module, plain):
    module.train()
    engine = LibraryEngine(module, SMALL, batch_size=1)
    assert not module.training
    assert np.array_equal(engine.predict(RandomWindows(), [2], tracks=TRACKS, bins=BINS), plain[2:3])
