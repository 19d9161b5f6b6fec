"""The demo network's 64 tracks, in the shape of Enformer's ``targets_human.txt``."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from demo.settings import TISSUE

ASSAYS = {
    # assay: clip, scale, sum_stat as in targets_human.txt
    "DNASE": (32, 2, "mean"),
    "ATAC": (64, 1, "sum"),
    "CHIP": (32, 2, "mean"),
    "CAGE": (384, 1, "sum"),
}
CELLS = ("liver", "brain", "muscle", "skin")
MARKS = ("H3K4me3", "H3K27ac", "H3K36me3", "H3K27me3", "H3K4me1", "CTCF")
N_TRACKS = 64


def make_tracks() -> pd.DataFrame:
    """Columns index, genome, identifier, file, clip, scale, sum_stat, description; 64 rows.

    Four CAGE tracks belong to the tissue whose expression is simulated: their description starts with
    ``CAGE:demo blood``.
    """
    places = (TISSUE, *(f"demo {cell}" for cell in CELLS))
    names = [f"DNASE:{place}, donor {donor}" for place in places for donor in (1, 2)]
    names += [f"ATAC:{place}" for place in places[:4]]
    names += [f"CHIP:{mark}:{place}" for mark in MARKS for place in places]
    names += [f"CAGE:{place}, donor {donor}" for place in places for donor in (1, 2, 3, 4)]
    assert len(names) == N_TRACKS
    rows = []
    for i, name in enumerate(names):
        clip, scale, sum_stat = ASSAYS[name.split(":")[0]]
        identifier = f"DEMOT{i:02d}"
        rows.append((i, 0, identifier, f"demo/{identifier}.w5", clip, scale, sum_stat, name))
    return pd.DataFrame(
        rows, columns=["index", "genome", "identifier", "file", "clip", "scale", "sum_stat", "description"]
    )


def tissue_tracks(tracks: pd.DataFrame, tissue: str) -> Sequence[int]:
    """Indices of the CAGE tracks of a tissue."""
    chosen = tracks["description"].str.startswith(f"CAGE:{tissue}")
    return tracks.loc[chosen, "index"].tolist()
