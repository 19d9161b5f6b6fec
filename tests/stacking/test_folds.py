"""Folds by person: balanced, stratified, repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.stacking.folds import assign_person_folds, select_folds

PEOPLE = [f"HG{i:03d}" for i in range(103)]
POPULATIONS = ["AFR"] * 52 + ["EUR"] * 37 + [None] * 14


def test_assign_person_folds__is_balanced_within_every_stratum() -> None:
    folds = assign_person_folds(PEOPLE, POPULATIONS, n_folds=5, seeds=[1, 2])
    folds = schemas.person_folds.validate(folds)
    assert len(folds) == 2 * 103
    folds["stratum"] = folds["individual_id"].map(dict(zip(PEOPLE, POPULATIONS, strict=True))).fillna("none")
    for _, one in folds.groupby("fold_seed"):
        sizes = one["fold"].value_counts()
        assert sorted(sizes) == [20, 20, 21, 21, 21]
        for _, stratum in one.groupby("stratum"):
            counts = stratum["fold"].value_counts().reindex(range(5), fill_value=0)
            assert counts.max() - counts.min() <= 1


def test_assign_person_folds__does_not_depend_on_the_order_of_people() -> None:
    order = np.random.default_rng(1).permutation(103)
    first = assign_person_folds(PEOPLE, POPULATIONS, n_folds=5, seeds=[7])
    second = assign_person_folds([PEOPLE[i] for i in order], [POPULATIONS[i] for i in order], n_folds=5, seeds=[7])
    assert first.equals(second)


def test_assign_person_folds__each_seed_stands_alone() -> None:
    both = assign_person_folds(PEOPLE, POPULATIONS, n_folds=5, seeds=[1, 2])
    second = assign_person_folds(PEOPLE, POPULATIONS, n_folds=5, seeds=[2])
    assert both[both["fold_seed"] == 2].reset_index(drop=True).equals(second)
    assert not np.array_equal(both["fold"][:103], both["fold"][103:])


@pytest.mark.parametrize(
    ("people", "n_folds", "seeds", "message"),
    [
        (PEOPLE[:19], 5, [1], "19 individuals for 5 folds"),
        (PEOPLE, 1, [1], "at least 2 needed"),
        (PEOPLE, 5, [], "give at least one seed"),
        (PEOPLE, 5, [1, 1], "fold_seed 1: occurs twice"),
        ([*PEOPLE, "HG000"], 5, [1], "individual_id HG000: occurs twice"),
    ],
)
def test_assign_person_folds__refuses(people, n_folds, seeds, message) -> None:
    with pytest.raises(InputError, match=message):
        assign_person_folds(people, [None] * len(people), n_folds=n_folds, seeds=seeds)


def test_select_folds__follows_the_order_asked_for() -> None:
    table = assign_person_folds(PEOPLE, POPULATIONS, n_folds=5, seeds=[1, 2])
    wanted = ["HG050", "HG001"]
    expected = [table.query("individual_id == @i and fold_seed == 2")["fold"].item() for i in wanted]
    assert select_folds(table, wanted, fold_seed=2).tolist() == expected
    with pytest.raises(InputError, match="first: NOBODY"):
        select_folds(table, ["NOBODY"], fold_seed=2)
