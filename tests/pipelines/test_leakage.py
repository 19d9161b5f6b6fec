"""The chain of nodes from the baselines to the scores: a held-out person's expression is in no fitted number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.builders.study import Study


@pytest.fixture(scope="module")
def study() -> Study:
    return Study()


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
            without = [(t["fold"] == fold) | (t["inner_fold"] == fold if "inner_fold" in t else False) for t in (a, b)]
            mine, theirs = (t[w].reset_index(drop=True) for t, w in zip((a, b), without, strict=True))
            pd.testing.assert_frame_equal(mine, theirs, check_exact=True, obj=f"{name}, fold seed {seed}")
            changed |= not a.reset_index(drop=True).equals(b.reset_index(drop=True))
        if changed:
            differ.append(name)
    return differ


@pytest.mark.parametrize("method", ["non_negative", "ridge"])
def test_chain__held_out_expression_changes_no_fitted_number_to_the_bit(study, method) -> None:
    person = study.people[17]
    changed = study.expression.copy()
    changed[:, 17] = 40.0
    first, second = (study.run(expression, method=method) for expression in (study.expression, changed))
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


def test_require_blind__finds_a_covariate_fit_that_saw_everybody(study, monkeypatch) -> None:
    from haploformer.expression import covariates

    honest = covariates.fit_residualiser

    def leaky(table: np.ndarray, train: np.ndarray):
        return honest(table, np.ones_like(train))

    monkeypatch.setattr(covariates, "fit_residualiser", leaky)
    changed = study.expression.copy()
    changed[:, 17] = 40.0
    first, second = (study.run(expression) for expression in (study.expression, changed))
    with pytest.raises(AssertionError, match="top_snp predicted"):
        require_blind(study, [study.people[17]], {"top_snp predicted": first["top_snp predicted"]}, second)
