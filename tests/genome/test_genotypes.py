"""Which rows an interval has, and dosages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.intervals import Interval

COLUMNS = ["contig", "pos", "variant_id", "ref", "alt"]


def genotypes_of(rows: list[tuple[str, int, str]], alleles: list) -> Genotypes:
    table = pd.DataFrame([(c, p, f"v{i}", "A", alt) for i, (c, p, alt) in enumerate(rows)], columns=COLUMNS)
    array = np.array(alleles, np.int8).reshape(len(rows), -1, 2)
    return Genotypes(table, [f"P{i}" for i in range(array.shape[1])], array)


def three_contigs() -> Genotypes:
    rows = [("21", p, "C") for p in (5, 90)] + [("22", p, "C") for p in (1, 10, 10, 11, 50)] + [("X", 10, "C")]
    return genotypes_of(rows, [[[i % 2, 0]] for i in range(8)])


@pytest.mark.parametrize(
    ("contig", "start", "end", "rows"),
    [
        ("22", 0, 100, (2, 7)),
        ("22", 9, 10, (3, 5)),
        ("22", 9, 11, (3, 6)),
        ("22", 10, 11, (5, 6)),
        ("22", 0, 1, (2, 3)),
        ("22", 1, 9, (3, 3)),
        ("22", 60, 99, (7, 7)),
        ("22", -50, 0, (2, 2)),
        ("21", 4, 5, (0, 1)),
        ("X", 9, 10, (7, 8)),
        ("X", -5, 10**9, (7, 8)),
        ("1", 0, 100, (0, 0)),
        ("chr22", 0, 100, (0, 0)),
    ],
)
def test_row_range__zero_based_half_open(contig, start, end, rows):
    assert three_contigs().row_range(contig, start, end) == rows


def test_select__records_and_alleles_go_together():
    local = three_contigs().select("22", 9, 11)
    assert local.records["variant_id"].tolist() == ["v3", "v4", "v5"]
    assert local.records.index.tolist() == [0, 1, 2]
    assert local.alleles[:, 0, 0].tolist() == [1, 0, 1]


def test_select__no_record_keeps_the_shape():
    empty = three_contigs().select("7", 0, 100)
    assert (len(empty), empty.alleles.shape, empty.alleles.dtype) == (0, (0, 1, 2), np.int8)


def test_select__of_a_selection_is_the_smaller_one():
    whole = three_contigs()
    again = whole.select("22", 0, 20).select("22", 9, 10)
    assert again.records.equals(whole.select("22", 9, 10).records)


@pytest.mark.parametrize(
    "interval", [("22", 100, 200), ("22", 120, 121), ("22", 300, 400), ("21", -50, 10), ("21", 0, 10)]
)
def test_require_covered__inside_what_was_read(interval):
    read = (Interval("21", 0, 10), Interval("22", 100, 200), Interval("22", 300, 400))
    replace(three_contigs(), intervals=read).require_covered(Interval(*interval))
    three_contigs().require_covered(Interval(*interval))


@pytest.mark.parametrize("interval", [("22", 99, 200), ("22", 100, 201), ("22", 150, 350), ("X", 0, 1), ("21", 0, 11)])
def test_require_covered__beyond_what_was_read(interval):
    read = (Interval("21", 0, 10), Interval("22", 100, 200), Interval("22", 300, 400))
    contig, start, end = interval
    genotypes = replace(three_contigs(), intervals=read, provenance={"source": "g.vcf"})
    with pytest.raises(InputError, match=rf"^g.vcf: the stored variants do not cover {contig}:{start + 1}-{end}, "):
        genotypes.require_covered(Interval(*interval))


def test_alt_dosages__counts_copies_of_each_allele():
    found = genotypes_of([("22", 1, "C")], [[[0, 0], [0, 1], [1, 0], [1, 1]]])
    variants, dosages = alt_dosages(found)
    assert dosages.tolist() == [[0.0], [1.0], [1.0], [2.0]]
    assert dosages.dtype == np.float32
    assert variants.to_dict("records") == [{"contig": "22", "pos": 1, "variant_id": "v0", "ref": "A", "alt": "C"}]


def test_alt_dosages__one_column_per_alternative_allele():
    found = genotypes_of([("22", 1, "C,G"), ("22", 2, "T")], [[[0, 2], [1, 2], [1, 1]], [[0, 1], [0, 0], [1, 1]]])
    variants, dosages = alt_dosages(found)
    assert variants["variant_id"].tolist() == ["v0:C", "v0:G", "v1"]
    assert variants["alt"].tolist() == ["C", "G", "T"]
    assert dosages.T.tolist() == [[0, 1, 2], [1, 1, 0], [1, 0, 2]]


def test_alt_dosages__a_haploid_call_counts_once():
    _, dosages = alt_dosages(genotypes_of([("X", 1, "C")], [[[1, -2], [0, -2], [1, 1]]]))
    assert dosages[:, 0].tolist() == [1, 0, 2]


def test_alt_dosages__nan_where_any_allele_is_missing():
    _, dosages = alt_dosages(genotypes_of([("22", 1, "C,G")], [[[-1, -1], [-1, 1], [0, -1], [-1, -2], [2, 0]]]))
    assert np.isnan(dosages[:4]).all()
    assert dosages[4].tolist() == [0, 1]


def test_alt_dosages__no_record():
    variants, dosages = alt_dosages(three_contigs().select("7", 0, 10))
    assert (len(variants), dosages.shape, dosages.dtype) == (0, (1, 0), np.float32)
    assert variants.columns.tolist() == COLUMNS


def test_alt_dosages__an_allele_without_a_sequence_is_no_column():
    records = pd.DataFrame(
        [("22", 5, "v", "A", "C,*,G"), ("22", 9, "w", "A", "<DEL>")],
        columns=["contig", "pos", "variant_id", "ref", "alt"],
    )
    alleles = np.array([[[1, 2], [3, 3]], [[1, 1], [0, 1]]], np.int8)
    variants, dosages = alt_dosages(Genotypes(records, ["P", "Q"], alleles))
    assert variants["variant_id"].tolist() == ["v:C", "v:G"]
    assert dosages.tolist() == [[1.0, 0.0], [0.0, 2.0]]
