"""Tables in Parquet, written whole or not at all; their schemas stand in the catalog."""

from __future__ import annotations

import io

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.files import write_durably


class TableDataset(PathDataset[pd.DataFrame, pd.DataFrame]):
    """One table, one Parquet file."""

    def save(self, data: pd.DataFrame) -> None:
        """Write the table."""
        buffer = io.BytesIO()
        data.to_parquet(buffer, index=False)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self._path, buffer.getvalue())

    def load(self) -> pd.DataFrame:
        """Read the table."""
        return pd.read_parquet(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
