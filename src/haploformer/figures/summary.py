"""One row per model: how well it does over genes, beside what the data are known to hold."""

from __future__ import annotations

import pandas as pd

from haploformer.figures.style import check_columns

#: The quantity of a known answer that stands beside the mean r of a model.
MEAN_R = "mean_pearson_r"


def expected_intervals(known_answer_check: pd.DataFrame, *, quantity: str = MEAN_R) -> pd.DataFrame:
    """The rows of a known answer that speak of ``quantity``.

    Parameters
    ----------
    known_answer_check : DataFrame
        ``schemas.known_answer_check``.
    quantity : str

    Returns
    -------
    DataFrame
        Index ``model``; columns ``low``, ``high`` and ``inside``.
    """
    check_columns("known_answer_check", known_answer_check.columns, ["model", "quantity", "low", "high", "inside"])
    rows = known_answer_check[known_answer_check["quantity"] == quantity]
    return rows.set_index("model")[["low", "high", "inside"]]
