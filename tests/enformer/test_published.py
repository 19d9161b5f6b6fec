"""The official weights reproduce published predictions: for whoever has them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.model import HEAD
from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.weights import SAFETENSORS, WeightsChoice, load_model
from haploformer.genome.encoding import encode, one_hot, reverse_complement
from haploformer.genome.windows import tss_window
from haploformer.parameters import EnformerParameters
from tests.conftest import ROOT

pytestmark = [pytest.mark.needs_weights, pytest.mark.real_data]

#: The published run's geometry: a window of 49,152 bases, no token cropped, the centre 10 bins of track 5110.
PUBLISHED = replace(PRESETS["full"], window=49_152, n_bins=384)
TRACK = 5110


@pytest.fixture(scope="module")
def model():
    """The official weights, from their default folder or the one in HAPLOFORMER_OFFICIAL_WEIGHTS."""
    folder = Path(os.environ.get("HAPLOFORMER_OFFICIAL_WEIGHTS", ROOT / EnformerParameters().official_folder))
    if not (folder / SAFETENSORS).is_file():
        pytest.skip(f"the official Enformer weights are not here: {SAFETENSORS} in {folder.name}")
    return load_model(WeightsChoice("official", folder), PUBLISHED, seed=0)


def coverage(model, codes: np.ndarray) -> float:
    """Mean of the centre bins of the track, both strands averaged."""
    both = one_hot(np.stack([codes, reverse_complement(codes)]))
    with torch.inference_mode():
        y = model.module(torch.from_numpy(both))[HEAD]
    return float(y[:, list(PUBLISHED.centre_bins(10)), TRACK].double().mean())


@pytest.mark.parametrize(
    ("gene_id", "name", "expected"),
    [("ENSG00000070371", "cltcl1", 4.2595634), ("ENSG00000237438", "cecr7", 0.35804147)],
)
def test_official_weights__reproduce_published_predictions(model, shared_data, gene_id, name, expected):
    # 384 tokens have no table of position features.
    assert model.geometry.position_features == "gamma computed"
    bed = read_expression_bed(shared_data / "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz")
    tss = int(bed.genes.loc[bed.genes["gene_id"].str.startswith(gene_id), "tss"].iloc[0])
    window = tss_window("22", tss, PUBLISHED.window)
    codes = FastaReference(shared_data / "reference/chr22_1-22000000.hg19.fa.gz").read(*window)
    reference = coverage(model, codes)
    assert reference == pytest.approx(expected, rel=1e-3)

    # The largest published effect of a single variant, "chr22:19279000 C/A".
    table = pd.read_csv(shared_data / f"published_enformer/enformer_ism_track5110_{name}.csv", index_col=0)
    row = table.loc[table["ISM"].abs().idxmax()]
    place, alleles = row.name.split(" ")
    offset = int(place.split(":")[1]) - 1 - window.start
    ref, alt = (encode(allele)[0] for allele in alleles.split("/"))
    assert codes[offset] == ref
    changed = codes.copy()
    changed[offset] = alt
    assert coverage(model, changed) - reference == pytest.approx(row["ISM"], rel=0.02)
