"""People's populations and sex."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.sample_panel import read_sample_panel


class SamplePanelDataset(InputFileDataset[pd.DataFrame]):
    """A panel in the shape of the 1000 Genomes project."""

    def load(self) -> pd.DataFrame:
        """Read and check the file."""
        return read_sample_panel(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
