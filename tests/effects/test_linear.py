"""The linear form of additive effects, and how faithful it is."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer import schemas
from haploformer.effects.linear import LinearForm, additive_form, compare_forms


def test_additive_form__a_person_is_the_mean_of_two_haplotypes():
    effects = np.array([0.5, -0.25, 1.0])
    haplotypes = np.array([[[1, 0, 0], [1, 1, 0]], [[0, 0, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]])
    # Effects add up exactly on each haplotype; the person is the mean of the two.
    truth = (2.0 + haplotypes @ effects).mean(axis=1)
    assert additive_form(2.0, effects).predict(haplotypes.sum(axis=1)).tolist() == truth.tolist()


def test_predict__a_missing_dosage_is_reference():
    form = LinearForm(1.0, np.array([2.0, 3.0]))
    assert form.predict(np.array([[np.nan, 1], [2, np.nan]])).tolist() == [4.0, 5.0]
    with pytest.raises(ValueError, match="dosages of 1 variants; there are 2 weights"):
        form.predict(np.zeros((3, 1)))


def test_additive_form__effects_that_cannot_be():
    with pytest.raises(ValueError, match="must be finite"):
        additive_form(1.0, np.array([np.inf]))


def test_compare_forms__genes_under_the_floor_are_marked():
    rng = np.random.default_rng(1)
    x = rng.normal(size=500)
    noisy = x + rng.normal(size=500)
    linear = {"exact": x, "twice": x, "noisy": x, "constant": np.ones(500), "turned": x}
    exact = {"exact": x + 3, "twice": 2 * x, "noisy": noisy, "constant": x, "turned": -x}
    table = compare_forms(linear, exact, n_variants=dict.fromkeys(linear, 7))
    schemas.linear_faithfulness(table)
    rows = table.set_index("gene_id")
    assert rows["faithful"].to_dict() == {
        "exact": True,
        "twice": True,
        "noisy": False,
        "constant": False,
        "turned": False,
    }
    assert rows["r"].to_dict() == {
        "exact": pytest.approx(1),
        "twice": pytest.approx(1),
        "noisy": pytest.approx(np.corrcoef(x, noisy)[0, 1]),
        "constant": pytest.approx(np.nan, nan_ok=True),
        "turned": pytest.approx(-1),
    }
    assert rows.loc["twice", "slope"] == pytest.approx(2)
    assert rows.loc["exact", "largest_difference"] == pytest.approx(0, abs=1e-12)
    strict = compare_forms({"g": x}, {"g": noisy}, n_variants={"g": 1}, floor=0.5)
    assert strict["faithful"].tolist() == [True]


def test_compare_forms__different_genes():
    with pytest.raises(ValueError, match="different genes"):
        compare_forms({"a": np.ones(3)}, {"b": np.ones(3)}, n_variants={"a": 1})
