"""Pairs of relatives."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PeopleFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.relatedness_table import no_relatedness, read_relatedness_table


class RelatednessTableDataset(PeopleFileDataset[pd.DataFrame]):
    """Who is related to whom; without a file it has no rows."""

    what = "relatedness table"
    kind = "relatedness"

    def load(self) -> pd.DataFrame:
        """Read and check the file; no rows where there is none."""
        if self._is_absent():
            return no_relatedness()
        table = read_relatedness_table(self._file)
        known = self._ids().individual_of
        names = ("individual_id_1", "individual_id_2")
        return table.assign(**{name: [known.get(one, one) for one in table[name]] for name in names})

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
