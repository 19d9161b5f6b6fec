"""Shards on the workers of a cluster: the same bytes, whoever dies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from haploformer.enformer.plan import Execution
from haploformer.errors import InputError
from haploformer.execution import dask_cluster
from haploformer.execution.fill import fill_store
from haploformer.formats.stored_predictions import predictions_exist
from tests.builders.predictions import number_plan

pytest.importorskip("distributed", reason="Dask is not installed")

CLUSTER = {"address": None, "kind": "local", "workers": 2, "threads": 1, "memory_gib": None, "gpus": 0}
DASK = Execution("dask", cluster=CLUSTER)
SLURM = Execution("dask", cluster=CLUSTER | {"kind": "slurm", "memory_gib": 1, "directives": ("--comment=made",)})


def files(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


@pytest.fixture
def unbroken(tmp_path: Path) -> dict[str, bytes]:
    fill_store(tmp_path / "unbroken.zarr", number_plan())
    return files(tmp_path / "unbroken.zarr")


@pytest.fixture
def deaths(tmp_path: Path) -> Path:
    """A file for each worker that has died."""
    (tmp_path / "deaths").mkdir()
    return tmp_path / "deaths"


def test_run_on_dask__a_worker_dies_and_the_store_is_the_same(tmp_path, deaths, unbroken):
    store = tmp_path / "store.zarr"
    fill_store(store, number_plan(execution=DASK, folder=deaths, dies_at=9, deaths=2))
    assert len(list(deaths.iterdir())) == 2
    assert files(store) == unbroken


def test_run_on_dask__three_deaths_name_the_shard_and_a_later_run_goes_on(tmp_path, deaths, unbroken):
    store = tmp_path / "store.zarr"
    with pytest.raises(InputError, match=r"store.zarr:shard 2: 3 workers have died on windows 8 to 11; give workers"):
        fill_store(store, number_plan(execution=DASK, folder=deaths, dies_at=9, deaths=9))
    assert len(list(deaths.iterdir())) == 3
    assert not predictions_exist(store)
    fill_store(store, number_plan())
    assert files(store) == unbroken


def test_run_on_dask__what_a_worker_refuses_is_told(tmp_path):
    with pytest.raises(InputError, match=r"window 5 .*not finite"):
        fill_store(tmp_path / "store.zarr", number_plan(execution=DASK, not_finite_at=5))


def test_run_on_dask__a_scheduler_that_is_not_there(tmp_path):
    nowhere = replace(DASK, cluster=CLUSTER | {"address": "tcp://127.0.0.1:9", "timeout": 0.5})
    with pytest.raises(InputError, match=r"cluster: no connection to tcp://127.0.0.1:9 .*check that the scheduler"):
        fill_store(tmp_path / "store.zarr", number_plan(execution=nowhere))


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SLURM's commands as far as they are used: jobs start at once, each in a process group of its own.

    The folder holds the script of each job; a file ``refuse`` or ``lose`` in it makes SLURM do so.
    """
    folder = tmp_path / "slurm"
    folder.mkdir()
    commands = {
        "sbatch": f"""
            if [ "$1" = --test-only ]; then
                [ -e {folder}/refuse ] || exit 0
                echo "sbatch: error: invalid partition" >&2
                exit 1
            fi
            cp "$1" {folder}/$$.sh
            [ -e {folder}/lose ] || setsid sh {folder}/$$.sh >{folder}/$$.log 2>&1 &
            echo "Submitted batch job $!"
            """,
        "scancel": "kill -- -$1",
        "squeue": "exit 0",
    }
    for name, text in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def test_run_on_dask__slurm_a_job_is_killed_and_the_store_is_the_same(tmp_path, slurm, deaths, unbroken):
    import dask

    store = tmp_path / "store.zarr"
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1s"}):
        one = replace(SLURM, cluster=SLURM.cluster | {"workers": 1, "walltime": "00:10:00"})
        fill_store(store, number_plan(execution=one, folder=deaths, dies_at=9, deaths=1, whole_group=True))
    assert len(list(deaths.iterdir())) == 1
    assert files(store) == unbroken
    # The first job, and the one that took its place.
    first, _ = [path.read_text() for path in slurm.glob("*.sh")]
    asked = {line for line in first.splitlines() if line.startswith("#SBATCH")}
    assert asked >= {f"#SBATCH {of}" for of in ("-t 00:10:00", "--cpus-per-task=1", "--mem=1G", "--comment=made")}
    # Nobody else can talk to the workers, and nothing of that is left.
    assert "tls://" in first
    assert not list(tmp_path.glob(".dask*"))


def test_run_on_dask__slurm_refuses(tmp_path, slurm):
    (slurm / "refuse").touch()
    with pytest.raises(InputError, match=r"cluster: SLURM refuses a worker's job \(sbatch: error: invalid partition\)"):
        fill_store(tmp_path / "store.zarr", number_plan(execution=SLURM))
    assert not list(slurm.glob("*.sh"))


def test_run_on_dask__slurm_loses_the_jobs(tmp_path, slurm, monkeypatch):
    monkeypatch.setattr(dask_cluster, "SECONDS_BETWEEN_LINES", 0.5)
    (slurm / "lose").touch()
    with pytest.raises(InputError, match=r"cluster: no worker has joined, and the jobs .* have ended; see their logs"):
        fill_store(tmp_path / "store.zarr", number_plan(execution=SLURM))


def test_run_on_dask__there_is_no_slurm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="kind: there is no sbatch here"):
        fill_store(tmp_path / "store.zarr", number_plan(execution=SLURM))
