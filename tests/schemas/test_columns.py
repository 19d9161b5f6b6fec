"""Kinds of columns."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pandera.errors
import pytest

from haploformer.schemas.columns import TEXT, each, number, share_text, table, text

SCHEMA = table({"a": text(), "b": text(nullable=True), "n": number()}, unique=["a", "n"])


def stored() -> pd.DataFrame:
    """As it is read from Parquet."""
    buffer = io.BytesIO()
    made = pd.DataFrame({"a": ["HG1", "HG2"] * 500, "b": [None, "EUR"] * 500, "n": np.arange(1000.0)})
    made.to_parquet(buffer, index=False)
    return pd.read_parquet(buffer)


def test_table__equal_texts_of_a_validated_table_are_one_object() -> None:
    given = stored()
    before = given.dtypes.to_dict()
    found = SCHEMA.validate(given)
    assert given.dtypes.to_dict() == before
    assert found["a"].dtype == found["b"].dtype == TEXT
    for name, n in (("a", 2), ("b", 1)):
        assert len({id(value) for value in found[name].dropna().array}) == n
    pd.testing.assert_frame_equal(found, given.astype({"a": TEXT, "b": TEXT}), check_exact=True)


def test_share_text__holds_for_no_rows_and_nulls_alone() -> None:
    for given in (stored().iloc[:0], stored().iloc[::2]):
        pd.testing.assert_frame_equal(share_text(given), given.astype({"a": TEXT, "b": TEXT}))


def test_table__a_null_text_is_still_refused() -> None:
    with pytest.raises(pandera.errors.SchemaError, match="non-nullable series 'a' contains null"):
        SCHEMA.validate(stored().rename(columns={"a": "b", "b": "a"})[["a", "b", "n"]])


def test_each__every_column_that_fits_is_checked_and_no_other_may_be_there() -> None:
    schema = table({"a": text(), "person:.+": each(number())})
    good = pd.DataFrame({"a": ["x"], "person:a": [1.0], "person:b": [2]})
    assert (schema.validate(good).dtypes.iloc[1:] == np.float64).all()
    for bad in (good.assign(b=1.0), good.assign(**{"person:b": np.nan}), good[["a"]], good[["person:a", "a"]]):
        with pytest.raises((pandera.errors.SchemaError, pandera.errors.SchemaErrors)):
            schema.validate(bad)
