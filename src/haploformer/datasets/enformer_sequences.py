"""The sequences that Enformer was trained and tested on."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.enformer_sequences import no_enformer_sequences, read_enformer_sequences


class EnformerSequencesDataset(InputFileDataset[pd.DataFrame]):
    """Intervals by split; without a file it has no rows."""

    what = "table of Enformer's sequences"
    kind = "Enformer's sequences"

    def load(self) -> pd.DataFrame:
        """Read and check the file; no rows where there is none."""
        return no_enformer_sequences() if self._is_absent() else read_enformer_sequences(self._file)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
