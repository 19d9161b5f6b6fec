"""Pairs of relatives: a table of our own, or KING's as ``plink2 --make-king-table`` writes it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.text_tables import parse_numbers, read_text_table, require_columns

#: Names of the same three things: ours, then those of KING and PLINK2 (``.kin0``).
_NAMES = {"IID1": "individual_id_1", "ID1": "individual_id_1", "IID2": "individual_id_2", "ID2": "individual_id_2"}
_IDS = ["individual_id_1", "individual_id_2"]


def no_relatedness() -> pd.DataFrame:
    """The table of a study that has none."""
    return pd.DataFrame({"individual_id_1": [], "individual_id_2": [], "kinship": []}).astype(
        {"individual_id_1": object, "individual_id_2": object, "kinship": float}
    )


def read_relatedness_table(path: Path) -> pd.DataFrame:
    """Read one file.

    Parameters
    ----------
    path : Path
        Tab-separated: ``individual_id_1``, ``individual_id_2`` (or IID1, IID2) and, if it is known, ``kinship`` (KING's
        coefficient: 0.5 for duplicates, 0.25 for parent and child). Other columns are left aside.

    Returns
    -------
    DataFrame
        ``individual_id_1, individual_id_2, kinship``, one row per pair; kinship is NaN where the file has no such
        column: then every pair of it is one of relatives.

    Raises
    ------
    InputError
        If a column or an id is missing, a kinship is no number up to 0.5, or somebody is paired with themselves.
    """
    table = read_text_table(path, what="relatedness table").rename(columns=lambda name: name.lstrip("#"))
    table = table.rename(columns=_NAMES | {"KINSHIP": "kinship", "Kinship": "kinship"})
    require_columns(table, _IDS, path)
    pairs = table[_IDS]
    for row, (first, second) in enumerate(pairs.itertuples(index=False), start=2):
        if not first.strip() or not second.strip():
            raise InputError(f"{path}:line {row}", "an id is empty", "give both ids, or leave the line out")
        if first == second:
            raise InputError(f"{path}:line {row}", f"{first} is paired with itself", "leave the line out")
    if "kinship" not in table.columns:
        return pairs.assign(kinship=float("nan"))
    kinship = parse_numbers(table[["kinship"]], path, row_names=pairs["individual_id_1"])[:, 0]
    if (kinship > 0.5).any():
        row = int((kinship > 0.5).argmax())
        raise InputError(
            f"{path}:line {row + 2}", f"kinship is {kinship[row]:g}, 0.5 at most", "give KING's kinship coefficient"
        )
    return pairs.assign(kinship=kinship)
