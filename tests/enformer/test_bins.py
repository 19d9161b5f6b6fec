"""Which bins are kept of each prediction."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.enformer.bins import KeptBins

CENTRE = (2, 3)
PREDICTIONS = np.arange(2 * 6 * 3, dtype=np.float32).reshape(2, 6, 3) ** 2


def kept(keep: str) -> KeptBins:
    return KeptBins(keep, CENTRE, 6)


@pytest.mark.parametrize(
    ("keep", "dimension", "shape", "n_wanted"),
    [
        ("centre", None, (3,), 2),
        ("all", "bin_set", (2, 3), 6),
        ("each", "bin", (6, 3), 6),
        ("each_centre", "bin", (2, 3), 2),
    ],
)
def test_kept_bins__what_is_asked_of_the_model_and_stored(keep, dimension, shape, n_wanted):
    bins = kept(keep)
    assert bins.dimension == dimension
    assert bins.row_shape(3) == shape
    assert len(bins.wanted) == n_wanted
    assert bins.reduce(PREDICTIONS[:, bins.wanted]).shape == (2, *shape)


@pytest.mark.parametrize("keep", ["centre", "all", "each", "each_centre"])
def test_kept_bins__the_mean_over_the_centre_is_the_same_however_bins_are_kept(keep):
    bins = kept(keep)
    rows = bins.reduce(PREDICTIONS[:, bins.wanted])
    assert np.array_equal(bins.mean(rows), PREDICTIONS[:, 2:4].mean(1))


@pytest.mark.parametrize("keep", ["all", "each"])
def test_kept_bins__the_mean_over_all_bins(keep):
    bins = kept(keep)
    rows = bins.reduce(PREDICTIONS[:, bins.wanted])
    assert np.array_equal(bins.mean(rows, over="all"), PREDICTIONS.mean(1, dtype=np.float64).astype(np.float32))


def test_kept_bins__all_bins_cannot_be_had_from_the_centre():
    rows = kept("centre").reduce(PREDICTIONS[:, 2:4])
    with pytest.raises(ValueError, match="only the mean over the centre bins is stored"):
        kept("centre").mean(rows, over="all")
    with pytest.raises(ValueError, match="mean over 'centrum'"):
        kept("each").mean(PREDICTIONS, over="centrum")


def test_kept_bins__means_are_summed_in_float64():
    predictions = np.full((1, 1001, 1), 16_777_216.0, np.float32)
    predictions[0, :1000] = 1.0
    bins = KeptBins("centre", tuple(range(1001)), 1001)
    assert bins.reduce(predictions)[0, 0] == np.float32((16_777_216 + 1000) / 1001)


def test_kept_bins__no_bin_is_an_error_not_zero():
    with pytest.raises(ValueError, match="no output bin given"):
        KeptBins("centre", (), 6)


@pytest.mark.parametrize("keep", ["centre", "all", "each", "each_centre"])
def test_kept_bins__are_told_by_the_attributes_of_a_store(keep):
    assert KeptBins.of_attributes(kept(keep).identity | {"weights": "any"}) == kept(keep)
