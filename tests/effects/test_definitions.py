"""Definitions of effects, by numbers computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.effects.definitions import average_strands, log_fold_change, sad, sadr


def test_sad__is_the_difference_of_sums():
    assert sad(np.array([7.0, 3.0]), np.array([3.0, 3.0])).tolist() == [4.0, 0.0]


def test_sadr__is_the_difference_of_logarithms_of_sums_with_one_added():
    # log2(8) - log2(4); log2(1) - log2(2)
    assert sadr(np.array([7.0, 0.0]), np.array([3.0, 1.0])).tolist() == [1.0, -1.0]


def test_log_fold_change__of_means_with_one_added():
    # log2(4) - log2(1.5)
    assert log_fold_change(np.array([3.0]), np.array([0.5]))[0] == pytest.approx(1.415037499)


def test_average_strands__mirrors_the_bins_of_the_reverse_complement():
    forward = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    reverse = np.array([[5.0, 50.0], [4.0, 40.0], [3.0, 30.0]])
    np.testing.assert_array_equal(average_strands(forward, reverse), [[2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
