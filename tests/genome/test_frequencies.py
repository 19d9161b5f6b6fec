"""Allele frequencies."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.genome.frequencies import alt_frequencies

DOSAGES = np.array([[0, 2, np.nan], [1, 2, np.nan], [2, np.nan, np.nan], [2, 0, 1]], np.float32)


def test_alt_frequencies__of_everybody_and_each_population():
    table = alt_frequencies(DOSAGES, ["b", "b", "a", None])
    assert table.columns.tolist() == ["all", "a", "b"]
    assert table["all"].tolist() == [0.625, pytest.approx(4 / 6), 0.5]
    assert table["b"].tolist()[:2] == [0.25, 1.0]
    assert np.isnan(table["a"].tolist()[1:]).all()
    assert alt_frequencies(DOSAGES).columns.tolist() == ["all"]


def test_alt_frequencies__a_haploid_call_is_one_allele():
    dosages = np.array([[1, 1, np.nan], [1, 0, np.nan], [2, 1, 1]], np.float32)
    table = alt_frequencies(dosages, ["b", "b", "a"], copies=np.array([[1, 1, 1], [1, 2, 2], [2, 2, 2]], np.int8))
    assert table["all"].tolist() == [1.0, 2 / 5, 0.5]
    assert table["b"].tolist()[:2] == [1.0, 1 / 3]
    assert np.isnan(table["b"].iloc[2])


@pytest.mark.parametrize("populations", [["a"], ["all", "a", "a", "a"]])
def test_alt_frequencies__populations_that_cannot_be(populations):
    with pytest.raises(ValueError, match="population"):
        alt_frequencies(DOSAGES, populations)
