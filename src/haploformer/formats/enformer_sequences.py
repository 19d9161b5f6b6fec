"""The sequences that Enformer was trained, chosen and tested on: its published ``sequences.bed``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.text_tables import first_line, read_text_table
from haploformer.genome.contigs import canonical_contig

COLUMNS = ["contig", "start", "end", "split"]

#: No contig is so long that a position has more digits.
_POSITION = "[0-9]{1,10}"

SPLITS = ("train", "valid", "test")


def no_enformer_sequences() -> pd.DataFrame:
    """The table of a study that has none."""
    return pd.DataFrame({"contig": [], "start": [], "end": [], "split": []}).astype(
        {"contig": object, "start": "int64", "end": "int64", "split": object}
    )


def read_enformer_sequences(path: Path) -> pd.DataFrame:
    """Read one file.

    Parameters
    ----------
    path : Path
        BED without a header: contig, start, end, and ``train``, ``valid`` or ``test``. Further columns are left aside.

    Returns
    -------
    DataFrame
        ``contig`` (canonical), ``start, end`` (0-based half-open), ``split``.

    Raises
    ------
    InputError
        If a line is no interval, or says of no split.
    """
    n_columns = len(first_line(path, what="table of Enformer's sequences").split("\t"))
    if n_columns < len(COLUMNS):
        raise InputError(
            f"{path}:line 1",
            f"{n_columns} tab-separated columns, {len(COLUMNS)} are needed (contig, start, end, split)",
            "give Enformer's sequences.bed",
        )
    names = [*COLUMNS, *(f"column {i + 1}" for i in range(len(COLUMNS), n_columns))]
    table = read_text_table(path, what="table of Enformer's sequences", names=names)
    numbers = table["start"].str.fullmatch(_POSITION) & table["end"].str.fullmatch(_POSITION)
    places = table[["start", "end"]].where(numbers, "0").astype("int64")
    wrong = (places["end"] <= places["start"]).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        first = table.iloc[row]
        raise InputError(
            f"{path}:line {row + 1}", f"{first['start']} to {first['end']} is no interval", "correct the line"
        )
    unknown = ~table["split"].isin(SPLITS)
    if unknown.any():
        row = int(unknown.to_numpy().argmax())
        raise InputError(
            f"{path}:line {row + 1}",
            f"the fourth column is {table['split'].iloc[row]!r}, not one of {', '.join(SPLITS)}",
            "give Enformer's sequences.bed",
        )
    contigs = [canonical_contig(name) for name in table["contig"]]
    return pd.DataFrame({"contig": contigs, **places, "split": table["split"]})
