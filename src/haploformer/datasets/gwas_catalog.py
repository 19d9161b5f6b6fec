"""Disease associations of the GWAS catalog."""

from __future__ import annotations

from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.gwas_catalog import GwasAssociations, no_associations, read_gwas_catalog


class GwasCatalogDataset(InputFileDataset[GwasAssociations]):
    """The catalog as downloaded, UCSC's table of it, or a BED of twelve columns."""

    what = "associations of the GWAS catalog"
    kind = "GWAS catalog"

    def load(self) -> GwasAssociations:
        """Read and check the file; no rows where there is none."""
        return no_associations() if self._is_absent() else read_gwas_catalog(self._file)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load().table, nrows)
