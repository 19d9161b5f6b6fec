"""The chain of nodes from the baselines to the scores: a held-out person's expression is in no fitted number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.expression import covariates, normalisation
from haploformer.parameters import ExpressionParameters
from haploformer.predicted_expression import person_columns
from tests.builders.study import Study


@pytest.fixture(scope="module")
def study() -> Study:
    made = Study()
    rows = {"individual_id": made.people, "covariate": "site", "value": np.nan}
    levels = pd.DataFrame(rows | {"level": ["north", "south", "west"] * 20})
    made.covariates = pd.concat([made.covariates, levels], ignore_index=True)
    return made


def require_blind(study: Study, people: list[str], first: dict, second: dict) -> list[str]:
    """Every row of every table that rests on the others alone is the same to the bit; which tables have other rows."""
    differ = []
    for name, before in first.items():
        after = second[name]
        if name == "shared scores":
            continue  # of measured expression: no fitted number
        changed = False
        for seed in before["fold_seed"].unique():
            folds = study.folds[study.folds["fold_seed"] == seed].set_index("individual_id")["fold"]
            (fold,) = set(folds[people])
            a, b = (table[table["fold_seed"] == seed] for table in (before, after))
            if name == "scored":
                a, b = a[a["fold"] != fold], b[b["fold"] != fold]
                changed |= not a.equals(b)
                continue
            mine, theirs = (t[t["fold"] == fold].reset_index(drop=True) for t in (a, b))
            pd.testing.assert_frame_equal(mine, theirs, check_exact=True, obj=f"{name}, fold seed {seed}")
            if name.endswith("inner"):
                own = person_columns(folds.index[folds == fold])
                pd.testing.assert_frame_equal(a[own], b[own], check_exact=True, obj=f"{name}, fold seed {seed}")
            changed |= not a.reset_index(drop=True).equals(b.reset_index(drop=True))
        if changed:
            differ.append(name)
    return differ


FORMULA = "~ scale(c0) + C(site) + c1:site"

CHOICES = [
    {"adjusted": ExpressionParameters(covariates="~ c0 + c1")},
    {"method": "ridge", "adjusted": ExpressionParameters(covariates="~ c0 + c1")},
    {"adjusted": ExpressionParameters(normalise="rank", covariates="~ c0 + c1")},
    {"adjusted": ExpressionParameters(normalise="scale", covariates="none")},
    {"adjusted": ExpressionParameters(normalise="rank", covariates=FORMULA)},
]


@pytest.mark.parametrize("options", CHOICES, ids=["default", "ridge", "rank", "scale", "formula"])
def test_chain__held_out_expression_changes_no_fitted_number_to_the_bit(study, options) -> None:
    person = study.people[17]
    changed = study.expression.copy()
    changed[:, 17] = 40.0
    first, second = (study.run(expression, **options) for expression in (study.expression, changed))
    first.pop("scores"), second.pop("scores")
    differ = require_blind(study, [person], first, second)
    # Each table holds numbers of other folds, on which the person was trained.
    assert set(differ) == set(first) - {"shared scores"}
    # What is scored in the person's own fold: predictions and the others' measurements as they were.
    for seed in (0, 5):
        folds = study.folds[study.folds["fold_seed"] == seed].set_index("individual_id")["fold"]
        rows = [
            t["scored"].query(f"fold_seed == {seed} and fold == {folds[person]} and individual_id != '{person}'")
            for t in (first, second)
        ]
        pd.testing.assert_frame_equal(*rows, check_exact=True)


@pytest.mark.parametrize("options", CHOICES[2:4], ids=["rank", "scale"])
def test_chain__normalisation_reaches_every_number(study, options) -> None:
    """In a unit of a 1024th every table is the same to the bit; as in the file every one but the scores would differ."""
    first, second = (study.run(unit * study.expression, **options) for unit in (1, 1024))
    for name in first:
        pd.testing.assert_frame_equal(first[name], second[name], check_exact=True, obj=name)
    as_given = study.run(1024 * study.expression, adjusted=options["adjusted"].model_copy(update={"normalise": "none"}))
    same = {name for name in first if first[name].equals(as_given[name])}
    assert same <= {"covariates_only predicted"}, same


def leaky_residualiser(monkeypatch) -> None:
    honest = covariates.fit_residualiser
    monkeypatch.setattr(covariates, "fit_residualiser", lambda table, train: honest(table, np.ones_like(train)))


def leaky_quantiles(monkeypatch) -> None:
    honest = normalisation.normalise
    monkeypatch.setattr(
        covariates, "normalise", lambda values, train, method: honest(values, np.ones_like(train), method=method)
    )


@pytest.mark.parametrize(("plant", "normalise"), [(leaky_residualiser, "none"), (leaky_quantiles, "rank")])
def test_require_blind__finds_what_saw_everybody(study, monkeypatch, plant, normalise) -> None:
    plant(monkeypatch)
    changed = study.expression.copy()
    changed[:, 17] = 40.0
    adjusted = ExpressionParameters(normalise=normalise, covariates="~ c0 + c1")
    first, second = (study.run(expression, adjusted=adjusted) for expression in (study.expression, changed))
    with pytest.raises(AssertionError, match="top_snp predicted"):
        require_blind(study, [study.people[17]], {"top_snp predicted": first["top_snp predicted"]}, second)
