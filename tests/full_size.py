"""``python -m tests.full_size RAW_DIR``: COMT of two real people through the published geometry, against the library.

Runs ``gene_prediction`` with ``enformer.preset=full`` (untrained) in a copy of the project, builds the five sequences by
``bcftools consensus``, and compares with enformer-pytorch's own forward. Half a minute to a minute per window and side
on two cores, and 5 GiB; the test suite does the same with the small network.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pandas as pd
import torch

from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.model import HEAD, untrained_module
from haploformer.enformer.summaries import ALL_TRACKS_MEAN, TISSUE_MEAN
from haploformer.enformer.tracks import resolve_tracks
from haploformer.formats.fasta import FastaReference
from haploformer.formats.track_table import read_track_table
from haploformer.genome.encoding import decode, encode, one_hot
from haploformer.genome.windows import tss_window
from tests.conftest import copy_project
from tests.oracles.consensus import consensus_window

PEOPLE = ["HG00097", "HG00099"]
VCF = "genotypes/geuvadis343.hm3.chr22_16-22Mb.beagle_phased.vcf.gz"
FASTA = "reference/chr22_1-22000000.hg19.fa.gz"


def compare_with_plain_forward(
    table: pd.DataFrame, people: list[str], raw: Path, *, preset: str, seed: int = 0
) -> tuple[float, int]:
    """Largest relative difference of reference and personal coverage from the plain forward, and how many windows.

    Parameters
    ----------
    table : DataFrame, schema ``selected_predictions``
        Of one gene.
    people : list of str
    raw : Path
        The GEUVADIS data.
    """
    geometry, tss = PRESETS[preset], int(table["tss"].iloc[0])
    fasta = raw / FASTA
    reference = decode(FastaReference(fasta).read(*tss_window("22", tss, geometry.window)))
    sequences = {("reference", 0): reference}
    for person in people:
        for copy in (0, 1):
            sequences[person, copy] = consensus_window(
                fasta, raw / VCF, person, copy, contig="22", tss=tss, length=geometry.window
            )
    module = untrained_module(geometry_with_tracks(preset), seed)
    tissue = resolve_tracks("lymphoblastoid_cell_line", read_track_table(raw / "annotation/targets_human.txt"))
    centre = list(geometry.centre_bins(10))
    coverage = {}
    for name, letters in sequences.items():
        with torch.inference_mode():
            y = module(torch.from_numpy(one_hot(encode(letters)[None])))[HEAD][0, centre].double().mean(0).numpy()
        coverage[name] = {TISSUE_MEAN: y[tissue].mean(), ALL_TRACKS_MEAN: y.mean()}
    largest = 0.0
    for row in table.itertuples():
        plain = np.mean([coverage[row.individual_id, copy][row.summary] for copy in (0, 1)])
        for ours, theirs in ((row.personal, plain), (row.reference, coverage["reference", 0][row.summary])):
            largest = max(largest, abs(ours / theirs - 1))
    assert len(table) == 2 * len(people)
    return largest, len(sequences)


def geometry_with_tracks(preset: str):
    """The preset with the published number of tracks, as a run on the published list of tracks has it."""
    from dataclasses import replace

    return replace(PRESETS[preset], n_tracks=5_313)


def main() -> None:
    """Run, compare, and print what came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.full_size", description=__doc__)
    parser.add_argument("raw_dir", type=Path, help="the GEUVADIS data")
    raw = parser.parse_args().raw_dir.resolve()
    with TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "project")
        parameters = f"raw_dir={raw},gene=COMT,individual={'+'.join(PEOPLE)},enformer.preset=full"
        begun = perf_counter()
        result = project.kedro("run", "--env", "geuvadis", "--pipelines", "gene_prediction", "--params", parameters)
        print(result.stdout)  # noqa: T201
        seconds = perf_counter() - begun
        table = pd.read_parquet(re.search(r"^Table: (.*)$", result.stdout, re.MULTILINE).group(1))
        largest, n_windows = compare_with_plain_forward(table, PEOPLE, raw, preset="full")
    print(f"{n_windows} windows, {seconds:.0f} s; largest relative difference {largest:.1e}")  # noqa: T201
    assert n_windows == 5
    assert largest < 1e-5


if __name__ == "__main__":
    main()
