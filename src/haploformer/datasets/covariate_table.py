"""Covariates, one per row."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PeopleFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.covariate_table import no_covariates, read_covariate_table


class CovariateTableDataset(PeopleFileDataset[pd.DataFrame]):
    """Covariates in the shape of GTEx, loaded as a long table."""

    what = "covariates"
    kind = "covariates"

    def load(self) -> pd.DataFrame:
        """Read and check the file; no rows where there is none."""
        if self._is_absent():
            return no_covariates()
        table = read_covariate_table(self._file)
        ids = table["individual_id"].unique().tolist()
        named = dict(zip(ids, self._ids().rename(ids, where=str(self._file)), strict=True))
        return table.assign(individual_id=table["individual_id"].map(named))

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
