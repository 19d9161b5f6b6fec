"""Choices among ClinVar's variants, and windows of disease variants."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.disease_study import build_disease_windows, select_by_significance
from haploformer.genome.windows import build_windows
from tests.builders.genome import MemoryReference

REFERENCE = MemoryReference({"22": "ACGT" * 100})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, [0, 1, 2, 3, 4]),
        (["Pathogenic"], [0, 1]),
        (["likely_pathogenic"], [1, 2]),
        (["benign", "pathogenic"], [0, 1, 3]),
        (["athogenic"], []),
    ],
)
def test_select_by_significance__whole_words_in_any_case(wanted, expected):
    words = ["Pathogenic", "pathogenic/Likely_pathogenic", "Likely pathogenic; risk factor", "Benign", None]
    found = select_by_significance(pd.DataFrame({"significance": words}), wanted)
    assert found.index.tolist() == expected


def disease_table(rows: list[tuple[str, int, str, str]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["gene_id", "pos", "ref", "alt"])
    return table.assign(contig="22", variant_id=[f"v{pos}" for pos in table["pos"]])


def build(table: pd.DataFrame) -> tuple[pd.DataFrame, object]:
    genes = pd.DataFrame([("a", "22", 100, "+"), ("b", "22", 200, "-")], columns=["gene_id", "contig", "tss", "strand"])
    windows = build_windows(genes, REFERENCE, length=64)
    return build_disease_windows(
        table, windows, REFERENCE, strand="forward", both_strands=False, provenance={"rule": "x"}
    )


def test_build_disease_windows__of_the_genes_of_the_table():
    # The window of a is [68, 132), 0-based. The deletion behind its last base changes nothing in it.
    table = disease_table([("a", 101, "A", "G"), ("a", 132, "TAC", "T"), ("a", 101, "A", "G")])
    kept, made = build(table)
    assert kept["pos"].tolist() == [101, 101]
    assert made.table["pos"].tolist() == [101]
    assert made.strands[0].genes["gene_id"].tolist() == ["a"]


def test_build_disease_windows__nothing_left_or_another_ref():
    with pytest.raises(InputError, match="no row is about a variant in the window of a protein-coding gene"):
        build(disease_table([]))
    with pytest.raises(InputError, match="22:101"):
        build(disease_table([("a", 101, "C", "G")]))
