"""People's populations and sex, in the shape of the 1000 Genomes panel: ``sample, pop, super_pop, gender``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.text_tables import read_text_table, require_columns


def no_panel() -> pd.DataFrame:
    """The panel of a study that has none."""
    return pd.DataFrame({"individual_id": [], "population": [], "sex": []}, dtype=object)


def read_sample_panel(path: Path) -> pd.DataFrame:
    """Read one file.

    Returns
    -------
    DataFrame
        ``individual_id, population, sex``, one row per person; sex is null where the file has no such column.
    """
    table = read_text_table(path, what="sample panel")
    require_columns(table, ["sample", "pop"], path)
    doubled = table["sample"][table["sample"].duplicated()]
    if len(doubled):
        raise InputError(
            f"{path}:line {doubled.index[0] + 2}", f"sample {doubled.iloc[0]} stands twice", "keep one row"
        )
    sex = table.get("gender")
    return pd.DataFrame({"individual_id": table["sample"], "population": table["pop"], "sex": sex})
