"""People's populations and sex."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PeopleFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.sample_panel import no_panel, read_sample_panel


class SamplePanelDataset(PeopleFileDataset[pd.DataFrame]):
    """A panel in the shape of the 1000 Genomes project."""

    what = "populations and sexes"
    kind = "panel"

    def load(self) -> pd.DataFrame:
        """Read and check the file; no rows where there is none."""
        if self._is_absent():
            return no_panel()
        panel = read_sample_panel(self._file)
        return panel.assign(individual_id=self._ids().rename(panel["individual_id"].tolist(), where=str(self._file)))

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
