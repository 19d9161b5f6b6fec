"""Which of the model's output tracks are meant by a name."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
import pandas as pd

from haploformer.errors import InputError

#: Named tissues: the tracks of the published human head whose description reads exactly so.
#: Source: Basenji, ``targets_human.txt`` (tracks 4950, 4805, 4806, 5067; 5110; 4980; 5103, 5263, 5305).
TISSUES = {
    "whole_blood": (
        "CAGE:blood, adult, pool1",
        "CAGE:Whole blood (ribopure), , donation1",
        "CAGE:Whole blood (ribopure), , donation2",
        "CAGE:Whole blood (ribopure), , donation3",
    ),
    "lymphoblastoid_cell_line": ("CAGE:B lymphoblastoid cell line: GM12878 ENCODE, biol_",),
    "brain": ("CAGE:brain, adult,",),
    "brain_cortex": (
        "CAGE:occipital cortex, adult,",
        "CAGE:occipital cortex - adult,",
        "CAGE:parietal cortex, adult,",
    ),
}


def resolve_tracks(wanted: str | Sequence[str | int], tracks: pd.DataFrame) -> list[int]:
    """Track numbers of what a user asked for.

    Parameters
    ----------
    wanted : str or sequence of str and int
        One or several of: ``all``; a named tissue (`TISSUES`); a track number, identifier or description. A
        description that ends in ``*`` means every track whose description begins so.
    tracks : DataFrame (n_tracks,)
        ``track, identifier, description``.

    Returns
    -------
    list of int
        In ascending order, without repeats.

    Raises
    ------
    InputError
        If a name fits no track, or several without saying so; they, or the nearest names, are given.
    """
    entries: Sequence[str | int] = [wanted] if isinstance(wanted, str) else wanted
    if len(entries) == 0:
        raise InputError("parameters:enformer.tracks", "no track is given", "name a track, a tissue or all")
    found: set[int] = set()
    for entry in entries:
        found.update(_resolve_one(entry, tracks))
    return sorted(found)


def _resolve_one(entry: str | int, tracks: pd.DataFrame) -> list[int]:
    description = tracks["description"]
    text = str(entry)
    if text == "all":
        return [int(track) for track in tracks["track"]]
    if text in TISSUES:
        fits = description.isin(TISSUES[text])
    elif text.isdecimal():
        fits = tracks["track"] == int(text)
    elif text.endswith("*"):
        fits = description.str.startswith(text[:-1])
    else:
        fits = (description == text) | (tracks["identifier"] == text)
        # A part of a name is never taken for it, but it tells what may be meant.
        meant = fits if fits.any() else description.str.contains(text, case=False, regex=False)
        if meant.sum() > 1:
            raise _fits_many(text, tracks[meant], len(tracks))
    matched = tracks["track"][fits].tolist()
    if not matched and not text.isdecimal() and not (description != "").any():
        raise InputError(
            "parameters:enformer.tracks",
            f"{text!r} cannot be looked up: the tracks have no names here",
            "give track numbers joined by +, or the list of tracks (targets_human.txt)",
        )
    if not matched:
        names = [*TISSUES, *description.drop_duplicates()]
        near = get_close_matches(text, names, n=2, cutoff=0.4)
        hint = f" (nearest: {', '.join(near)})" if near else ""
        raise InputError(
            "parameters:enformer.tracks",
            f"{text!r} fits none of the {len(tracks):,} tracks{hint}",
            "give a track number, identifier, description, a tissue or all",
        )
    return [int(track) for track in matched]


def _fits_many(text: str, found: pd.DataFrame, n_tracks: int) -> InputError:
    shown = ", ".join(f"{row.track} {row.description}" for row in found.head(4).itertuples())
    begin = found["description"].str.startswith(text).all()
    every = f", or all of them as {text}*" if begin else ""
    return InputError(
        "parameters:enformer.tracks",
        f"{text!r} fits {len(found):,} of the {n_tracks:,} tracks ({shown}{' ...' if len(found) > 4 else ''})",
        f"give track numbers joined by +{every}",
    )


def require_tracks(selected: Sequence[int], n_tracks: int) -> None:
    """Raise ValueError unless ``selected`` are outputs of a head of ``n_tracks``, at least one."""
    chosen = np.asarray(selected, dtype=np.int64)
    if len(chosen) == 0:
        raise ValueError("no track selected")
    outside = chosen[(chosen < 0) | (chosen >= n_tracks)]
    if len(outside):
        raise ValueError(f"track {outside[0]} selected, the model has {n_tracks}")
