"""Effects of a few variants of the demo by all engines, from files to table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer.effects.definitions import average_strands
from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import untrained_module
from haploformer.formats.fasta import FastaReference
from haploformer.formats.vcf import VcfFile
from haploformer.genome.intervals import Interval
from haploformer.genome.variant_windows import EditedWindows
from haploformer.genome.variants import named_alleles
from tests.builders.effects import windows_of_gene
from tests.conftest import DEMO

TINY = PRESETS["tiny"]
#: DEMOGENE3, DEMOGENE4.
CONTIG, TSS, OTHER_TSS = "21", 165_022, 223_996
LIMIT = 0.05
FASTA = DEMO / "reference.fa.gz"


def variants_near(tss: int) -> pd.DataFrame:
    """All variants of the window round a TSS of the demo."""
    inside = Interval(CONTIG, tss - TINY.window // 2, tss + TINY.window // 2)
    records, _ = VcfFile(DEMO / "genotypes.vcf.gz").read_sites([inside], FastaReference(FASTA))
    return named_alleles(records)


@pytest.fixture(scope="module")
def windows() -> EditedWindows:
    """Eleven variants of one gene, indels among them, on both strands."""
    variants = variants_near(TSS)
    indels = variants["ref"].str.len() != variants["alt"].str.len()
    chosen = pd.concat([variants[indels].head(6), variants[~indels].iloc[::4].head(6)]).sort_values("pos")
    return windows_of_gene(FASTA, CONTIG, TSS, TINY.window, chosen)


def effects(engine, windows: EditedWindows) -> tuple[np.ndarray, np.ndarray]:
    """Differences of the centre bins' means, and of every bin, (n_variants, ..., n_tracks), both strands averaged."""
    every = range(TINY.n_bins)
    found = engine.predict(windows, range(len(windows)), tracks=range(TINY.n_tracks), bins=every)
    both = average_strands(*np.split(found, 2))
    difference = both[windows.table["window"]] - both[0]
    return difference[:, list(TINY.centre_bins(10))].mean(1), difference


def test_engines__effects_agree_within_their_stated_errors(windows):
    module = untrained_module(TINY, seed=0)
    plain_centre, plain = effects(LibraryEngine(module, TINY, batch_size=4), windows)
    exact_centre, exact = effects(ExactEngine(module, TINY, batch_size=4), windows)
    delta_engine = DeltaEngine(module, TINY, batch_size=4, limit=LIMIT)
    delta_centre, delta = effects(delta_engine, windows)
    assert len(windows.table) == 11
    assert np.abs(plain_centre).max() > 1e-3, "variants do something, or nothing would be shown"
    for found, expected, tolerance in (
        (exact_centre, plain_centre, 2e-3),
        (exact, plain, 2e-3),
        (delta_centre, exact_centre, LIMIT),
        (delta, exact, LIMIT),
    ):
        assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()
    assert delta_engine.facts["delta_exact"] == 0, "both strands went through differences"
    assert delta_engine.facts["delta_largest_error"] < LIMIT
    assert delta_engine.facts["delta_checked"] == 2, "one window on each strand"


def test_strands__the_other_strand_is_another_prediction(windows):
    engine = ExactEngine(untrained_module(TINY, seed=0), TINY, batch_size=4)
    found = engine.predict(windows, [0, len(windows) // 2], tracks=[0], bins=list(TINY.centre_bins(10)))
    assert not np.allclose(found[0], found[1][::-1], rtol=1e-3)


def test_delta__every_single_window_is_within_the_limit_also_where_attention_moves_away():
    # The engine checks one window of a gene; here are all of them.
    windows = windows_of_gene(FASTA, CONTIG, OTHER_TSS, TINY.window, variants_near(OTHER_TSS), both_strands=False)
    module, asked = untrained_module(TINY, seed=0), {"tracks": range(TINY.n_tracks), "bins": range(TINY.n_bins)}
    exact = ExactEngine(module, TINY, batch_size=8).predict(windows, range(len(windows)), **asked)
    delta = DeltaEngine(module, TINY, batch_size=8, limit=LIMIT).predict(windows, range(len(windows)), **asked)
    differences = np.abs(exact - exact[0]).max((1, 2))[1:]
    errors = np.abs(delta - exact).max((1, 2))[1:]
    assert len(errors) > 20
    assert (errors < LIMIT * differences).all()
