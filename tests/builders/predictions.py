"""Plans of predictions whose every number is known without a network."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from haploformer.enformer.bins import KeptBins
from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.plan import Execution, PredictionPlan, plan_predictions

CENTRE_BINS = KeptBins("centre", (4, 5), 10)


class Interrupted(RuntimeError):
    """Stands for a killed process."""


def expected_rows(keys: Sequence[str], n_tracks: int = 3, *, seed: int = 0) -> np.ndarray:
    """The prediction of each window: numbers that its key alone decides."""
    rows = [np.random.default_rng([seed, *key.encode()]).gamma(2.0, size=n_tracks) for key in keys]
    return np.array(rows, np.float32).reshape(len(keys), n_tracks)


@dataclass
class FakeModel:
    """Predicts `expected_rows`, remembers what it was asked for, and can be killed."""

    seed: int = 0
    die_after: int | None = None
    calls: list[list[str]] = field(default_factory=list)

    @property
    def computed(self) -> list[str]:
        """Keys of all rows that were asked for."""
        return [key for call in self.calls for key in call]


def fake_plan(
    keys: Sequence[str],
    model: FakeModel,
    *,
    tracks: Sequence[int] = (4, 7, 9),
    shard_rows: int = 4,
    provenance: dict[str, Any] | None = None,
    **identity: Any,
) -> PredictionPlan:
    """One gene, the first window its reference, each other one carried by a person of its own."""
    people = pd.DataFrame(
        {
            "gene_id": "g",
            "individual_id": [None, *(f"P{i}" for i in range(1, len(keys)))],
            "haplotype": pd.array([pd.NA, *([0] * (len(keys) - 1))], dtype="Int64"),
            "window": np.arange(len(keys)),
        }
    )

    def predict_rows(rows: Sequence[int]) -> np.ndarray:
        if model.die_after is not None and len(model.calls) >= model.die_after:
            raise Interrupted
        model.calls.append([keys[row] for row in rows])
        return expected_rows([keys[row] for row in rows], len(tracks), seed=model.seed)

    return PredictionPlan(
        keys=list(keys),
        tracks=list(tracks),
        bins=CENTRE_BINS,
        identity={"weights": f"seed {model.seed}", "tracks": list(tracks)} | CENTRE_BINS.identity | identity,
        provenance=provenance or {"source": "made up"},
        windows=people,
        shard_rows=shard_rows,
        predict_rows=predict_rows,
    )


def with_rows(plan: PredictionPlan, rows: np.ndarray) -> PredictionPlan:
    """The plan with a model that predicts the given rows (n_rows, n_tracks)."""
    return replace(plan, predict_rows=lambda chosen: rows[np.asarray(chosen)])


@dataclass
class NumberEngine:
    """Predicts a window's number, and the bin's and track's as fractions.

    It ends its process, or its whole process group, at window ``dies_at``, as often as there is no file for each death in
    ``folder`` yet.
    """

    folder: Path | None = None
    dies_at: int | None = None
    deaths: int = 0
    whole_group: bool = False
    not_finite_at: int | None = None

    name = "numbers"
    precision = "float32"
    geometry = PRESETS["tiny"]
    facts: ClassVar[dict[str, Any]] = {}

    def __call__(self) -> NumberEngine:
        """Itself: what loads it in another process."""
        return self

    def predict(self, windows: Any, rows: Sequence[int], *, tracks: Sequence[int], bins: Sequence[int]) -> np.ndarray:
        if self.dies_at in rows and self.folder is not None and len(list(self.folder.iterdir())) < self.deaths:
            (self.folder / str(os.getpid())).touch()
            os.kill(-os.getpgid(0) if self.whole_group else os.getpid(), signal.SIGKILL)
        numbers, bin_, track = (np.asarray(x, np.float32) for x in (rows, bins, tracks))
        numbers = np.where(numbers == self.not_finite_at, np.nan, numbers).astype(np.float32)
        return numbers[:, None, None] + bin_[None, :, None] / 10 + track[None, None, :] / 1000


def number_plan(n: int = 18, *, execution: Execution | None = None, **engine: Any) -> PredictionPlan:
    """A plan by `NumberEngine`, of windows in shards of four."""
    people = pd.DataFrame(
        {
            "gene_id": "g",
            "individual_id": [None, *(f"P{i}" for i in range(1, n))],
            "haplotype": pd.array([pd.NA, *([0] * (n - 1))], dtype="Int64"),
            "window": np.arange(n),
        }
    )
    made = NumberEngine(**engine)
    return plan_predictions(
        made,
        None,
        [f"key{i}" for i in range(n)],
        people,
        tracks=[4, 7, 9],
        bins=CENTRE_BINS,
        shard_rows=4,
        identity={},
        provenance={"source": "made up"},
        load=made,
        execution=execution,
    )
