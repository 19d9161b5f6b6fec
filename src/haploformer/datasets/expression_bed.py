"""Measured expression in the shape of GTEx."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PeopleFileDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.expression_bed import ExpressionBed, read_expression_bed


class ExpressionBedDataset(PeopleFileDataset[ExpressionBed]):
    """A gene-by-person table of normalised expression."""

    kind = "expression BED"

    def load(self) -> ExpressionBed:
        """Read and check the file."""
        bed = read_expression_bed(self._file)
        return replace(bed, individual_ids=self._ids().rename(bed.individual_ids, where=str(self._file)))

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first genes and people."""
        bed = self.load()
        values = pd.DataFrame(bed.values[:nrows, :5], columns=bed.individual_ids[:5]).round(3)
        return table_preview(bed.genes.head(nrows).join(values), nrows)
