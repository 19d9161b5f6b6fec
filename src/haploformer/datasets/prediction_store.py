"""Predicted tracks of all distinct windows."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from kedro.io import DatasetError
from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.enformer.plan import PredictionPlan
from haploformer.formats.stored_predictions import TrackPredictions, predictions_exist, read_predictions


class PredictionStoreDataset(PathDataset[PredictionPlan, TrackPredictions]):
    """Saving a plan computes and stores what is not there yet, shard by shard; loading opens the finished store."""

    def save(self, data: PredictionPlan) -> None:
        """Complete the store, or the part of it that the plan's execution names."""
        from haploformer.execution.fill import fill_store

        fill_store(self._path, data)

    def load(self) -> TrackPredictions:
        """Open the store."""
        return read_predictions(self._path)

    def _exists(self) -> bool:
        return predictions_exist(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """Which row of the array each chromosome copy has."""
        return table_preview(self.load().windows, nrows)


class PredictionFilesDataset(PathDataset[NoReturn, Path]):
    """Where the store lies, whatever state its files are in: nothing is opened."""

    def save(self, data: NoReturn) -> None:
        """Refuse: the store is filled by its plan."""
        raise DatasetError(f"{self._path} is filled by saving track_predictions")

    def load(self) -> Path:
        """The store's folder."""
        return self._path
