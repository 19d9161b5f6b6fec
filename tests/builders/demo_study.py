"""What the demo's run has stored, with the effects of all its variants."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.datasets.prediction_store import PredictionStoreDataset
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import read_genotypes
from haploformer.formats.prediction_store import read_predictions
from haploformer.formats.track_table import read_track_table
from haploformer.parameters import (
    BaselinesParameters,
    DataPrepParameters,
    EnformerParameters,
    ExecutionParameters,
    SequenceBuildParameters,
    VariantEffectsParameters,
)
from haploformer.pipelines.variant_effects import nodes
from haploformer.window_predictions import plan_window_predictions

ENFORMER = EnformerParameters(preset="tiny", tracks="CAGE:demo blood*", batch_size=8)
BASELINES = BaselinesParameters(cis_window=48_000)


class DemoStudy:
    """Handles on the stores of a finished run; effects are predicted once, into a folder of their own."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root, self.scratch = root, scratch
        self.raw = root / "data/01_raw/demo"
        self.reference = FastaReference(self.raw / "reference.fa.gz")
        self.tracks = read_track_table(self.raw / "targets.txt")
        self.variants = read_genotypes(root / "data/03_primary/demo/variants")
        self.predictions = read_predictions(root / "data/07_model_output/demo/track_predictions.zarr")

    def table(self, path: str) -> pd.DataFrame:
        """A stored table, by its path below ``data`` without cohort and ending."""
        layer, name = path.split("/")
        return pd.read_parquet(self.root / f"data/{layer}/demo/{name}.parquet")

    @cached_property
    def effect_predictions(self) -> Any:
        """Predictions of every variant's window."""
        windows, _ = nodes.collect_variant_windows(
            self.table("04_feature/tss_windows"),
            self.variants,
            self.reference,
            DataPrepParameters(),
            SequenceBuildParameters(),
            VariantEffectsParameters(),
        )
        self._frequencies = nodes.count_frequencies(windows, self.variants, self.table("03_primary/individuals"))
        store = PredictionStoreDataset(filepath=str(self.scratch / "variant_track_predictions.zarr"))
        store.save(plan_window_predictions(windows, self.tracks, ENFORMER, ExecutionParameters()))
        return store.load()

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Schema ``variant_effects``."""
        predictions = self.effect_predictions
        windows = self.table("04_feature/tss_windows")
        return nodes.tabulate_variant_effects(predictions, windows, self._frequencies, self.tracks, ENFORMER)
