"""Dosages of chosen alleles, in the order in which they are asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from haploformer.genome.allele_dosages import find_alleles
from haploformer.genome.genotypes import Genotypes

RECORDS = pd.DataFrame(
    [
        ("21", 5, "a", "A", "G"),
        ("22", 5, "b", "A", "G,T"),
        ("22", 7, "c", "CT", "C"),
        ("22", 9, "d", "A", "C"),
        ("22", 9, "e", "A", "<DEL>"),
    ],
    columns=["contig", "pos", "variant_id", "ref", "alt"],
)
ALLELES = np.array([[[0, 1], [0, 0]], [[1, 2], [2, 2]], [[0, 1], [1, 1]], [[-1, 1], [0, 1]], [[1, 1], [1, 1]]], np.int8)
GENOTYPES = Genotypes(RECORDS, ["i", "j"], ALLELES)


def wanted(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["gene_id", "contig", "pos", "ref", "alt"]).assign(kept=range(len(rows)))


def test_find_alleles__in_the_order_asked_for_and_the_others():
    asked = wanted(
        ("g", "22", 9, "A", "C"),
        ("g", "22", 5, "A", "T"),
        ("g", "22", 5, "A", "C"),
        ("h", "21", 5, "A", "G"),
        ("g", "22", 7, "CT", "C"),
        ("g", "22", 9, "A", "<DEL>"),
    )
    dosages, absent = find_alleles(GENOTYPES, asked)
    assert absent["kept"].tolist() == [2, 5]
    assert dosages.alleles["kept"].tolist() == [0, 1, 3, 4]
    variants, values = dosages.of_gene("g")
    assert variants["variant_id"].tolist() == ["d", "b:T", "c"]
    assert np.array_equal(values, np.array([[np.nan, 1, 1], [1, 2, 2]], np.float32), equal_nan=True)
    assert dosages.of_gene("h")[1].tolist() == [[1.0], [0.0]]


def test_of_gene__a_gene_without_alleles():
    variants, values = find_alleles(GENOTYPES, wanted())[0].of_gene("g")
    assert values.shape == (2, 0)
    assert variants.columns.tolist() == ["contig", "pos", "variant_id", "ref", "alt"]
    assert len(variants) == 0
