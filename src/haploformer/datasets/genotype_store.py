"""The cohort's called alleles."""

from __future__ import annotations

from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.genotype_store import (
    GenotypeStream,
    StoredGenotypes,
    genotypes_exist,
    read_genotypes,
    write_genotypes,
)


class GenotypeStoreDataset(PathDataset[GenotypeStream, StoredGenotypes]):
    """Saved batch by batch, loaded as a handle whose alleles stay on disk."""

    def save(self, data: GenotypeStream) -> None:
        """Write all batches; the store is there whole or not at all."""
        write_genotypes(data, self._path)

    def load(self) -> StoredGenotypes:
        """Open the store."""
        return read_genotypes(self._path)

    def _exists(self) -> bool:
        return genotypes_exist(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first records."""
        return table_preview(self.load().genotypes.records, nrows)
