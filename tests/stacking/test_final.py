"""The stack of everybody: what an outer fold of new people would get, as stored numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.expression.covariates import adjustment
from haploformer.predicted_expression import out_of_fold_rows, zero_shot_rows
from haploformer.stacking.applied import apply_stacks, gather_enformer
from haploformer.stacking.cohort import StackOptions
from haploformer.stacking.features import OutOfFold
from haploformer.stacking.final import (
    StackMembers,
    apply_stack,
    final_stack_rows,
    final_track_rows,
    fit_final_stack,
    fit_final_stacks,
)
from haploformer.stacking.stack import stack_gene
from tests.builders.dosages import deal_folds

N, NEW, FOLDS = 100, 15, 5
PEOPLE = [f"P{i}" for i in range(N + NEW)]
TRACKS = np.array([3, 5, 8, 9])


class Case:
    """A gene with two level-1 models and Enformer, on people to train on and new ones."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        genetic, seen = rng.normal(size=(2, N + NEW))
        self.expression = genetic + 0.7 * seen + rng.normal(size=N + NEW)
        self.folds = np.append(deal_folds(rng, N, FOLDS), np.full(NEW, FOLDS))
        self.predicted = {
            name: 0.4 * genetic + noise * rng.normal(size=N + NEW) for name, noise in (("elastic_net", 0.3), ("prs", 2))
        }
        self.enformer = 7 + 0.1 * (-seen + rng.normal(size=N + NEW))
        self.tracks = np.log2(5 + seen[:, None] * rng.uniform(0, 1, 4) + 0.1 * rng.normal(size=(N + NEW, 4)))

    def as_outer_fold(self, method: str, n_components: int) -> np.ndarray:
        """The stack of the fold of new people, of which nobody is trained on, by the cross-fitted stack itself."""
        adjust = adjustment(np.zeros((N + NEW, 0)))
        inner = {name: np.tile(values, (FOLDS + 1, 1)) for name, values in self.predicted.items()}
        found = stack_gene(
            self.expression,
            self.folds,
            adjust,
            fitted={name: OutOfFold(self.predicted[name], inner[name]) for name in self.predicted},
            zero_shot={"enformer": self.enformer},
            tracks=self.tracks,
            n_components=n_components,
            method=method,
        )
        return found.predicted[N:]

    def members(self, seeds=(0,)) -> StackMembers:
        fitted = {name: values[:N] for name, values in self.predicted.items()}
        zero_shot = {"enformer": self.enformer[:N]}
        return StackMembers(dict.fromkeys(seeds, fitted), dict.fromkeys(fitted, 0.0), zero_shot, self.tracks[:N])


@pytest.mark.parametrize("method", ["non_negative", "ridge"])
@pytest.mark.parametrize("n_components", [0, 2])
def test_fit_final_stack__is_the_stack_of_an_outer_fold_of_new_people(method, n_components):
    case = Case(1)
    data = (case.expression[:N], {0: case.folds[:N]}, adjustment(np.zeros((N, 0))))
    stack = fit_final_stack(*data, case.members(), n_components=n_components, method=method)
    rows = schemas.final_stack_weights.validate(final_stack_rows({"G": stack}, model="stack"))
    tracks = schemas.final_track_weights.validate(final_track_rows({"G": stack}, TRACKS))
    assert len(tracks) == (4 if n_components else 0)
    new = {name: values[N:] for name, values in (case.predicted | {"enformer": case.enformer}).items()}

    def tracks_of(gene_id: str, *, individual_ids: list[str]) -> np.ndarray:
        return case.tracks[N:]

    members = {("G", name): values for name, values in new.items()}
    applied = apply_stacks(rows, tracks, members, set(), PEOPLE[N:], tracks_of=tracks_of, tracks=TRACKS)
    expected = case.as_outer_fold(method, n_components)
    np.testing.assert_allclose(applied.predicted["G", "stack"], expected, rtol=0, atol=1e-12)
    assert expected.std() > 0.3
    assert rows.set_index("feature").loc["enformer", "coefficient"] < 0


def test_fit_final_stack__is_the_mean_over_fold_seeds():
    case, rng = Case(2), np.random.default_rng(2)
    folds = {0: case.folds[:N], 3: deal_folds(rng, N, FOLDS)}
    adjust = adjustment(rng.normal(size=(N, 2)))
    both = fit_final_stack(case.expression[:N], folds, adjust, case.members((0, 3)))
    single = [
        fit_final_stack(case.expression[:N], {seed: folds[seed]}, adjust, case.members((seed,))) for seed in folds
    ]
    assert not np.array_equal(single[0].coefficients, single[1].coefficients)
    np.testing.assert_allclose(both.coefficients, np.mean([s.coefficients for s in single], axis=0), rtol=1e-14)


