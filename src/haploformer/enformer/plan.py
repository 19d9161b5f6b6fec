"""The work of predicting all distinct windows, cut into shards that are computed and stored one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.enformer.engine import InferenceEngine, Windows
from haploformer.errors import InputError


@dataclass(frozen=True)
class RowRange:
    """Rows [start, stop) of the output, shard number ``index``."""

    index: int
    start: int
    stop: int


@dataclass(frozen=True)
class PredictionPlan:
    """Everything needed to fill a store of predictions; nothing is computed until it is asked for.

    Attributes
    ----------
    keys : list of str (n_rows,)
        Content of the window that each row predicts; no key twice.
    tracks : list of int (n_tracks,)
    identity : dict
        All that a row depends on beside its window: weights, geometry, engine, precision, tracks, bins, transform,
        code version. JSON values.
    provenance : dict
        Further facts stored with the predictions. JSON values.
    windows : DataFrame
        ``gene_id, individual_id, haplotype, window``: which row each chromosome copy has; ``individual_id`` and
        ``haplotype`` are null for the reference window.
    shard_rows : int
    predict_rows : callable
        Row numbers -> float32 (n, n_tracks).
    """

    keys: list[str]
    tracks: list[int]
    identity: dict[str, Any]
    provenance: dict[str, Any]
    windows: pd.DataFrame
    shard_rows: int
    predict_rows: Callable[[Sequence[int]], NDArray[np.float32]]

    def shards(self) -> list[RowRange]:
        """All shards in order."""
        n, size = len(self.keys), self.shard_rows
        return [RowRange(i, start, min(start + size, n)) for i, start in enumerate(range(0, n, size))]


class ShardStore(Protocol):
    """Where the rows of a plan go."""

    def is_done(self, shard: RowRange) -> bool:
        """Whether the shard is stored, whole and computed from what the plan asks for."""
        ...

    def known_row(self, key: str) -> NDArray[np.float32] | None:
        """The prediction of a window that an earlier store holds, if any."""
        ...

    def write(self, shard: RowRange, rows: NDArray[np.float32]) -> None:
        """Store a shard durably."""
        ...


def run_plan(plan: PredictionPlan, store: ShardStore) -> Iterator[int]:
    """Compute what the store does not have yet, shard by shard.

    Yields
    ------
    int
        Rows finished by each step, the ones found in the store included; the sum over all steps is ``len(plan.keys)``.

    Raises
    ------
    InputError
        If a prediction is not finite; it is not stored.
    """
    for shard in plan.shards():
        if not store.is_done(shard):
            store.write(shard, _shard_rows(plan, store, shard))
        yield shard.stop - shard.start


def _shard_rows(plan: PredictionPlan, store: ShardStore, shard: RowRange) -> NDArray[np.float32]:
    rows = np.full((shard.stop - shard.start, len(plan.tracks)), np.nan, np.float32)
    missing = []
    for i in range(shard.start, shard.stop):
        known = store.known_row(plan.keys[i])
        if known is None:
            missing.append(i)
        else:
            rows[i - shard.start] = known
    if missing:
        rows[np.asarray(missing) - shard.start] = plan.predict_rows(missing)
    if not np.isfinite(rows).all():
        bad = shard.start + int(np.flatnonzero(~np.isfinite(rows).all(1))[0])
        genes = plan.windows["gene_id"][plan.windows["window"] == bad]
        raise InputError(
            f"predictions:window {bad}" + (f" (gene {genes.iloc[0]})" if len(genes) else ""),
            "the prediction is not finite",
            "check the weights: a weight may be NaN or too large",
        )
    return rows


def plan_predictions(
    engine: InferenceEngine,
    windows: Windows,
    keys: Sequence[str],
    carriers: pd.DataFrame,
    *,
    tracks: Sequence[int],
    bins: Sequence[int],
    shard_rows: int,
    identity: dict[str, Any],
    provenance: dict[str, Any],
) -> PredictionPlan:
    """Plan one row per distinct sequence, the mean over the chosen bins of each track.

    Parameters
    ----------
    keys : sequence of str (n_windows,)
        Content of each window. Windows of different genes may be equal: they share a row.
    carriers : DataFrame
        ``gene_id, individual_id, haplotype, window``: window numbers as in ``keys``.
    identity : dict
        What the predictions depend on beside windows, tracks, bins and engine, which are added here.
    """
    first: dict[str, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    row_of_key = {key: row for row, key in enumerate(first)}
    representative = np.fromiter(first.values(), np.int64, len(first))
    row_of_window = np.array([row_of_key[key] for key in keys], np.int64)

    def predict_rows(rows: Sequence[int]) -> NDArray[np.float32]:
        chosen = representative[np.asarray(rows)].tolist()
        return reduce_bins(engine.predict(windows, chosen, tracks=tracks, bins=bins))

    identity = identity | {
        "engine": engine.name,
        "precision": "float32",
        "tracks": list(tracks),
        "bins": list(bins),
        "transform": "mean of coverage over the bins",
    }
    return PredictionPlan(
        keys=list(first),
        tracks=list(tracks),
        identity=identity,
        provenance=provenance,
        windows=carriers.assign(window=row_of_window[carriers["window"].to_numpy()]),
        shard_rows=shard_rows,
        predict_rows=predict_rows,
    )


def reduce_bins(predictions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over bins of coverage.

    Parameters
    ----------
    predictions : float32 (n_windows, n_bins, n_tracks)

    Returns
    -------
    float32 (n_windows, n_tracks)
        Summed in float64.
    """
    if predictions.shape[1] == 0:
        raise ValueError("no output bin given")
    return predictions.mean(axis=1, dtype=np.float64).astype(np.float32)
