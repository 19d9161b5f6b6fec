"""The work of predicting all distinct windows, cut into shards that are computed and stored one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

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

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Execution:
    """Where the shards of a plan are computed.

    Attributes
    ----------
    executor : str
        ``local``: one after the other in this process. ``dask``: by the workers of a cluster.
    shard_index, shard_count : int, optional
        Of ``shard_count`` runs beside each other, which one this is: it computes every ``shard_count``-th shard.
    cluster : dict
        What the cluster is made of; see `haploformer.execution.dask_cluster`.
    """

    executor: Literal["local", "dask"] = "local"
    shard_index: int | None = None
    shard_count: int | None = None
    cluster: dict[str, Any] = field(default_factory=dict)

    @property
    def is_part(self) -> bool:
        """Whether this run computes a part of the shards only."""
        return self.shard_count is not None

    def chosen(self, shards: Sequence[RowRange]) -> list[RowRange]:
        """The shards that this run is to compute."""
        return list(shards) if self.shard_count is None else list(shards[self.shard_index :: self.shard_count])

    @property
    def name(self) -> str | None:
        """``2-of-4``; None where the run computes everything."""
        return f"{self.shard_index}-of-{self.shard_count}" if self.is_part else None


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
    execution : Execution
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
    execution: Execution = Execution()

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


@dataclass(frozen=True)
class ShardStatus:
    """A shard that is stored.

    Attributes
    ----------
    shard : RowRange
    n_computed : int
        Rows that were predicted now; the others were there already.
    entry : dict, optional
        What the store is to record of it, JSON values; None where it was done before.
    """

    shard: RowRange
    n_computed: int = 0
    entry: dict[str, Any] | None = None


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

    def write(self, shard: RowRange, rows: NDArray[np.float32], facts: dict[str, Any]) -> dict[str, Any]:
        """Write a shard durably, with what was measured of it; what is to be recorded of it. JSON values."""
        ...

    def record(self, entry: dict[str, Any]) -> None:
        """Record, durably, that a shard is written: from now on it is done."""
        ...


def run_plan(plan: PredictionPlan, store: ShardStore) -> Iterator[ShardStatus]:
    """Compute what the store does not have yet, shard by shard, of those that the plan's execution chooses.

    Yields
    ------
    ShardStatus
        Of every chosen shard, those found in the store included.

    Raises
    ------
    InputError
        If a prediction is not finite; it is not stored.
    """
    for shard in plan.execution.chosen(plan.shards()):
        if store.is_done(shard):
            yield ShardStatus(shard)
            continue
        status = compute_shard(plan, store, shard)
        assert status.entry is not None
        store.record(status.entry)
        yield status


def compute_shard(plan: PredictionPlan, store: ShardStore, shard: RowRange) -> ShardStatus:
    """Predict and write one shard; it is not recorded yet."""
    rows, facts, n_computed = _shard_rows(plan, store, shard)
    return ShardStatus(shard, n_computed, store.write(shard, rows, facts))


def _shard_rows(
    plan: PredictionPlan, store: ShardStore, shard: RowRange
) -> tuple[NDArray[np.float32], dict[str, Any], int]:
    rows = np.full((len(shard), *plan.row_shape), np.nan, np.float32)
    missing = []
    for i in range(shard.start, shard.stop):
        known = store.known_row(plan.keys[i])
        if known is None:
            missing.append(i)
        else:
            rows[i - shard.start] = known
    facts = store.known_facts if len(missing) < len(shard) else {}
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
    return rows, facts, len(missing)


class RowPredictor:
    """Predicts rows of a plan. Another process that it is sent to loads the network for itself.

    Parameters
    ----------
    engine : InferenceEngine
    load : callable, optional
        Gives that engine in another process, where it can be pickled.
    windows : Windows
    representative : int64 (n_rows,)
        A window of each row.
    tracks : sequence of int
    bins : KeptBins
    """

    def __init__(
        self,
        engine: InferenceEngine,
        load: Callable[[], InferenceEngine] | None,
        windows: Windows,
        representative: NDArray[np.int64],
        *,
        tracks: Sequence[int],
        bins: KeptBins,
    ) -> None:
        self._engine: InferenceEngine | None = engine
        self._load = load
        self.windows = windows
        self.representative = representative
        self.tracks = tracks
        self.bins = bins
        self._measured: dict[str, Any] = {}

    @property
    def engine(self) -> InferenceEngine:
        """The engine, loaded where it is not here yet."""
        if self._engine is None:
            assert self._load is not None, "the engine cannot be sent to another process"
            self._engine = self._load()
        return self._engine

    def __call__(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Coverage of some rows, float32 (n_rows, *row_shape)."""
        chosen = self.representative[np.asarray(rows)].tolist()
        at_once = max(1, MAX_BYTES_AT_ONCE // (4 * len(self.bins.wanted) * len(self.tracks)))
        parts, facts = [], []
        for start in range(0, len(chosen), at_once):
            part = chosen[start : start + at_once]
            coverage = self.engine.predict(self.windows, part, tracks=self.tracks, bins=self.bins.wanted)
            parts.append(self.bins.reduce(coverage))
            facts.append(self.engine.facts)
        self._measured = combine_facts(facts)
        return np.concatenate(parts)

    def facts(self) -> dict[str, Any]:
        """What the engine measured in the last call."""
        return self._measured

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_engine": None}


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
    load: Callable[[], InferenceEngine] | None = None,
    execution: Execution | None = None,
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
    load : callable, optional
        Gives the engine in another process.
    execution : Execution, optional
        This process, one shard after the other, if not given.
    """
    first: dict[str, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    row_of_key = {key: row for row, key in enumerate(first)}
    representative = np.fromiter(first.values(), np.int64, len(first))
    row_of_window = np.array([row_of_key[key] for key in keys], np.int64)

    predictor = RowPredictor(engine, load, windows, representative, tracks=tracks, bins=bins)
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
        predict_rows=predictor,
        facts=predictor.facts,
        execution=execution or Execution(),
    )