def rows_of(**coefficients: float) -> pd.DataFrame:
    table = pd.DataFrame({"feature": list(coefficients), "coefficient": list(coefficients.values())})
    return table.assign(gene_id="G", model="stack", mean=1.0, sd=1.0, intercept=0.5)


def test_apply_stack__members_that_are_missing_or_say_nothing():
    values = np.array([2.0, 3.0])
    predicted, missing = apply_stack(rows_of(a=2.0, b=0.0), {"a": values})
    np.testing.assert_array_equal(predicted, [2.5, 4.5])
    assert missing == ""
    # A model without weights predicts its mean for everybody and adds nothing; one that is not there could add anything.
    predicted, _ = apply_stack(rows_of(a=2.0, b=3.0), {"a": values, "b": None})
    np.testing.assert_array_equal(predicted, [2.5, 4.5])
    assert apply_stack(rows_of(a=2.0, b=3.0), {"a": values}) == (None, "b")
    assert apply_stack(rows_of(a=0.0, b=0.0), {"a": values, "b": values}) == (None, "")


def test_apply_stacks__a_gene_with_a_missing_member_has_no_row_and_is_counted():
    rows = rows_of(a=2.0, enformer=1.0)
    members = {("G", "a"): np.ones(2)}
    found = apply_stacks(rows, final_track_rows({}, TRACKS), members, set(), ["x", "y"], tracks_of=None, tracks=TRACKS)
    assert found.predicted == {}
    audit = schemas.apply_audit.validate(found.audit)
    assert audit["outcome"].tolist() == ["a member is missing: enformer"]
    assert audit["matched_share"].isna().all()
    found = apply_stacks(
        rows, final_track_rows({}, TRACKS), {}, {("G", "a"), ("G", "enformer")}, ["x"], tracks_of=None, tracks=TRACKS
    )
    assert found.audit["outcome"].tolist() == ["no weights: the mean for everybody"]


def test_gather_enformer__a_gene_without_a_window_is_counted():
    table = zero_shot_rows(["G", "G"], ["y", "x"], np.array([1.0, 2.0]), model="enformer")
    found = gather_enformer([table, table.iloc[:0]], ["G", "H"], ["x", "y"])
    assert list(found.predicted) == [("G", "enformer")]
    np.testing.assert_array_equal(found.predicted["G", "enformer"], [2.0, 1.0])
    assert found.audit["outcome"].tolist() == ["predicted", "no window of known sequence"]


def test_fit_final_stacks__from_the_tables_of_a_run():
    """With and without Enformer, from the rows that the cross-fitted stack reads."""
    case = Case(3)
    people, folds = PEOPLE[:N], {0: case.folds[:N]}
    fitted = [
        out_of_fold_rows({"G": values[:N]}, people, folds[0], model=name, fold_seed=0)
        for name, values in case.predicted.items()
    ]
    enformer = zero_shot_rows(["G"] * N, people, case.enformer[:N], model="enformer")
    adjust = adjustment(np.zeros((N, 0)))
    options = StackOptions(("elastic_net", "prs", "enformer"))
    shared = ({"G": case.expression[:N]}, people, folds, adjust)
    intercepts = {"elastic_net": {"G": 0.25}, "prs": {"G": 0.0}}
    stacks = fit_final_stacks(options, pd.concat([*fitted, enformer]), intercepts, *shared)
    expected = fit_final_stack(case.expression[:N], folds, adjust, case.members())
    assert stacks["stack"]["G"].features == ("elastic_net", "prs", "enformer")
    np.testing.assert_array_equal(stacks["stack"]["G"].coefficients, expected.coefficients)
    assert stacks["stack"]["G"].means.tolist() == [0.25, 0.0, case.enformer[:N].mean()]
    assert stacks["stack_without_enformer"]["G"].features == ("elastic_net", "prs")

    # Where all members are of one kind there is no second stack, as for `stack_cohort`.
    alone = StackOptions(("elastic_net",))
    stacks = fit_final_stacks(alone, pd.concat(fitted), {"elastic_net": {"G": 0.0}}, *shared)
    assert stacks["stack_without_enformer"] == {}
