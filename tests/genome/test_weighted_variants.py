"""Variants with weights among other people's records: which allele counts, case by case."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.genome.genotypes import ABSENT, MISSING, Genotypes
from haploformer.genome.weighted_variants import MIN_PEOPLE, effect_dosages, find_weighted_variants

N = 60


def genotypes_of(*records: tuple[int, str, str, float]) -> Genotypes:
    """Records (pos, ref, alt, frequency of the first ALT) of 60 people."""
    table = pd.DataFrame([("22", pos, f"v{pos}", ref, alt) for pos, ref, alt, _ in records])
    table.columns = ["contig", "pos", "variant_id", "ref", "alt"]
    alleles = np.zeros((len(records), N, 2), np.int8)
    for row, (*_, frequency) in zip(alleles, records, strict=True):
        row.reshape(-1)[: round(2 * N * frequency)] = 1
    return Genotypes(table, [f"P{i}" for i in range(N)], alleles)


def wanted(*rows: tuple[int, str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame([("22", *row) for row in rows], columns=["contig", "pos", "ref", "alt", "mean_dosage"])
    return table.set_index(np.arange(len(rows)) * 10 + 5)


def find(row, *records, ref_compared: bool = False, ref_named: bool = True) -> tuple[int, int, str]:
    found = find_weighted_variants(
        wanted(row), genotypes_of(*records), source="s", ref_compared=ref_compared, ref_named=ref_named
    )
    assert found.index.tolist() == [5]
    return tuple(found.iloc[0])


@pytest.mark.parametrize(
    ("row", "record", "expected"),
    [
        ((9, "A", "G", 0.4), (9, "A", "G", 0.2), (0, 1, "as written")),
        ((9, "A", "G", 0.4), (9, "G", "A", 0.8), (0, 0, "turned")),
        ((9, "A", "G", 0.4), (9, "T", "C", 0.2), (0, 1, "turned")),
        ((9, "A", "G", 0.4), (9, "C", "T", 0.8), (0, 0, "turned")),
        ((9, "A", "GT", 0.4), (9, "GT", "A", 0.8), (0, 0, "turned")),
        ((9, "A", "G", 0.4), (9, "C,G", "A", 0.8), (-1, -1, "missing")),
        ((9, "A", "G", 0.4), (9, "A", "C,G", 0.2), (0, 2, "as written")),
        ((9, "A", "G", 0.4), (9, "A", "C", 0.2), (-1, -1, "missing")),
        ((9, "A", "G", 0.4), (8, "A", "G", 0.2), (-1, -1, "missing")),
        ((9, "A", "G", 0.4), (9, "A", "*,G", 0.2), (0, 2, "as written")),
    ],
)
@pytest.mark.parametrize("ref_compared", [False, True])
def test_find_weighted_variants__alleles_that_tell_the_strand(row, record, expected, ref_compared):
    assert find(row, record, ref_compared=ref_compared) == expected


@pytest.mark.parametrize(
    ("compared", "named", "expected"),
    [
        (True, True, (-1, -1, "missing")),
        (False, True, (-1, -1, "ambiguous")),
        # PLINK1: two alleles, and no REF.
        (True, False, (0, 0, "turned")),
        (False, False, (0, 0, "turned")),
    ],
)
def test_find_weighted_variants__in_a_repeat_an_insertion_is_no_deletion(compared, named, expected):
    options = {"ref_compared": compared, "ref_named": named}
    insertion, deletion = (9, "A", "AT", 0.4), (9, "AT", "A", 0.8)
    assert find(insertion, deletion, **options) == expected
    assert find(deletion, insertion, **options) == expected
    assert find(insertion, insertion, **options) == (0, 1, "as written")
    assert find(insertion, deletion, insertion, **options) == (1, 1, "as written")


@pytest.mark.parametrize(
    ("row", "record", "expected"),
    [
        ((9, "A", "T", 0.4), (9, "A", "T", 0.25), (0, 1, "as written")),
        # The other strand, and REF and ALT the other way round: the letters are the same.
        ((9, "A", "T", 0.4), (9, "A", "T", 0.85), (0, 0, "turned")),
        ((9, "A", "T", 0.4), (9, "T", "A", 0.25), (0, 1, "turned")),
        ((9, "A", "T", 0.4), (9, "T", "A", 0.85), (0, 0, "turned")),
        ((9, "C", "G", 1.6), (9, "C", "G", 0.75), (0, 1, "as written")),
        ((9, "C", "G", 0.9), (9, "C", "G", 0.2), (-1, -1, "ambiguous")),
        ((9, "C", "G", 0.4), (9, "C", "G", 0.45), (-1, -1, "ambiguous")),
        ((9, "C", "G", 0.4), (7, "C", "G", 0.2), (-1, -1, "missing")),
        ((9, "C", "G", 0.4), (9, "C", "A", 0.2), (-1, -1, "missing")),
    ],
)
def test_find_weighted_variants__alike_on_both_strands_by_frequency(row, record, expected):
    assert find(row, record) == expected


@pytest.mark.parametrize(
    ("contig", "outcomes"), [("22", ["as written", "as written"]), ("X", ["ambiguous", "as written"])]
)
def test_find_weighted_variants__mean_dosages_of_x_are_no_frequencies(contig, outcomes):
    """What a mean dosage makes of a frequency depends on how many men there are."""
    rows = wanted((9, "A", "T", 0.78), (12, "A", "G", 0.975)).assign(contig=contig)
    genotypes = genotypes_of((9, "A", "T", 0.3), (12, "A", "G", 0.65))
    others = Genotypes(genotypes.records.assign(contig=contig), genotypes.individual_ids, genotypes.alleles)
    found = find_weighted_variants(rows, others, source="s", ref_compared=False)
    assert found["outcome"].tolist() == outcomes


def test_find_weighted_variants__alike_on_both_strands_as_written_where_refs_were_compared():
    for frequency in (0.2, 0.5, 0.9):
        assert find((9, "A", "T", 0.4), (9, "A", "T", frequency), ref_compared=True) == (0, 1, "as written")
    assert find((9, "A", "T", 0.4), (9, "T", "A", 0.2), ref_compared=True) == (-1, -1, "missing")


def test_find_weighted_variants__too_few_calls_tell_no_frequency():
    row = wanted((9, "A", "T", 0.4))
    genotypes = genotypes_of((9, "A", "T", 0.2))
    for n_called, expected in ((MIN_PEOPLE, "as written"), (MIN_PEOPLE - 1, "ambiguous")):
        alleles = np.array(genotypes.alleles)
        alleles[0, n_called:, 1] = MISSING
        fewer = Genotypes(genotypes.records, genotypes.individual_ids, alleles)
        assert find_weighted_variants(row, fewer, source="s", ref_compared=False)["outcome"].tolist() == [expected]


def test_find_weighted_variants__many_at_once_keep_their_rows():
    rng = np.random.default_rng(0)
    positions = np.sort(rng.choice(90_000, 5_000, replace=False)) + 1
    pairs = [("A", "G"), ("G", "A"), ("A", "T"), ("C", "A")]
    records = [(int(p), *pairs[i % 4], 0.2) for i, p in enumerate(positions)]
    rows = wanted(*[(p, ref, alt, 0.4) for p, ref, alt, _ in records]).sample(frac=0.5, random_state=1)
    found = find_weighted_variants(rows, genotypes_of(*records), source="s", ref_compared=False)
    assert found.index.equals(rows.index)
    np.testing.assert_array_equal(found["record"], (rows.index - 5) // 10)
    assert set(found["outcome"]) == {"as written"}


def test_effect_dosages__counts_the_allele_that_has_the_effect():
    alleles = np.array([[[0, 1], [1, 1], [0, MISSING]], [[0, 2], [1, ABSENT], [2, 2]]], np.int8)
    records = pd.DataFrame({"contig": "22", "pos": [5, 9], "variant_id": ".", "ref": "A", "alt": ["C", "C,G"]})
    genotypes = Genotypes(records, ["a", "b", "c"], alleles)
    found = effect_dosages(genotypes, np.array([1, 0, 1, 0]), np.array([2, 1, 0, 0]))
    np.testing.assert_array_equal(found, [[1, 1, 1, 1], [0, 2, 0, 0], [2, np.nan, 0, np.nan]])
    assert effect_dosages(genotypes, np.array([], np.int64), np.array([], np.int64)).shape == (3, 0)
