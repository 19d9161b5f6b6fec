"""External eQTLs."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset, PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.eqtl_tables import (
    ExternalEqtls,
    no_eqtls,
    no_top_associations,
    read_eqtls,
    read_top_associations,
)
from haploformer.formats.qtltools import write_qtltools


class EqtlTableDataset(InputFileDataset[ExternalEqtls]):
    """A table of GTEx, the eQTL Catalogue, tensorQTL, FastQTL or QTLtools."""

    what = "external eQTLs"
    kind = "eQTL table"

    def load(self) -> ExternalEqtls:
        """Read and check the file; no rows where there is none."""
        return no_eqtls() if self._is_absent() else read_eqtls(self._file)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load().table, nrows)


class TopAssociationsDataset(InputFileDataset[pd.DataFrame]):
    """A table of each gene's strongest association that names no variant."""

    what = "published top associations"
    kind = "top associations"

    def load(self) -> pd.DataFrame:
        """Read and check the file; no rows where there is none."""
        return no_top_associations() if self._is_absent() else read_top_associations(self._file)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)


class EqtlScanDataset(PathDataset[pd.DataFrame, ExternalEqtls]):
    """Our own scan as a table of QTLtools; loaded as every other table of eQTLs is."""

    def save(self, data: pd.DataFrame) -> None:
        """Write the table."""
        write_qtltools(self._path, data)

    def load(self) -> ExternalEqtls:
        """Read and check the file."""
        return read_eqtls(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load().table, nrows)
