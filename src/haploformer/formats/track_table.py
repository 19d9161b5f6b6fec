"""The list of an Enformer's output tracks, in the shape of Basenji's ``targets_human.txt``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.text_tables import parse_integers, read_text_table, require_columns

#: Outputs of the published human head (Avsec et al. 2021).
N_PUBLISHED_TRACKS = 5_313


def numbered_tracks() -> pd.DataFrame:
    """The published model's tracks where no list of them is given: numbers without identifiers and descriptions."""
    return pd.DataFrame({"track": range(N_PUBLISHED_TRACKS), "identifier": "", "description": ""})


def read_track_table(path: Path) -> pd.DataFrame:
    """Read one file.

    Returns
    -------
    DataFrame (n_tracks,)
        ``track`` (0, 1, 2 ...: the output's place), ``identifier``, ``description``.
    """
    table = read_text_table(path, what="track table")
    require_columns(table, ["index", "identifier", "description"], path)
    track = parse_integers(table[["index"]], path, row_names=table["identifier"])[:, 0]
    if track.tolist() != list(range(len(track))):
        raise InputError(
            str(path), "column index is not 0, 1, 2 ...", "give the list in the order of the model's outputs"
        )
    return pd.DataFrame({"track": track, "identifier": table["identifier"], "description": table["description"]})
