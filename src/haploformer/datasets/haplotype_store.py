"""The cohort's distinct haplotype windows."""

from __future__ import annotations

from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.haplotype_store import haplotypes_exist, read_haplotypes, write_haplotypes
from haploformer.genome.haplotype_windows import HaplotypeWindows


class HaplotypeStoreDataset(PathDataset[HaplotypeWindows, HaplotypeWindows]):
    """Reference bases and edits on disk; loaded as a handle that builds one-hot tensors when asked for."""

    def save(self, data: HaplotypeWindows) -> None:
        """Write the store; it is there whole or not at all."""
        write_haplotypes(data, self._path)

    def load(self) -> HaplotypeWindows:
        """Open the store."""
        return read_haplotypes(self._path)

    def _exists(self) -> bool:
        return haplotypes_exist(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """Genes with their numbers of chromosome copies and distinct windows."""
        haplotypes = self.load()
        distinct = haplotypes.windows.groupby("gene_id", sort=False).size().rename("distinct windows")
        copies = haplotypes.haplotypes.groupby("gene_id", sort=False).size().rename("chromosome copies")
        return table_preview(copies.to_frame().join(distinct).reset_index(), nrows)
