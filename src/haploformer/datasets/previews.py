"""What Kedro-Viz shows of a table."""

from __future__ import annotations

import json

import pandas as pd
from kedro_datasets._typing import TablePreview


def table_preview(table: pd.DataFrame, nrows: int) -> TablePreview:
    """The first rows of a table in the form that Kedro-Viz draws."""
    return TablePreview(json.loads(table.head(nrows).to_json(orient="split")))
