"""The step of ``verify``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def verify_predictions(store: Path) -> pd.DataFrame:
    """Every file of the stored predictions, hashed again."""
    from haploformer.formats import stored_predictions

    return stored_predictions.verify_predictions(store)
