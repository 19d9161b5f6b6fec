"""Shards on the workers of a cluster: the same bytes, whoever dies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from haploformer.enformer.plan import Execution
from haploformer.errors import InputError
from haploformer.execution.fill import fill_store
from haploformer.formats.prediction_store import predictions_exist
from tests.builders.predictions import number_plan

pytest.importorskip("distributed", reason="Dask is not installed")

CLUSTER = {"address": None, "kind": "local", "workers": 2, "threads": 1, "memory_gib": None, "gpus": 0}
DASK = Execution("dask", cluster=CLUSTER)


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
