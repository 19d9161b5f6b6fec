"""What the demo's run has stored, of some of its genes, for steps that go on from there; and the plain forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from haploformer.datasets.prediction_store import PredictionStoreDataset
from haploformer.effects.definitions import average_strands
from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import untrained_module
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import read_genotypes
from haploformer.formats.track_table import read_track_table
from haploformer.genome.edits import make_edit
from haploformer.genome.placement import Stretch
from haploformer.genome.reference import fetch_padded
from haploformer.parameters import (
    DataPrepParameters,
    EnformerParameters,
    ExecutionParameters,
    SequenceBuildParameters,
    VariantEffectsParameters,
)
from haploformer.pipelines.variant_effects import nodes
from haploformer.window_predictions import plan_window_predictions
from tests.builders.enformer import CodeWindows
from tests.oracles.haplotypes import build_haplotype

TINY = PRESETS["tiny"]
CENTRE = list(TINY.centre_bins(10))
TISSUE = [44, 45, 46, 47]
ENFORMER = EnformerParameters(preset="tiny", tracks="CAGE:demo blood*", bins="each", batch_size=8)


class DemoGenes:
    """What the demo's run has stored, of two of its genes: one on each strand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reference = FastaReference(root / "data/01_raw/demo/reference.fa.gz")
        self.tracks = read_track_table(root / "data/01_raw/demo/targets.txt")
        self.variants = read_genotypes(root / "data/03_primary/demo/variants")
        self.individuals = pd.read_parquet(root / "data/03_primary/demo/individuals.parquet")
        genes = pd.read_parquet(root / "data/03_primary/demo/genes.parquet")
        self.genes = genes[genes["gene_name"].isin(["DEMOGENE2", "DEMOGENE3"])].reset_index(drop=True)
        windows = pd.read_parquet(root / "data/04_feature/demo/tss_windows.parquet")
        self.windows = windows[windows["gene_id"].isin(self.genes["gene_id"])].reset_index(drop=True)

    def collect(self, options: VariantEffectsParameters) -> tuple[Any, pd.DataFrame]:
        return nodes.collect_variant_windows(
            self.windows, self.variants, self.reference, DataPrepParameters(), SequenceBuildParameters(), options
        )

    def predict(self, windows: Any, path: Path, options: EnformerParameters = ENFORMER) -> Any:
        store = PredictionStoreDataset(filepath=str(path))
        store.save(plan_window_predictions(windows, self.tracks, options, ExecutionParameters()))
        return store.load()


def plain_engine() -> LibraryEngine:
    """The plain forward of the demo's network."""
    return LibraryEngine(untrained_module(TINY, 0), TINY, batch_size=2)


def plain_coverage(
    plain: LibraryEngine, demo: DemoGenes, place: Any, row: Any | None, *, both_strands: bool = True
) -> np.ndarray:
    """Every bin and track by the plain forward on the oracle's sequence (n_bins, n_tracks)."""
    codes = fetch_padded(demo.reference, place.contig, place.start - 200, place.end + 200)
    stretch = Stretch(place.start - 200, place.tss, TINY.window // 2, TINY.window // 2, codes)
    forward = build_haplotype(stretch, [] if row is None else [make_edit(row.pos, row.ref, row.alt)])
    turned = np.array([3, 2, 1, 0, 4], np.uint8)[forward[::-1]]
    windows = CodeWindows(np.stack([forward, turned]))
    asked = {"tracks": range(TINY.n_tracks), "bins": range(TINY.n_bins)}
    if not both_strands:
        return plain.predict(windows, [0], **asked)[0].astype(np.float64)
    return average_strands(*plain.predict(windows, [0, 1], **asked))
