"""Covariates, one per row."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.covariate_table import read_covariate_table


class CovariateTableDataset(InputFileDataset[pd.DataFrame]):
    """Covariates in the shape of GTEx, loaded as a long table."""

    def load(self) -> pd.DataFrame:
        """Read and check the file."""
        return read_covariate_table(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
