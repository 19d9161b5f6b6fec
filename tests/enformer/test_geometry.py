"""Sizes of an Enformer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from haploformer.enformer.geometry import PRESETS, Geometry

SMALL = Geometry(dim=48, depth=1, heads=4, window=2048, n_bins=8, n_tracks=5, channel_multiple=8)


def test_geometry__tokens_and_crop():
    assert (SMALL.n_tokens, SMALL.cropped) == (16, 4)
    full = PRESETS["full"]
    # Avsec et al. 2021: 1,536 tokens, 320 cropped on each side, 896 left.
    assert (full.window, full.n_tokens, full.cropped, full.n_bins, full.n_tracks) == (196_608, 1536, 320, 896, 5313)


@pytest.mark.parametrize("name", PRESETS)
def test_presets__the_output_lies_in_the_middle_of_the_window(name):
    geometry = PRESETS[name]
    assert 2 * geometry.cropped + geometry.n_bins == geometry.n_tokens
    # The number of position features per head is split in six.
    assert (geometry.dim // geometry.heads) % 6 == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 2000}, "window is 2000 bases, not a multiple of 128"),
        ({"n_bins": 17}, "17 bins do not lie in the middle of 16 tokens"),
        ({"n_bins": 7}, "7 bins do not lie in the middle of 16 tokens"),
        ({"n_bins": 0}, "0 bins do not lie"),
    ],
)
def test_geometry__impossible_sizes(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)


def test_centre_bins__are_symmetric_round_the_tss():
    assert list(PRESETS["full"].centre_bins(10)) == list(range(443, 453))
    assert list(SMALL.centre_bins(2)) == [3, 4]
    assert list(SMALL.centre_bins(8)) == list(range(8))
    for n in (2, 4, 6, 8):
        bins = list(SMALL.centre_bins(n))
        assert bins == sorted(SMALL.n_bins - 1 - b for b in bins)


def test_centre_bins__the_first_of_the_right_half_holds_the_tss():
    first = SMALL.centre_bins(2)[1]
    tss_offset = SMALL.window // 2
    assert (first + SMALL.cropped) * 128 <= tss_offset < (first + SMALL.cropped + 1) * 128
    assert tss_offset == (first + SMALL.cropped) * 128


@pytest.mark.parametrize("n", [0, -2, 1, 3, 10])
def test_centre_bins__odd_or_too_many(n):
    with pytest.raises(ValueError, match=f"{n} centre bins of 8: must be even, from 2 to 8"):
        SMALL.centre_bins(n)


def test_check_bins__inside_the_output_and_at_least_one():
    SMALL.check_bins([0, 7])
    SMALL.check_bins(range(8))
    with pytest.raises(ValueError, match="no output bin given"):
        SMALL.check_bins([])
    for bad in (-1, 8):
        with pytest.raises(ValueError, match=f"bin {bad} lies outside the output of 8 bins"):
            SMALL.check_bins([0, bad])
