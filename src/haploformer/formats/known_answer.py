"""What simulated data are known to hold: expected intervals of scores, and the predictor that made the expression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.checksums import require_recorded_checksum
from haploformer.formats.files import read_json, require_file
from haploformer.formats.text_tables import parse_numbers, read_text_table, require_columns


@dataclass(frozen=True)
class KnownAnswer:
    """The known answer of a data set.

    Attributes
    ----------
    expected : dict
        ``mean_pearson_r``: for each model [low, high]; ``enformer_tolerance``: largest difference from the truth, in
        standard deviations of a gene between people.
    truth : DataFrame
        ``gene_id, individual_id, enformer``: the prediction that the expression was simulated from.
    """

    expected: dict[str, Any]
    truth: pd.DataFrame


def read_known_answer(path: Path) -> KnownAnswer:
    """Read the intervals, and the table that they name, which lies beside them."""
    require_file(path, what="known answer")
    require_recorded_checksum(path)
    try:
        expected = read_json(path)
        truth = path.parent / Path(expected["truth"]).name
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            str(path), f"no known answer ({type(error).__name__}: {error})", "give a JSON object that names its truth"
        ) from error
    table = read_text_table(truth, what="table of the known answer")
    columns = ["gene_id", "individual_id", "enformer"]
    require_columns(table, columns, truth)
    enformer = parse_numbers(table[["enformer"]], truth, row_names=table["gene_id"])[:, 0]
    return KnownAnswer(expected, table[columns].assign(enformer=enformer))
