"""From a plan to a finished store."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from haploformer.enformer.plan import PredictionPlan, RowPredictor, ShardStatus, run_plan
from haploformer.errors import one_line
from haploformer.execution.plan_table import measure_plan
from haploformer.execution.progress import RunProgress, remove_part_statuses
from haploformer.formats.prediction_store import PredictionStore

logger = logging.getLogger(__name__)


def fill_store(path: Path, plan: PredictionPlan) -> None:
    """Compute and store what is not there yet, and publish the store, unless the plan's execution is a part of it.

    After an interruption the shards that are recorded are not computed again.
    """
    with PredictionStore(path, plan) as store:
        if not store.is_finished() and isinstance(plan.predict_rows, RowPredictor):
            logger.info("The plan of this run:\n%s", measure_plan(plan, store).describe())
        with RunProgress(path, plan) as progress:
            for status in _run(plan, store):
                progress.add(status)
            if not plan.execution.is_part:
                # Still under way: where this fails, the status says so.
                store.finish()
        if plan.execution.is_part:
            logger.info(
                "part %s is done: %d of all %d shards are stored; when all are, a run without shard_index publishes them",
                *(plan.execution.name, store.n_done(), len(plan.shards())),
            )
        else:
            remove_part_statuses(path)
            if facts := store.facts:
                told = one_line(", ".join(f"{name} {value:.3g}" for name, value in facts.items()))
                logger.info("The engine %s measured: %s", plan.identity.get("engine"), told)


def _run(plan: PredictionPlan, store: PredictionStore) -> Iterator[ShardStatus]:
    if plan.execution.executor == "dask":
        from haploformer.execution.dask_cluster import run_on_dask

        return run_on_dask(plan, store)
    return run_plan(plan, store)
