"""Predicted tracks of all distinct windows."""

from __future__ import annotations

import sys

from kedro_datasets._typing import TablePreview
from tqdm import tqdm

from haploformer.datasets.base import PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.enformer.plan import PredictionPlan, run_plan
from haploformer.formats.prediction_store import (
    PredictionStore,
    TrackPredictions,
    predictions_exist,
    read_predictions,
)


class PredictionStoreDataset(PathDataset[PredictionPlan, TrackPredictions]):
    """Saving a plan computes and stores what is not there yet, shard by shard; loading opens the finished store."""

    def save(self, data: PredictionPlan) -> None:
        """Complete the store. After an interruption the shards that are recorded are not computed again."""
        store = PredictionStore(self._path, data)
        seconds_between_lines = 0.5 if sys.stderr.isatty() else 10.0
        with tqdm(total=len(data.keys), unit="window", desc="Enformer", mininterval=seconds_between_lines) as progress:
            for rows in run_plan(data, store):
                progress.update(rows)
        store.finish()

    def load(self) -> TrackPredictions:
        """Open the store."""
        return read_predictions(self._path)

    def _exists(self) -> bool:
        return predictions_exist(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """Which row of the array each chromosome copy has."""
        return table_preview(self.load().windows, nrows)
