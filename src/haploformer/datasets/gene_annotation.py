"""Gene names and strands."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.gene_annotation import no_annotation, read_gene_annotation


class GeneAnnotationDataset(InputFileDataset[pd.DataFrame]):
    """The gene lines of a GTF."""

    what = "gene names and strands"
    kind = "GTF"

    def load(self) -> pd.DataFrame:
        """Read and check the file; no rows where there is none."""
        return no_annotation() if self._is_absent() else read_gene_annotation(self._file)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows."""
        return table_preview(self.load(), nrows)
