"""Which people a study has."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.genome.individuals import count_individuals, samples_by_individual, select_individuals

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


def test_samples_by_individual__a_doubled_id_is_one_individual_only_where_asked():
    ids = ["HG00097_HG00097", "HG00099", "A_B", "_", "X_Y_X_Y"]
    as_written = samples_by_individual(ids, rule="as_written", source="g.vcf")
    assert as_written == {name: name for name in ids}
    halved = samples_by_individual(ids, rule="fid_iid", source="g.vcf")
    assert halved == {"HG00097": "HG00097_HG00097", "HG00099": "HG00099", "A_B": "A_B", "_": "_", "X_Y": "X_Y_X_Y"}


def test_samples_by_individual__two_samples_of_one_individual_are_refused():
    with pytest.raises(InputError, match=r"g\.vcf:header: samples A and A_A are one individual"):
        samples_by_individual(["A", "A_A"], rule="fid_iid", source="g.vcf")


def test_count_individuals__says_which_file_lacks_whom():
    counts = count_individuals({"bed": ["A", "B", "C"], "vcf": ["B", "A", "D"], "covariates": ["A", "C"]})
    by_source = {(key.source, key.outcome, key.reason): n for key, n in counts.items()}
    assert by_source[("bed", "kept", "used")] == 1
    assert by_source[("bed", "dropped", "not in vcf")] == 1
    assert by_source[("bed", "dropped", "not in covariates")] == 1
    assert by_source[("vcf", "dropped", "not in bed")] == 1
    assert sum(counts.values()) == 8


def test_select_individuals__a_covariate_file_that_lacks_somebody():
    with pytest.raises(InputError, match=r"e\.bed: 1 of 3 individuals are not in c\.txt \(first: B\)"):
        select(["A", "B", "C"], ["A", "B", "C"], ["A", "C"], policy="require")
    assert select(["A", "B", "C"], ["A", "B", "C"], ["A", "C"])["individual_id"].tolist() == ["A", "C"]
