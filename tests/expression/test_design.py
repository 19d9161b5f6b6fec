"""Covariates by formula: fitted to training people, and refused in one line where they cannot be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.errors import InputError
from haploformer.expression.covariates import adjustment_for
from haploformer.expression.design import columns_for, require_usable

N = 24
PEOPLE = [f"P{i:02d}" for i in range(N)]
TRAIN = np.arange(N) % 4 != 0
EVERYBODY = np.ones(N, bool)
AGE = np.random.default_rng(2).uniform(20, 70, N)
SEX = np.array(["F", "M"])[np.random.default_rng(3).integers(0, 2, N)]
PLATFORM = np.random.default_rng(4).integers(1, 4, N).astype(float)


def table(**changed: np.ndarray) -> pd.DataFrame:
    """Age, PC-1 and platform as numbers, sex as text."""
    pc = np.random.default_rng(5).normal(size=N)
    numbers = {"age": AGE, "PC-1": pc, "platform": PLATFORM, "same": np.ones(N), "twice": 2 * AGE + 3} | changed
    rows = [pd.DataFrame({"individual_id": PEOPLE, "covariate": k, "value": v}) for k, v in numbers.items()]
    rows.append(pd.DataFrame({"individual_id": PEOPLE, "covariate": "sex", "value": np.nan, "level": SEX}))
    return pd.concat(rows, ignore_index=True)


def columns(formula: str, train: np.ndarray = TRAIN) -> np.ndarray:
    return columns_for(table(), PEOPLE, formula)(train)


def test_columns_for__levels_interactions_and_quoted_names() -> None:
    male = (SEX == "M").astype(float)
    pc = table().query("covariate == 'PC-1'")["value"].to_numpy()
    expected = [male, PLATFORM == 2, PLATFORM == 3, AGE, pc, AGE * male]
    found = columns("~ sex + C(platform) + age + `PC-1` + age:sex")
    np.testing.assert_allclose(found, np.column_stack(expected).astype(float), atol=1e-12)


def test_columns_for__centres_and_scales_are_those_of_the_training_people() -> None:
    centred, scaled = columns("~ center(age) + scale(age)").T
    np.testing.assert_allclose(centred, AGE - AGE[TRAIN].mean(), atol=1e-12)
    np.testing.assert_allclose(scaled, (AGE - AGE[TRAIN].mean()) / AGE[TRAIN].std(ddof=1), atol=1e-12)
    assert not np.allclose(scaled, columns("~ scale(age)", EVERYBODY)[:, 0])


def test_columns_for__knots_of_a_spline_are_those_of_the_training_people() -> None:
    other = table(age=np.where(TRAIN, AGE, np.clip(AGE + 9, AGE[TRAIN].min(), AGE[TRAIN].max())))
    formula = "~ bs(age, df=5, extrapolation='clip')"
    first, second = (columns_for(t, PEOPLE, formula)(TRAIN) for t in (table(), other))
    assert first.shape == (N, 5)
    np.testing.assert_array_equal(first[TRAIN], second[TRAIN])
    assert not np.array_equal(first, second)


def test_columns_for__all_and_none() -> None:
    numbers = table()[lambda t: t["covariate"].isin(["age", "PC-1"])].drop(columns="level")
    np.testing.assert_array_equal(columns_for(numbers, PEOPLE)(TRAIN)[:, 0], AGE)
    assert columns_for(table(), PEOPLE, "none")(TRAIN).shape == (N, 0)
    assert columns_for(numbers.iloc[:0], PEOPLE)(TRAIN).shape == (N, 0)


def test_adjustment_for__a_formula_of_all_numbers_leaves_what_all_leaves() -> None:
    numbers = table()[lambda t: t["covariate"].isin(["age", "PC-1"])].drop(columns="level")
    values = np.random.default_rng(6).normal(size=N)
    one, other = (adjustment_for(numbers, PEOPLE, formula=f)(TRAIN)(values) for f in ("all", "~ age + `PC-1`"))
    np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("~ sexx + age", "there is no covariate sexx (did you mean sex?); correct the name"),
        ("~ sex + ", "'~ sex + ' is no formula: 'Operator `+` has insuffient arguments"),
        ("age ~ sex", "'age ~ sex' has several sides; give the right-hand side alone"),
        ("~ 0 + sex", "'~ 0 + sex' leaves out the intercept"),
        ("~ 1", "'~ 1' names no covariate; write none"),
        ("~ open('x')", "open is no function that a formula may use"),
        ("~ scale(age.__class__)", "'scale(age.__class__)' is more than functions of covariates"),
        ("~ age + same", "column same is the same in everybody; leave it out"),
        ("~ age + sex + twice", "column twice follows from those before it; leave it, or one of them, out"),
        ("~ log(sex)", "'~ log(sex)' cannot be computed"),
        ("all", "it is all, and covariate sex is text; write a formula with its levels (~ sex + ...), or none"),
    ],
)
def test_require_usable__refuses_in_one_line(formula, message) -> None:
    with pytest.raises(InputError) as error:
        require_usable(table(), PEOPLE, formula, [TRAIN])
    assert str(error.value).startswith(f"parameters:expression.covariates: {message}")


@pytest.mark.parametrize("formula", ["~ C(platform)", "~ sex"])
def test_require_usable__refuses_a_level_that_nobody_in_training_has(formula) -> None:
    changed = table(platform=np.where(TRAIN, 1.0 + np.arange(N) % 2, 9.0))
    changed.loc[(changed["covariate"] == "sex") & np.tile(~TRAIN, 6), "level"] = "9.0"
    with pytest.raises(InputError, match=r"level 9\.0 of (platform|sex) \(6 of 24 people\) is in nobody of a training"):
        require_usable(changed, PEOPLE, formula, [TRAIN])


def test_require_usable__refuses_a_person_without_a_value() -> None:
    missing = table()[lambda t: (t["covariate"] != "sex") | (t["individual_id"] != "P05")]
    with pytest.raises(InputError, match=r"covariate sex, individual_id P05: has no value .1 such of 24 people"):
        require_usable(missing, PEOPLE, "~ sex + age", [TRAIN])
    assert require_usable(missing, PEOPLE, "~ age", [TRAIN]) == 1
    assert require_usable(table(), PEOPLE, "~ sex + C(platform)", [TRAIN]) == 3
