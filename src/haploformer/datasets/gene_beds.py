"""Predictions for other programs, as BED files."""

from __future__ import annotations

import pandas as pd
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.expression_bed import ExpressionBed
from haploformer.formats.gene_beds import GeneBeds, gene_beds_exist, read_gene_beds, write_gene_beds


class GeneBedsDataset(PathDataset[GeneBeds, dict[str, ExpressionBed]]):
    """A folder with one gene-by-person table per model, bgzipped and indexed."""

    def save(self, data: GeneBeds) -> None:
        """Write the folder; it is there whole or not at all."""
        write_gene_beds(self._path, data)

    def load(self) -> dict[str, ExpressionBed]:
        """The table of each model."""
        return read_gene_beds(self._path)

    def _exists(self) -> bool:
        return gene_beds_exist(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The models, and how many genes and people each has."""
        rows = [(name, len(bed.genes), len(bed.individual_ids)) for name, bed in self.load().items()]
        return table_preview(pd.DataFrame(rows, columns=["model", "genes", "individuals"]), nrows)
