"""The step of ``verify``."""

from __future__ import annotations

import pandas as pd

from haploformer.formats.prediction_store import TrackPredictions


def verify_predictions(predictions: TrackPredictions) -> pd.DataFrame:
    """Every file of the stored predictions, hashed again."""
    from haploformer.formats import prediction_store

    return prediction_store.verify_predictions(predictions.path)
