"""Of the genes and people that are there, those that are named."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.selection import choose_genes, choose_individuals

GENES = pd.DataFrame(
    [("E1.4", "COMT"), ("E2.1", "CLTCL1"), ("E3.2", "TWIN"), ("E4.9", "TWIN"), ("E5", "E5")],
    columns=["gene_id", "gene_name"],
)


def choose(*wanted: str) -> list[str]:
    return choose_genes(GENES, wanted, source="e.bed")["gene_id"].tolist()


def test_choose_genes__all_where_none_is_named():
    assert choose_genes(GENES, None, source="e.bed") is GENES


@pytest.mark.parametrize("name", ["COMT", "E1.4", "E1", "E1.7"])
def test_choose_genes__by_name_or_id_whatever_the_version(name):
    assert choose(name) == ["E1.4"]


def test_choose_genes__in_the_order_of_the_table_each_once():
    assert choose("CLTCL1", "COMT", "E1") == ["E1.4", "E2.1"]


def test_choose_genes__a_name_that_is_not_there_or_there_twice():
    with pytest.raises(InputError) as error:
        choose("comtt")
    assert str(error.value) == (
        "parameters:select.genes: gene comtt is not among the 5 genes of e.bed (nearest: COMT); "
        "give a gene's name or id as there; data_prep.chromosomes says on which chromosomes genes are read"
    )
    with pytest.raises(InputError, match=r"2 genes are called TWIN \(E3\.2, E4\.9\); give the id"):
        choose("TWIN")
    assert choose("E4") == ["E4.9"]
    with pytest.raises(InputError, match=r"gene XXXXXX is not among the 5 genes of e\.bed; give"):
        choose("XXXXXX")


def test_choose_individuals__in_the_order_of_the_file():
    there = ["B", "A", "C"]
    assert choose_individuals(there, None, source="g.vcf") == there
    assert choose_individuals(there, ("A", "B"), source="g.vcf") == ["B", "A"]
    with pytest.raises(InputError) as error:
        choose_individuals(["HG00097", "HG00099", "NA12878"], ("HG0097",), source="g.vcf")
    assert str(error.value) == (
        "parameters:select.individuals: individual HG0097 is not among the 3 people of g.vcf "
        "(nearest: HG00097, HG00099); give an id as there"
    )
