"""The model's output tracks."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.track_table import numbered_tracks, read_track_table


class TrackTableDataset(InputFileDataset[pd.DataFrame]):
    """The list of output tracks, in the order of the outputs."""

    what = "names of tracks, only their numbers"
    kind = "track table"

    def load(self) -> pd.DataFrame:
        """Read and check the file; the published model's tracks without names where there is none."""
        return numbered_tracks() if self._is_absent() else read_track_table(self._file)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
