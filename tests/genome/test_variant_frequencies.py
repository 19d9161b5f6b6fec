"""Frequencies of chosen alleles, in pieces."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.genome import variant_frequencies
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.variant_frequencies import tabulate_frequencies
from haploformer.genome.variants import RECORD_COLUMNS


@pytest.mark.parametrize("block", [1, 2**22])
def test_tabulate_frequencies__of_everybody_and_each_population(monkeypatch, block):
    monkeypatch.setattr(variant_frequencies, "BLOCK_BYTES", block)
    records = pd.DataFrame(
        [("1", 5, "a", "C", "T,G"), ("1", 7, "b", "A", "C"), ("1", 9, "c", "A", "T")], columns=RECORD_COLUMNS
    )
    alleles = np.array([[[0, 1], [1, 1], [2, 0]], [[0, 0], [-1, -1], [1, 0]], [[1, 1], [1, 1], [1, 1]]], np.int8)
    genotypes = Genotypes(records, ["p", "q", "r"], alleles)
    wanted = pd.DataFrame(
        {"contig": "1", "pos": [5, 5, 7, 8], "ref": ["C", "C", "A", "A"], "alt": ["T", "G", "C", "T"]}
    )
    table = tabulate_frequencies(genotypes, wanted, ["X", "Y", None])
    found = table.set_index(["variant_id", "population"])["alt_frequency"]
    assert found.to_dict() == pytest.approx(
        {
            ("a:T", "all"): 3 / 6,
            ("a:T", "X"): 1 / 2,
            ("a:T", "Y"): 1.0,
            ("a:G", "all"): 1 / 6,
            ("a:G", "X"): 0.0,
            ("a:G", "Y"): 0.0,
            ("b", "all"): 1 / 4,
            ("b", "X"): 0.0,
        }
    )
    assert len(table) == len(found)


def test_tabulate_frequencies__of_a_cohort_without_records():
    genotypes = Genotypes(pd.DataFrame(columns=RECORD_COLUMNS), ["p"], np.zeros((0, 1, 2), np.int8))
    wanted = pd.DataFrame({"contig": ["1"], "pos": [5], "ref": ["C"], "alt": ["T"]})
    assert len(tabulate_frequencies(genotypes, wanted, ["X"])) == 0
