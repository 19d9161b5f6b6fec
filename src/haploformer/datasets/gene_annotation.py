"""Gene names and strands."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.gene_annotation import read_gene_annotation


class GeneAnnotationDataset(InputFileDataset[pd.DataFrame]):
    """The gene lines of a GTF."""

    def load(self) -> pd.DataFrame:
        """Read and check the file."""
        return read_gene_annotation(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
