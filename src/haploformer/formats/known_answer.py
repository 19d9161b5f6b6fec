"""What simulated data are known to hold: expected intervals of scores, and the predictor that made the expression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from haploformer.formats.files import read_json, require_file


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
    expected = read_json(path)
    truth = path.parent / Path(expected["truth"]).name
    require_file(truth, what="table of the known answer")
    return KnownAnswer(expected, pd.read_csv(truth, sep="\t"))
