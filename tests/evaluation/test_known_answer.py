"""The known answer: inside, outside, and not comparable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.evaluation.known_answer import compare_with_known_answer, no_known_answer, require_inside

SCORES = pd.DataFrame(
    {
        "gene_id": ["G1", "G2", "G1", "G2"],
        "model": ["stack", "stack", "enformer", "enformer"],
        "pearson_r": [0.4, 0.2, 0.1, 0.0],
    }
)
TRUTH = pd.DataFrame(
    {
        "gene_id": np.repeat(["G1", "G2", "G3"], 4),
        "individual_id": ["A", "B", "C", "D"] * 3,
        "enformer": [1.0, 2, 3, 4, 0.1, 0.2, 0.1, 0.2, 7, 7, 7, 7],
    }
)
ANSWER = {"mean_pearson_r": {"stack": [0.25, 0.35], "enformer": [0.0, 0.04]}, "enformer_tolerance": 1e-3}


def predictions(**changes: float) -> pd.DataFrame:
    """The truth as predicted, with differences by row, in another order."""
    values = TRUTH["enformer"] + pd.Series({int(k[1:]): v for k, v in changes.items()}).reindex(TRUTH.index).fillna(0)
    table = TRUTH[["gene_id", "individual_id"]].assign(model="enformer", predicted_expression=values)
    return table.sample(frac=1, random_state=1)


def test_compare_with_known_answer__gives_values_and_bounds() -> None:
    check = compare_with_known_answer(SCORES, predictions(r0=1e-3, r5=-1e-4), ANSWER, TRUTH)
    check = schemas.known_answer_check.validate(check)
    assert check["model"].tolist() == ["stack", "enformer", "enformer"]
    sd = np.std([0.1, 0.2, 0.1, 0.2], ddof=1)
    np.testing.assert_allclose(check["value"], [0.3, 0.05, 1e-4 / sd])
    assert check["inside"].tolist() == [True, False, False]
    assert check["high"].tolist() == [0.35, 0.04, 1e-3]


def test_compare_with_known_answer__a_gene_without_variation_uses_the_median_sd() -> None:
    check = compare_with_known_answer(SCORES, predictions(r9=1e-4), ANSWER, TRUTH)
    sds = [np.std(TRUTH["enformer"][:4], ddof=1), np.std(TRUTH["enformer"][4:8], ddof=1)]
    np.testing.assert_allclose(check["value"].iloc[-1], 1e-4 / np.median(sds))


def test_compare_with_known_answer__a_missing_value_is_outside() -> None:
    check = compare_with_known_answer(SCORES, predictions(r0=np.nan).replace({1.0: np.nan}), ANSWER, TRUTH)
    assert np.isinf(check["value"].iloc[-1])
    assert not check["inside"].iloc[-1]


def test_compare_with_known_answer__refuses_what_cannot_be_compared() -> None:
    with pytest.raises(InputError, match=r"mean_pearson_r.enformer: the model has no score"):
        compare_with_known_answer(SCORES.iloc[:2], predictions(), ANSWER, TRUTH)
    with pytest.raises(InputError, match=r"gene_id G3, individual_id D: 1 of 12 pairs"):
        compare_with_known_answer(SCORES, predictions(), ANSWER, TRUTH.iloc[:-1])


def test_require_inside__names_the_first_quantity_outside_in_one_line() -> None:
    check = compare_with_known_answer(SCORES, predictions(), ANSWER, TRUTH)
    with pytest.raises(InputError) as caught:
        require_inside(check)
    message = str(caught.value)
    assert message.startswith("known_answer: enformer.mean_pearson_r: is 0.05, known to lie from 0 to 0.04")
    assert "\n" not in message
    require_inside(check[check["inside"]])


def test_no_known_answer__fits_the_schema_and_stops_nothing() -> None:
    check = schemas.known_answer_check.validate(no_known_answer())
    assert check.empty
    require_inside(check)
