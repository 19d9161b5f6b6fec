"""Linear weights for biobanks."""

from __future__ import annotations

from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.predictdb import PredictDb, PredictDbExport, export_exists, read_export, write_export


class PredictDbDataset(PathDataset[PredictDbExport, PredictDb]):
    """A folder with a PredictDB database, its covariances and a score file of PLINK2."""

    def save(self, data: PredictDbExport) -> None:
        """Write the folder; it is there whole or not at all."""
        write_export(self._path, data)

    def load(self) -> PredictDb:
        """The database's tables."""
        return read_export(self._path)

    def _exists(self) -> bool:
        return export_exists(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first weights."""
        return table_preview(self.load().weights, nrows)
