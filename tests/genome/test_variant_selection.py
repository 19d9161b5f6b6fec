"""Variants by id, place or alleles; stretches that are mutated; REF against the reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.variant_selection import (
    choose_variants,
    describe_outside,
    lie_in_windows,
    mutate_stretch,
    require_reference,
    require_stretch,
)
from haploformer.genome.variants import RECORD_COLUMNS, named_alleles
from tests.builders.genome import MemoryReference

RECORDS = pd.DataFrame(
    [
        ("21", 11, "rs1", "C", "T"),
        ("21", 15, "rs2", "G", "A,<DEL>,GTT"),
        ("22", 3, "22:3:A:C", "A", "C"),
        ("22", 9, "rs4", "A", "*"),
    ],
    columns=RECORD_COLUMNS,
)
KNOWN = named_alleles(RECORDS)


def choose(*entries: str) -> list[tuple]:
    found = choose_variants(entries, KNOWN, where="parameters:x", source="a.vcf")
    assert found.columns.tolist() == RECORD_COLUMNS
    return list(found.itertuples(index=False, name=None))


def test_named_alleles__one_row_per_sequence():
    assert KNOWN["variant_id"].tolist() == ["rs1", "rs2:A", "rs2:GTT", "22:3:A:C"]
    assert KNOWN["record"].tolist() == [0, 1, 1, 2]
    assert KNOWN["allele"].tolist() == [1, 1, 3, 1]


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        (["rs1"], ["rs1"]),
        (["rs2"], ["rs2:A", "rs2:GTT"]),
        (["rs2:GTT"], ["rs2:GTT"]),
        (["chr21:15"], ["rs2:A", "rs2:GTT"]),
        (["chr21:15:G:GTT"], ["rs2:GTT"]),
        (["22:3:A:C", "rs1"], ["rs1", "22:3:A:C"]),
        (["rs1", "21:11", "21:11:C:T"], ["rs1"]),
    ],
)
def test_choose_variants__known_ones(entries, names):
    assert [row[2] for row in choose(*entries)] == names


def test_choose_variants__alleles_spelled_out_need_not_be_known():
    assert choose("chr21:11:c:g", "rs1") == [("21", 11, "21_11_C_G", "C", "G"), ("21", 11, "rs1", "C", "T")]


@pytest.mark.parametrize("entry", ["rs9", "21:12", "rs4", "22:9"])
def test_choose_variants__what_has_no_alleles_is_refused_by_name(entry):
    with pytest.raises(
        InputError, match=rf"parameters:x: {entry} is not among the 4 variants of a\.vcf.*contig:pos:ref"
    ):
        choose("rs1", entry)


def test_require_reference__a_ref_that_differs_or_lies_off_its_contig():
    reference = MemoryReference({"21": "AAAAAAAAAACAAAG", "22": "ACACACACA"})
    good = pd.DataFrame([("21", 11, "a", "C", "T"), ("22", 3, "b", "AC", "A")], columns=RECORD_COLUMNS)
    require_reference(good, reference, source="a.vcf")
    with pytest.raises(InputError, match=r"a\.vcf:21:12: REF differs .*REF C, the reference has A"):
        require_reference(good.assign(pos=[12, 3]), reference, source="a.vcf")
    with pytest.raises(InputError, match=r"a\.vcf:22:9: REF \(2 bases\) reaches past the end of contig 22"):
        require_reference(good.assign(pos=[11, 9]), reference, source="a.vcf")
    with pytest.raises(InputError, match="contig 23 is not in the FASTA"):
        require_reference(good.assign(contig="23"), reference, source="a.vcf")


def test_mutate_stretch__three_substitutions_of_every_known_base():
    found = mutate_stretch(MemoryReference({"1": "TTacNGTT"}), "1", 2, 6)
    assert list(zip(found["pos"], found["ref"], found["alt"], strict=True)) == [
        *((3, "A", alt) for alt in "CGT"),
        *((4, "C", alt) for alt in "AGT"),
        *((6, "G", alt) for alt in "ACT"),
    ]
    assert found["variant_id"].iloc[0] == "1_3_A_C"


@pytest.mark.parametrize(("start", "end"), [(5, 5), (0, 10_001)])
def test_mutate_stretch__of_no_bases_or_too_many(start, end):
    with pytest.raises(InputError, match="mutagenesis: the stretch"):
        mutate_stretch(MemoryReference({"1": "A"}), "1", start, end)


def test_require_stretch__within_the_genes_window():
    window = pd.DataFrame([("g", "1", 100, 200)], columns=["gene_id", "contig", "start", "end"])
    assert require_stretch("g", 100, 200, window) == (100, 200)
    for gene, start, end, problem in [
        (None, 100, 110, "no stretch is given"),
        ("g", None, 110, "no stretch is given"),
        ("g", 99, 110, "does not lie in the window"),
        ("g", 190, 201, "does not lie in the window"),
        ("g", 120, 110, "does not lie in the window"),
    ]:
        with pytest.raises(InputError, match=problem):
            require_stretch(gene, start, end, window)
    with pytest.raises(InputError, match="gene g has no window"):
        require_stretch("g", 100, 110, window.head(0))


SITES = pd.DataFrame(
    [("1", 10, "a", "A", "G"), ("1", 8, "b", "ACG", "A"), ("1", 21, "c", "A", "G"), ("2", 15, "d", "A", "G")],
    columns=RECORD_COLUMNS,
)
TWO_WINDOWS = pd.DataFrame({"contig": ["1", "1"], "start": [9, 500], "end": [20, 600]})


def test_lie_in_windows__by_the_bases_of_ref():
    assert lie_in_windows(SITES, TWO_WINDOWS).tolist() == [True, True, False, False]
    assert lie_in_windows(SITES.iloc[:0], TWO_WINDOWS).tolist() == []


def test_describe_outside__how_many_and_a_few_names():
    inside = np.array([True, False, False, True])
    assert describe_outside(SITES, inside, where="w") == "2 of 4 variants lie in no gene's window (b, c)"
    assert describe_outside(SITES, np.ones(4, bool), where="w") is None
    with pytest.raises(InputError) as error:
        describe_outside(SITES, np.zeros(4, bool), where="w")
    assert str(error.value).startswith(
        "w: none of the 4 variants lies in a gene's window (a, b, c, ...); name variants"
    )
