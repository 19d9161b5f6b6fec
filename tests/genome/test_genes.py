"""Which genes a study has."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.genes import select_genes

MEASURED = pd.DataFrame(
    [("E1.4", "22", 10), ("E2", "22", 20), ("E3.1", "21", 30), ("E9", "X", 40)], columns=["gene_id", "contig", "tss"]
)
ANNOTATION = pd.DataFrame(
    [("E1.4", "ONE", "+"), ("E2.7", "TWO", "-"), ("E3.9", "THREE", "-"), ("E1.3", "OLD", "-")],
    columns=["gene_id", "gene_name", "strand"],
)


def select(chromosomes: list[str], annotation: pd.DataFrame = ANNOTATION) -> pd.DataFrame:
    return select_genes(MEASURED, annotation, chromosomes=chromosomes, source="e.bed")


def test_select_genes__all_in_the_order_of_the_expression_table():
    genes = select(["all"])
    assert genes.columns.tolist() == ["gene_id", "gene_name", "contig", "tss", "strand"]
    assert genes.values.tolist() == [
        ["E1.4", "ONE", "22", 10, "+"],
        ["E2", "TWO", "22", 20, "-"],
        ["E3.1", "THREE", "21", 30, "-"],
        ["E9", "E9", "X", 40, "."],
    ]


def test_select_genes__chromosomes_in_any_spelling():
    assert select(["chr22"])["gene_id"].tolist() == ["E1.4", "E2"]
    assert select(["x", "21"])["gene_id"].tolist() == ["E3.1", "E9"]


def test_select_genes__the_exact_version_is_taken_before_another():
    reversed_annotation = ANNOTATION.iloc[::-1].reset_index(drop=True)
    assert select(["22"], reversed_annotation)["gene_name"].tolist() == ["ONE", "TWO"]
    without = ANNOTATION[ANNOTATION["gene_id"] != "E1.4"]
    assert select(["22"], without)["gene_name"].tolist() == ["OLD", "TWO"]


def test_select_genes__an_annotation_without_genes_leaves_the_ids():
    genes = select(["22"], ANNOTATION.iloc[:0])
    assert genes["gene_name"].tolist() == ["E1.4", "E2"]
    assert genes["strand"].tolist() == [".", "."]


def test_select_genes__no_gene_names_the_chromosomes_that_are_there():
    with pytest.raises(InputError) as error:
        select(["chr7", "8"])
    assert str(error.value) == (
        "e.bed: no gene on chromosome chr7, 8 (chromosomes there: 21, 22, X); "
        "set data_prep.chromosomes, or give another expression table"
    )
