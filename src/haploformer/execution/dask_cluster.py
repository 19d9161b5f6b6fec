"""The shards of a plan on the workers of a Dask cluster.

Each worker loads the network once, predicts a shard, writes it, and returns what is to be recorded of it, never an array.
The manifest has one writer: the run that asked for them.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import torch

from haploformer.enformer.plan import PredictionPlan, RowRange, ShardStatus, compute_shard
from haploformer.errors import InputError
from haploformer.formats.prediction_store import PredictionStore

logger = logging.getLogger(__name__)

#: A shard on which so many workers have died stops the run.
DEATHS = 3

_SETTINGS = {
    "logging.distributed": "warning",
    "distributed.scheduler.allowed-failures": DEATHS - 1,
    # A worker is given one shard at a time: a death is that shard's.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.daemon": True,
}


def run_on_dask(plan: PredictionPlan, store: PredictionStore) -> Iterator[ShardStatus]:
    """Like `haploformer.enformer.plan.run_plan`, on the cluster that the plan's execution names.

    The cluster's settings: ``address`` of a scheduler that is there, or ``kind`` (``local``, ``slurm``) of one that is made
    for the run, ``workers``, ``threads``, ``memory_gib`` and ``gpus`` of each; for SLURM ``queue``, ``account``,
    ``walltime`` and ``directives``.

    Raises
    ------
    InputError
        If Dask is not installed, the cluster cannot be reached, or three workers have died on one shard.
    """
    settings = plan.execution.cluster
    with ExitStack() as stack:
        missing = []
        for shard in plan.execution.chosen(plan.shards()):
            if store.is_done(shard):
                yield ShardStatus(shard)
            else:
                missing.append(shard)
        if missing:
            client = _connect(settings, stack)
            yield from _compute(client, store, missing, settings)


def _compute(
    client: Any, store: PredictionStore, shards: list[RowRange], settings: Mapping[str, Any]
) -> Iterator[ShardStatus]:
    from distributed import KilledWorker, as_completed

    resources = {"GPU": settings["gpus"]} if settings.get("gpus") else None
    # A task, not scattered data: where the worker that holds it dies, another one gets it again.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sending large graph")
        held = client.submit(_hold, store, pure=False)
    shard_of = {
        client.submit(
            _compute_shard,
            held,
            shard,
            settings["threads"],
            pure=False,
            key=f"shard-{shard.index}",
            resources=resources,
        ): shard
        for shard in shards
    }
    try:
        for future in as_completed(shard_of):
            shard = shard_of[future]
            error = future.exception()
            if isinstance(error, KilledWorker):
                raise InputError(
                    f"{store.path}:shard {shard.index}",
                    f"{DEATHS} workers have died on windows {shard.start} to {shard.stop - 1}",
                    "give workers more memory (execution.cluster.memory_gib), or smaller shards (enformer.shard_windows)",
                ) from error
            if error is not None:
                raise error
            status = future.result()
            store.record(status.entry)
            yield status
    finally:
        client.cancel([held, *shard_of])


def _hold(store: PredictionStore) -> PredictionStore:
    return store


def _compute_shard(store: PredictionStore, shard: RowRange, threads: int) -> ShardStatus:
    torch.set_num_threads(threads)
    return compute_shard(store.plan, store, shard)


def _connect(settings: Mapping[str, Any], stack: ExitStack) -> Any:
    try:
        import dask

        # Some are read when the other is imported.
        stack.enter_context(dask.config.set(_SETTINGS))
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "parameters:execution.executor", "dask is not installed", "pip install 'haploformer[dask]'"
        ) from error
    address = settings.get("address")
    try:
        cluster = address or stack.enter_context(_make_cluster(settings))
        client = stack.enter_context(Client(cluster, timeout=settings.get("timeout", 30)))
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            "parameters:execution.cluster",
            f"no connection to {address or settings['kind']} ({error})",
            "check that the scheduler is running, and its address",
        ) from error
    logger.info("Dask: %s", address or f"{settings['workers']} workers ({settings['kind']})")
    return client


def _make_cluster(settings: Mapping[str, Any]) -> Any:
    threads, memory = settings["threads"], settings.get("memory_gib")
    if settings["kind"] == "slurm":
        return _make_slurm_cluster(settings)
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=settings["workers"],
        threads_per_worker=1,
        memory_limit=f"{memory}GiB" if memory else 0,
        host="127.0.0.1",
        dashboard_address=None,
        resources={"GPU": settings["gpus"]} if settings.get("gpus") else None,
        env={"OMP_NUM_THREADS": str(threads)},
    )


def _make_slurm_cluster(settings: Mapping[str, Any]) -> Any:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise InputError(
            "parameters:execution.cluster.kind", "dask-jobqueue is not installed", "pip install 'haploformer[dask]'"
        ) from error
    gpus = settings.get("gpus")
    directives = list(settings.get("directives") or ())
    cluster = SLURMCluster(
        queue=settings.get("queue"),
        account=settings.get("account"),
        walltime=settings.get("walltime"),
        cores=1,
        job_cpu=settings["threads"],
        processes=1,
        memory=f"{settings.get('memory_gib') or 8}GiB",
        job_extra_directives=[*directives, *([f"--gres=gpu:{gpus}"] if gpus else [])],
        worker_extra_args=["--resources", f"GPU={gpus}"] if gpus else [],
        job_script_prologue=[f"export OMP_NUM_THREADS={settings['threads']}"],
    )
    cluster.scale(jobs=settings["workers"])
    return cluster
