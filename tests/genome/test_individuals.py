"""Which people a study has."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.individuals import select_individuals

PANEL = pd.DataFrame(
    [("B", "GBR", "female"), ("A", "YRI", "male"), ("Z", "YRI", "male")],
    columns=["individual_id", "population", "sex"],
)
SOURCES = {"expression": "e.bed", "genotypes": "g.vcf", "covariates": "c.txt"}


def select(measured, genotyped, covariates, policy="intersect"):
    return select_individuals(measured, genotyped, covariates, PANEL, policy=policy, sources=SOURCES)


def test_select_individuals__in_the_order_of_the_expression_table_with_their_facts():
    people = select(["C", "A", "B", "D"], ["A", "B", "C", "Q"], ["B", "C", "A", "D"])
    assert people["individual_id"].tolist() == people["sample_id"].tolist() == ["C", "A", "B"]
    assert people["population"].tolist()[1:] == ["YRI", "GBR"]
    assert people["sex"].tolist()[1:] == ["male", "female"]
    assert people[["population", "sex"]].iloc[0].isna().all()


def test_select_individuals__order_of_the_other_files_changes_nothing():
    rng = np.random.default_rng(0)
    ids = [f"P{i}" for i in range(30)]
    plain = select(ids[:20], ids[5:], ids)
    shuffled = select(ids[:20], rng.permutation(ids[5:]).tolist(), rng.permutation(ids).tolist())
    assert plain.equals(shuffled)
    assert plain["individual_id"].tolist() == ids[5:20]


def test_select_individuals__require_names_the_first_absent():
    with pytest.raises(InputError) as error:
        select(["A", "B", "C", "D"], ["A", "B"], ["A", "B", "C", "D"], policy="require")
    assert str(error.value) == (
        "e.bed: 2 of 4 individuals are not in g.vcf (first: C, D); "
        "set data_prep.individuals: intersect, or check the ids"
    )
    assert len(select(["A", "B"], ["A", "B", "X"], ["B", "A"], policy="require")) == 2


@pytest.mark.parametrize("policy", ["intersect", "require"])
def test_select_individuals__nobody_in_common_shows_both_spellings(policy):
    with pytest.raises(InputError) as error:
        select(["HG1", "HG2"], ["HG1_HG1", "HG2_HG2"], ["HG1", "HG2"], policy=policy)
    assert str(error.value).startswith(
        "g.vcf: none of the 2 individuals of e.bed is in it (HG1 there, HG1_HG1 here); give files of the same people"
    )


def test_select_individuals__nobody_in_all_files():
    with pytest.raises(InputError, match=r"^e.bed: no individual is in all files; give"):
        select(["A", "B"], ["A"], ["B"])
