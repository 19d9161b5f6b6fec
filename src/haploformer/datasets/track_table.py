"""The model's output tracks."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.track_table import read_track_table


class TrackTableDataset(InputFileDataset[pd.DataFrame]):
    """The list of output tracks, in the order of the outputs."""

    def load(self) -> pd.DataFrame:
        """Read and check the file."""
        return read_track_table(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
