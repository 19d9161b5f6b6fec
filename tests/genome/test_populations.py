"""Two groups of people, by population."""

from __future__ import annotations

import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.populations import REST, choose_groups, continental_groups

PEOPLE = pd.DataFrame(
    {
        "individual_id": ["a", "b", "c", "d", "e", "f"],
        "population": ["FIN", "GBR", "FIN", "TSI", None, "GBR"],
    }
)


def test_choose_groups__one_against_everybody_else_who_has_a_population():
    groups = choose_groups(PEOPLE, ["FIN"], None)
    assert (groups.first, groups.second) == ("FIN", REST)
    assert groups.of_person == {"a": "FIN", "c": "FIN", "b": REST, "d": REST, "f": REST}
    assert (groups.size("FIN"), groups.size(REST)) == (2, 3)
    assert groups.sizes == {"FIN": 2, "GBR": 2, "TSI": 1}


def test_choose_groups__several_populations_of_each():
    groups = choose_groups(PEOPLE, ["TSI", "GBR"], ["FIN"])
    assert (groups.first, groups.second) == ("TSI+GBR", "FIN")
    assert groups.of_person == {"a": "FIN", "c": "FIN", "b": "TSI+GBR", "d": "TSI+GBR", "f": "TSI+GBR"}


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (None, None, r"population_effects\.first: no population is given \(there are: FIN 2, GBR 2, TSI 1\)"),
        (["YRI"], None, r"population_effects\.first: nobody is of YRI \(there are"),
        (["FIN"], ["CEU"], r"population_effects\.second: nobody is of CEU"),
        (["FIN", "GBR", "TSI"], None, "nobody is left to compare with"),
    ],
)
def test_choose_groups__names_what_there_is(first, second, message):
    with pytest.raises(InputError, match=message):
        choose_groups(PEOPLE, first, second)


def test_choose_groups__without_a_panel():
    with pytest.raises(InputError, match="nobody of the cohort has a population; give a panel"):
        choose_groups(PEOPLE.assign(population=None), ["FIN"], None)


def test_continental_groups__of_the_1000_genomes():
    assert continental_groups(["FIN", "TSI", "AFR", "YRI"]) == {"African": ["YRI"], "European": ["FIN", "TSI"]}
