"""Duplicates and relatives: found, and never on both sides of a split."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.stacking.folds import assign_person_folds, hold_out_populations
from haploformer.stacking.relatives import genotype_identity, group_relatives, ungrouped
from tests.builders.dosages import simulate_dosages

N = 60
PEOPLE = [f"P{i:02d}" for i in range(N)]
NOBODY = pd.DataFrame({"individual_id_1": [], "individual_id_2": [], "kinship": []})


def relatedness(*pairs: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["individual_id_1", "individual_id_2", "kinship"])


@pytest.fixture(scope="module")
def dosages() -> np.ndarray:
    """Of 900 variants; P07 is P40 again with one call in a hundred another and some missing."""
    rng = np.random.default_rng(1)
    calls = simulate_dosages(rng, N, 900, linkage=0.5)
    calls[7] = calls[40]
    changed = rng.choice(900, 9, replace=False)
    calls[7, changed] = 2 - calls[7, changed]
    calls[7, :50] = np.nan
    return calls.T


def test_genotype_identity__equals_the_obvious_loop(dosages) -> None:
    called = ~np.isnan(dosages)
    frequency = np.nanmean(dosages, axis=1) / 2
    common = np.minimum(frequency, 1 - frequency) >= 0.05
    expected = [
        [
            np.mean(
                dosages[common & called[:, i] & called[:, j], i] == dosages[common & called[:, i] & called[:, j], j]
            )
            for j in range(9)
        ]
        for i in range(9)
    ]
    found = genotype_identity([dosages[:100], dosages[100:]], N)
    np.testing.assert_allclose(found.share[:9, :9], expected, atol=1e-15)
    assert found.n_variants == common.sum()


def test_genotype_identity__rare_variants_are_left_out(dosages) -> None:
    rare = np.zeros((5000, N), dtype=np.float32)
    rare[:, 3] = 1
    np.testing.assert_array_equal(genotype_identity([rare, dosages], N).share, genotype_identity([dosages], N).share)


def test_group_relatives__a_duplicated_person_is_found_and_nobody_else(dosages) -> None:
    groups = group_relatives(PEOPLE, genotype_identity([dosages], N), NOBODY, min_kinship=0.0442)
    groups = schemas.person_groups.validate(groups).set_index("individual_id")
    assert groups.index[groups["reason"] != "alone"].tolist() == ["P07", "P40"]
    assert groups.loc["P40", "group"] == "P07"
    assert set(groups["tested"]) == {"duplicates"}


def test_group_relatives__few_variants_tell_nothing(dosages) -> None:
    groups = group_relatives(PEOPLE, genotype_identity([dosages[:450]], N), NOBODY, min_kinship=0.0442)
    assert set(groups["reason"]) == {"alone"}
    assert set(groups["tested"]) == {"nothing"}


def test_group_relatives__of_a_table_by_kinship_and_through_others(dosages) -> None:
    table = relatedness(("P01", "P02", 0.25), ("P03", "P02", 0.0442), ("P04", "P05", 0.04), ("P06", "X", 0.3))
    groups = group_relatives(PEOPLE, genotype_identity([dosages], N), table, min_kinship=0.0442)
    groups = groups.set_index("individual_id")
    assert groups.loc[["P01", "P02", "P03"], "group"].tolist() == ["P01"] * 3
    assert groups.index[groups["reason"] == "relatedness table"].tolist() == ["P01", "P02", "P03"]
    assert set(groups["tested"]) == {"duplicates, relatedness table"}
    without = group_relatives(PEOPLE, None, table.assign(kinship=np.nan), min_kinship=0.0442)
    assert without.set_index("individual_id").loc["P05", "group"] == "P04"


def test_group_relatives__refuses_a_table_of_other_people() -> None:
    with pytest.raises(InputError, match=r"none of the 60 individuals is in it .X there, P00 here"):
        group_relatives(PEOPLE, None, relatedness(("X", "Y", 0.25)), min_kinship=0.0442)


def test_assign_person_folds__duplicates_and_children_are_never_on_both_sides(dosages) -> None:
    table = relatedness(("P01", "P02", 0.25), ("P03", "P02", 0.25), ("P10", "P11", 0.25))
    groups = group_relatives(PEOPLE, genotype_identity([dosages], N), table, min_kinship=0.0442)
    options = {"n_folds": 5, "seeds": list(range(40))}
    strata = ["A"] * 25 + ["B"] * 35
    folds = assign_person_folds(PEOPLE, strata, groups=groups["group"].tolist(), **options)
    together = folds.merge(groups, on="individual_id").groupby(["fold_seed", "group"])["fold"].nunique()
    assert (together == 1).all()
    sizes = folds.groupby("fold_seed")["fold"].value_counts()
    assert (sizes == 12).all()
    of_stratum = folds.assign(stratum=folds["individual_id"].map(dict(zip(PEOPLE, strata, strict=True))))
    assert (
        of_stratum.groupby(["fold_seed", "stratum"])["fold"].value_counts().unstack("stratum")["A"].between(4, 6).all()
    )
    # Left to chance they part: the test above is no accident.
    alone = assign_person_folds(PEOPLE, strata, **options).merge(groups, on="individual_id")
    assert (alone.groupby(["fold_seed", "group"])["fold"].nunique() > 1).sum() > 80


def test_assign_person_folds__without_relatives_is_as_without_groups() -> None:
    groups = ungrouped(PEOPLE)["group"].tolist()
    one, other = (
        assign_person_folds(PEOPLE, [None] * N, n_folds=5, seeds=[3], **more) for more in ({}, {"groups": groups})
    )
    assert one.equals(other)


def test_assign_person_folds__refuses_a_group_that_fills_the_folds() -> None:
    groups = ["one"] * 50 + PEOPLE[50:]
    with pytest.raises(
        InputError, match="a fold has 2 people, 4 are needed; the largest group of relatives has 50 of 60"
    ):
        assign_person_folds(PEOPLE, [None] * N, n_folds=5, seeds=[0], groups=groups)


def people_of(populations: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"individual_id": PEOPLE, "population": populations})


def test_hold_out_populations__trains_on_all_others() -> None:
    populations = ["A"] * 25 + ["B"] * 30 + [None] * 5
    folds = assign_person_folds(PEOPLE, populations, n_folds=4, seeds=[3, 5])
    groups = dict(zip(PEOPLE, ungrouped(PEOPLE)["group"], strict=True)) | {"P24": "P24", "P30": "P24"}
    table = schemas.population_folds.validate(
        hold_out_populations(folds, people_of(populations), groups, populations=None)
    )
    assert table.groupby("fold_seed")["population"].first().tolist() == ["A", "B"]
    first = folds[folds["fold_seed"] == 3].set_index("individual_id")["fold"]
    for population, rows in table.groupby("population"):
        of_person = dict(zip(PEOPLE, populations, strict=True))
        held_out = rows["individual_id"].map(of_person) == population
        assert rows["held_out"].tolist() == held_out.tolist()
        relatives = {"A": ["P30"], "B": ["P24"]}[str(population)]
        assert (rows["fold"] == 4).tolist() == (held_out | rows["individual_id"].isin(relatives)).tolist()
        others = rows[rows["fold"] < 4]
        assert others["fold"].tolist() == first[others["individual_id"]].tolist()


@pytest.mark.parametrize(
    ("populations", "wanted", "message"),
    [
        (["A"] + ["B"] * 59, ["A"], "population A: 1 person there; an r needs 4"),
        (["A"] * 30 + ["B"] * 30, ["C"], "population C: nobody is of it .there are: A, B."),
        (["A"] * 59 + ["B"], None, "population A: the others are 1, 0 in a fold; 4 are needed"),
        ([None] * 60, None, "nobody has a population"),
    ],
)
def test_hold_out_populations__refuses(populations, wanted, message) -> None:
    folds = assign_person_folds(PEOPLE, populations, n_folds=4, seeds=[3])
    groups = dict(zip(PEOPLE, PEOPLE, strict=True))
    with pytest.raises(InputError, match=message):
        hold_out_populations(folds, people_of(populations), groups, populations=wanted)
