"""Measured expression in the shape of GTEx."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import InputFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.expression_bed import ExpressionBed, read_expression_bed


class ExpressionBedDataset(InputFileDataset[ExpressionBed]):
    """A gene-by-person table of normalised expression."""

    def load(self) -> ExpressionBed:
        """Read and check the file."""
        return read_expression_bed(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first genes and people."""
        bed = self.load()
        values = pd.DataFrame(bed.values[:nrows, :5], columns=bed.individual_ids[:5]).round(3)
        return table_preview(bed.genes.head(nrows).join(values), nrows)
