"""Published effects of single variants: their geometry untrained, and the official weights for whoever has them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haploformer.effects.definitions import average_strands
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS, Geometry
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import untrained_module
from haploformer.formats.fasta import FastaReference
from haploformer.formats.weights import SAFETENSORS, WeightsChoice, load_model
from haploformer.genome.encoding import encode, reverse_complement
from haploformer.genome.variant_selection import require_reference
from haploformer.genome.windows import tss_window
from haploformer.parameters import EnformerParameters
from tests.builders.effects import published_variants, windows_of_gene
from tests.builders.enformer import CodeWindows
from tests.conftest import ROOT

pytestmark = pytest.mark.real_data

TRACK = 5110
LENGTH = 49_152
#: Table, number of variants, TSS (0-based).
GENES = [("cltcl1", 438, 19_279_238), ("cecr7", 371, 17_517_459)]
FASTA = "reference/chr22_1-22000000.hg19.fa.gz"


def table_of(shared_data: Path, name: str) -> pd.DataFrame:
    return published_variants(shared_data / f"published_enformer/enformer_ism_track5110_{name}.csv")


def coverage_of_pairs(engine, windows) -> np.ndarray:
    """Centre bins of the track, both strands averaged, of the reference and then of each variant."""
    bins = list(engine.geometry.centre_bins(10))
    found = engine.predict(windows, range(len(windows)), tracks=[TRACK], bins=bins)
    both = average_strands(*np.split(found, 2))
    return both.mean((1, 2))[[0, *windows.table["window"]]]


@pytest.mark.parametrize(("name", "n", "tss"), GENES)
def test_published_variants__every_ref_is_ours_and_every_one_lies_in_the_window(shared_data, name, n, tss):
    table = table_of(shared_data, name)
    assert len(table) == n
    require_reference(table, FastaReference(shared_data / FASTA), source=name)
    windows = windows_of_gene(shared_data / FASTA, "22", tss, LENGTH, table)
    assert windows.table["variant_id"].tolist() == table["variant_id"].tolist()
    assert len(windows) == 2 * (n + 1)


@pytest.mark.parametrize(("name", "n", "tss"), GENES)
def test_published_geometry__untrained_equals_the_plain_forward(shared_data, name, n, tss):
    geometry = Geometry(dim=48, depth=2, heads=4, window=LENGTH, n_bins=384, n_tracks=5_313, channel_multiple=8)
    module = untrained_module(geometry, seed=0)
    table = table_of(shared_data, name).iloc[:: n // 3].head(3)
    windows = windows_of_gene(shared_data / FASTA, "22", tss, LENGTH, table)
    found = coverage_of_pairs(ExactEngine(module, geometry, batch_size=4), windows)

    window = tss_window("22", tss, LENGTH)
    codes = [FastaReference(shared_data / FASTA).read(*window)]
    for row in table.itertuples():
        codes.append(codes[0].copy())
        codes[-1][row.pos - 1 - window.start] = encode(row.alt)[0]
    plain = LibraryEngine(module, geometry, batch_size=1)
    asked = {"tracks": [TRACK], "bins": list(geometry.centre_bins(10))}
    strands = [CodeWindows(np.stack(codes)), CodeWindows(reverse_complement(np.stack(codes)))]
    expected = average_strands(*(plain.predict(strand, range(4), **asked) for strand in strands)).mean((1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    ours, theirs = found[1:] - found[0], expected[1:] - expected[0]
    assert np.abs(theirs).max() > 1e-5
    assert np.abs(ours - theirs).max() < 2e-3 * np.abs(theirs).max() + 1e-6


@pytest.mark.needs_weights
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("name", "n", "tss"), GENES)
def test_official_weights__reproduce_published_effects(shared_data, name, n, tss):
    folder = Path(os.environ.get("HAPLOFORMER_OFFICIAL_WEIGHTS", ROOT / EnformerParameters().official_folder))
    if not (folder / SAFETENSORS).is_file():
        pytest.skip(f"the official Enformer weights are not here: {SAFETENSORS} in {folder.name}")
    geometry = replace(PRESETS["full"], window=LENGTH, n_bins=384)
    model = load_model(WeightsChoice("official", folder), geometry, seed=0)
    assert model.geometry.position_features == "gamma computed"
    table = table_of(shared_data, name)
    windows = windows_of_gene(shared_data / FASTA, "22", tss, LENGTH, table)
    found = coverage_of_pairs(ExactEngine(model.module, model.geometry, batch_size=1), windows)
    np.testing.assert_allclose(found[0], table["published_ref"].iloc[0], rtol=1e-3)
    np.testing.assert_allclose(found[1:], table["published_alt"], rtol=1e-3)
    effects, published = found[1:] - found[0], table["published_alt"] - table["published_ref"]
    assert np.corrcoef(effects, published)[0, 1] > 0.99
