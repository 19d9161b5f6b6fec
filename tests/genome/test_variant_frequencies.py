"""Frequencies of chosen alleles, in pieces."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.enformer.summaries import haplotype_mean
from haploformer.genome import variant_frequencies
from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
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


@pytest.mark.parametrize(("per_person", "expected"), [(False, (3 / 5, 2 / 3)), (True, (2 / 3, 3 / 4))])
def test_tabulate_frequencies__of_haploid_calls(per_person, expected):
    # A man with ALT, a woman with one, a man without a call; and a woman of no population with one.
    records = pd.DataFrame([("X", 5, "a", "C", "T")], columns=RECORD_COLUMNS)
    calls = [[1, ABSENT], [0, 1], [MISSING, ABSENT], [0, 1]]
    genotypes = Genotypes(records, ["p", "q", "r", "s"], np.array([calls], np.int8))
    wanted = records[["contig", "pos", "ref", "alt"]]
    table = tabulate_frequencies(genotypes, wanted, ["X", "X", "X", None], per_person=per_person)
    found = table.set_index("population")["alt_frequency"]
    assert found.to_dict() == pytest.approx({"all": expected[0], "X": expected[1]})


def test_tabulate_frequencies__per_person_is_what_adds_to_their_mean_prediction():
    rng = np.random.default_rng(4)
    men = rng.random(40) < 0.5
    alleles = (rng.random((1, 40, 2)) < 0.3).astype(np.int8)
    alleles[0, men, 1] = ABSENT
    records = pd.DataFrame([("X", 5, "a", "C", "T")], columns=RECORD_COLUMNS)
    genotypes = Genotypes(records, [f"p{i}" for i in range(40)], alleles)
    groups = ["men" if is_man else "women" for is_man in men]
    person, copy = np.nonzero(alleles[0] != ABSENT)
    coverage = (2.0 + 0.5 * alleles[0, person, copy])[:, None].astype(np.float32)
    predicted = haplotype_mean(coverage, person, 40)[:, 0]
    table = tabulate_frequencies(genotypes, records[["contig", "pos", "ref", "alt"]], groups, per_person=True)
    found = table.set_index("population")["alt_frequency"]
    assert 2.0 + 0.5 * found["men"] == pytest.approx(predicted[men].mean())
    assert 2.0 + 0.5 * found["women"] == pytest.approx(predicted[~men].mean())
    assert 2.0 + 0.5 * found["all"] == pytest.approx(predicted.mean())


def test_tabulate_frequencies__of_a_cohort_without_records():
    genotypes = Genotypes(pd.DataFrame(columns=RECORD_COLUMNS), ["p"], np.zeros((0, 1, 2), np.int8))
    wanted = pd.DataFrame({"contig": ["1"], "pos": [5], "ref": ["C"], "alt": ["T"]})
    assert len(tabulate_frequencies(genotypes, wanted, ["X"])) == 0
