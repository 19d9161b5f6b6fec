"""The work of predicting all distinct windows, cut into shards that are computed and stored one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.enformer.bins import KeptBins
from haploformer.enformer.engine import InferenceEngine, Windows
from haploformer.errors import InputError

#: Bytes of coverage that are held, or stored as one shard, at once: what bounds the memory when every bin is kept.
MAX_BYTES_AT_ONCE = 2**28


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
    bins : KeptBins
        What a row holds of each track.
    identity : dict
        All that a row depends on beside its window: weights, geometry, engine, precision, tracks, bins, transform,
        code version. JSON values.
    provenance : dict
        Further facts stored with the predictions. JSON values.
    windows : DataFrame
        Which row is whose, in column ``window``; the others say whose: ``gene_id, individual_id, haplotype`` of each
        chromosome copy (the last two null for the reference window), or ``sequence``.
    shard_rows : int
    predict_rows : callable
        Row numbers -> float32 (n, *row_shape).
    facts : callable
        What was measured by the last of these calls, stored with the shard. JSON values.
    """

    keys: list[str]
    tracks: list[int]
    bins: KeptBins
    identity: dict[str, Any]
    provenance: dict[str, Any]
    windows: pd.DataFrame
    shard_rows: int
    predict_rows: Callable[[Sequence[int]], NDArray[np.float32]]
    facts: Callable[[], dict[str, Any]] = dict

    @property
    def row_shape(self) -> tuple[int, ...]:
        """(n_tracks,), or (n_bins, n_tracks) where bins are kept apart."""
        return self.bins.row_shape(len(self.tracks))

    def shards(self) -> list[RowRange]:
        """All shards in order."""
        n, size = len(self.keys), self.shard_rows
        return [RowRange(i, start, min(start + size, n)) for i, start in enumerate(range(0, n, size))]


def combine_facts(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What was measured of several parts together: whole numbers are summed, others (errors, limits) the largest."""
    combined: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            before = combined.get(name, 0)
            combined[name] = before + value if isinstance(value, int) else max(before, value)
    return combined


class ShardStore(Protocol):
    """Where the rows of a plan go."""

    def is_done(self, shard: RowRange) -> bool:
        """Whether the shard is stored, whole and computed from what the plan asks for."""
        ...

    @property
    def known_facts(self) -> dict[str, Any]:
        """What was measured of the predictions that an earlier store holds."""
        ...

    def known_row(self, key: str) -> NDArray[np.float32] | None:
        """The prediction of a window that an earlier store holds, if any."""
        ...

    def write(self, shard: RowRange, rows: NDArray[np.float32], facts: dict[str, Any]) -> None:
        """Store a shard durably, and what was measured of it."""
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
            store.write(shard, *_shard_rows(plan, store, shard))
        yield shard.stop - shard.start


def _shard_rows(plan: PredictionPlan, store: ShardStore, shard: RowRange) -> tuple[NDArray[np.float32], dict[str, Any]]:
    rows = np.full((shard.stop - shard.start, *plan.row_shape), np.nan, np.float32)
    missing = []
    for i in range(shard.start, shard.stop):
        known = store.known_row(plan.keys[i])
        if known is None:
            missing.append(i)
        else:
            rows[i - shard.start] = known
    facts = store.known_facts if len(missing) < shard.stop - shard.start else {}
    if missing:
        rows[np.asarray(missing) - shard.start] = plan.predict_rows(missing)
        facts = combine_facts([facts, plan.facts()])
    finite = np.isfinite(rows).reshape(len(rows), -1).all(1)
    if not finite.all():
        bad = shard.start + int(np.flatnonzero(~finite)[0])
        whose = plan.windows.columns[0]
        names = plan.windows[whose][plan.windows["window"] == bad]
        raise InputError(
            f"predictions:window {bad}" + (f" ({whose.removesuffix('_id')} {names.iloc[0]})" if len(names) else ""),
            "the prediction is not finite",
            "check the weights: a weight may be NaN or too large",
        )
    return rows, facts


def plan_predictions(
    engine: InferenceEngine,
    windows: Windows,
    keys: Sequence[str],
    carriers: pd.DataFrame,
    *,
    tracks: Sequence[int],
    bins: KeptBins,
    shard_rows: int,
    identity: dict[str, Any],
    provenance: dict[str, Any],
) -> PredictionPlan:
    """Plan one row per distinct sequence.

    Parameters
    ----------
    keys : sequence of str (n_windows,)
        Content of each window. Windows of different genes may be equal: they share a row.
    carriers : DataFrame
        Whose each window is, and in the last column ``window`` its number as in ``keys``.
    shard_rows : int
        At most; fewer where a shard would be larger than `MAX_BYTES_AT_ONCE`.
    identity : dict
        What the predictions depend on beside windows, tracks, bins and engine, which are added here.
    """
    first: dict[str, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    row_of_key = {key: row for row, key in enumerate(first)}
    representative = np.fromiter(first.values(), np.int64, len(first))
    row_of_window = np.array([row_of_key[key] for key in keys], np.int64)

    at_once = max(1, MAX_BYTES_AT_ONCE // (4 * len(bins.wanted) * len(tracks)))

    measured: dict[str, Any] = {}

    def predict_rows(rows: Sequence[int]) -> NDArray[np.float32]:
        chosen = representative[np.asarray(rows)].tolist()
        parts, facts = [], []
        for start in range(0, len(chosen), at_once):
            coverage = engine.predict(windows, chosen[start : start + at_once], tracks=tracks, bins=bins.wanted)
            parts.append(bins.reduce(coverage))
            facts.append(engine.facts)
        measured.clear()
        measured.update(combine_facts(facts))
        return np.concatenate(parts)

    identity = identity | {
        "engine": engine.name,
        "precision": engine.precision,
        "tracks": list(tracks),
        **bins.identity,
    }
    return PredictionPlan(
        keys=list(first),
        tracks=list(tracks),
        bins=bins,
        identity=identity,
        provenance=provenance,
        windows=carriers.assign(window=row_of_window[carriers["window"].to_numpy()]),
        shard_rows=min(shard_rows, max(1, MAX_BYTES_AT_ONCE // (4 * bins.n_stored * len(tracks)))),
        predict_rows=predict_rows,
        facts=measured.copy,
    )
