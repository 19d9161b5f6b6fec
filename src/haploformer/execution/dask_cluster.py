"""The shards of a plan on the workers of a Dask cluster.

Each worker loads the network once, predicts a shard, writes it, and returns what is to be recorded of it, never an array.
The manifest has one writer: the run that asked for them.
"""

from __future__ import annotations

import logging
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from haploformer.enformer.plan import PredictionPlan, RowRange, ShardStatus, compute_shard
from haploformer.errors import InputError
from haploformer.formats.prediction_store import PredictionStore

logger = logging.getLogger(__name__)

#: A shard on which so many workers have died stops the run.
DEATHS = 3

#: Seconds after which it is told, each time, that no worker has joined yet.
SECONDS_BETWEEN_LINES = 60.0

_SETTINGS = {
    "logging.distributed": "warning",
    "distributed.scheduler.allowed-failures": DEATHS - 1,
    # A worker is given one shard at a time: a death is that shard's.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.daemon": True,
    # Nothing to look at by HTTP.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
_NO_DASHBOARD = "127.0.0.1:0"


def run_on_dask(plan: PredictionPlan, store: PredictionStore) -> Iterator[ShardStatus]:
    """Like `haploformer.enformer.plan.run_plan`, on the cluster that the plan's execution names.

    The cluster's settings: ``address`` of a scheduler that is there, or ``kind`` (``local``, ``slurm``) of one that is made
    for the run, ``workers``, ``threads``, ``memory_gib`` and ``gpus`` of each; for SLURM ``queue``, ``account``,
    ``walltime`` and ``directives``. A cluster made for the run talks TLS with certificates of its own: nobody else on these
    machines can give it work.

    Raises
    ------
    InputError
        If Dask is not installed, the cluster cannot be reached, SLURM refuses or loses all jobs, or three workers have died
        on one shard.
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
            client = _connect(settings, stack, shared=store.path.parent)
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


def _connect(settings: Mapping[str, Any], stack: ExitStack, *, shared: Path) -> Any:
    address = settings.get("address")
    try:
        import dask

        # Some are read when the other is imported.
        stack.enter_context(dask.config.set(_SETTINGS))
        from distributed import Client

        cluster = address or stack.enter_context(_make_cluster(settings, _make_certificates(shared, stack)))
        client = stack.enter_context(Client(cluster, timeout=settings.get("timeout", 30)))
    except ImportError as error:
        raise InputError(
            "parameters:execution.executor", f"dask is not installed ({error})", "pip install 'haploformer[dask]'"
        ) from error
    except InputError:
        raise
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            "parameters:execution.cluster",
            f"no connection to {address or settings['kind']} ({error})",
            "check that the scheduler is running, and its address",
        ) from error
    logger.info("Dask: %s", address or f"{settings['workers']} workers ({settings['kind']})")
    if not address and settings["kind"] == "slurm":
        _wait_for_jobs(client, cluster)
    return client


def _make_certificates(shared: Path, stack: ExitStack) -> Any:
    """For TLS, in a folder that every worker sees and that only its owner may read; removed with the cluster."""
    from distributed import Security

    folder = Path(stack.enter_context(TemporaryDirectory(prefix=".dask-", dir=shared)))
    made = Security.temporary()
    names = [
        "tls_ca_file",
        *(f"tls_{role}_{of}" for role in ("client", "scheduler", "worker") for of in ("cert", "key")),
    ]
    for name in names:
        (folder / name).write_text(getattr(made, name))
    return Security(require_encryption=True, **{name: str(folder / name) for name in names})


def _make_cluster(settings: Mapping[str, Any], security: Any) -> Any:
    if settings["kind"] == "slurm":
        return _make_slurm_cluster(settings, security)
    from distributed import LocalCluster

    threads, memory = settings["threads"], settings.get("memory_gib")
    return LocalCluster(
        n_workers=settings["workers"],
        threads_per_worker=1,
        memory_limit=f"{memory}GiB" if memory else 0,
        host="127.0.0.1",
        protocol="tls://",
        security=security,
        dashboard_address=None,
        resources={"GPU": settings["gpus"]} if settings.get("gpus") else None,
        env={"OMP_NUM_THREADS": str(threads)},
    )


def _make_slurm_cluster(settings: Mapping[str, Any], security: Any) -> Any:
    from dask_jobqueue import SLURMCluster

    gpus = settings.get("gpus")
    directives = list(settings.get("directives") or ())
    walltime = settings.get("walltime")
    cluster = SLURMCluster(
        queue=settings.get("queue"),
        account=settings.get("account"),
        walltime=walltime,
        # Without a time, dask-jobqueue would ask for half an hour.
        job_directives_skip=[] if walltime else ["#SBATCH -t "],
        cores=1,
        job_cpu=settings["threads"],
        processes=1,
        memory=f"{settings.get('memory_gib') or 8}GiB",
        job_extra_directives=[*directives, *([f"--gres=gpu:{gpus}"] if gpus else [])],
        worker_extra_args=[
            *("--no-dashboard", "--dashboard-address", _NO_DASHBOARD),
            *(["--resources", f"GPU={gpus}"] if gpus else []),
        ],
        job_script_prologue=[f"export OMP_NUM_THREADS={settings['threads']}"],
        scheduler_options={"dashboard": False, "dashboard_address": _NO_DASHBOARD},
        protocol="tls://",
        security=security,
    )
    try:
        _require_accepted(cluster.job_script())
    except InputError:
        cluster.close()
        raise
    # Unlike `scale`, this replaces a job that has ended: killed, or out of time.
    cluster.adapt(minimum_jobs=settings["workers"], maximum_jobs=settings["workers"])
    return cluster


def _require_accepted(script: str) -> None:
    """SLURM would take the job: what is refused later is told to nobody."""
    try:
        subprocess.run(["sbatch", "--test-only"], input=script, capture_output=True, text=True, check=True)  # noqa: S607
    except FileNotFoundError as error:
        raise InputError(
            "parameters:execution.cluster.kind", "there is no sbatch here", "run where SLURM's commands are"
        ) from error
    except subprocess.CalledProcessError as error:
        raise InputError(
            "parameters:execution.cluster",
            f"SLURM refuses a worker's job ({' '.join(error.stderr.split())})",
            "correct queue, account, walltime, memory_gib, gpus or directives",
        ) from error


def _wait_for_jobs(client: Any, cluster: Any) -> None:
    """Wait until a worker has joined; a queue may be long."""
    while True:
        try:
            client.wait_for_workers(1, timeout=SECONDS_BETWEEN_LINES)
            return
        except TimeoutError:
            jobs = [job.job_id for job in cluster.workers.values() if job.job_id]
        if jobs and _have_ended(jobs):
            raise InputError(
                "parameters:execution.cluster",
                f"no worker has joined, and the jobs {', '.join(jobs)} have ended",
                "see their logs: a node may lack the project's folder, or not reach this machine",
            )
        logger.warning("Dask: no worker has joined yet; squeue shows the jobs")


def _have_ended(jobs: list[str]) -> bool:
    command = ["squeue", "--me", "--noheader", "--format=%i"]
    found = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - a fixed command
    return found.returncode == 0 and set(jobs).isdisjoint(found.stdout.split())
