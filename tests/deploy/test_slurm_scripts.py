"""The scripts for SLURM: sound, of pipelines and parameters that exist. Under a real SLURM: deploy/slurm/one_node.sh."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from haploformer.parameters import GROUPS, SHORTCUTS
from haploformer.pipeline_registry import register_pipelines
from tests.conftest import ROOT

SCRIPTS = sorted((ROOT / "deploy" / "slurm").glob("*.sh"))
TEXTS = [*SCRIPTS, ROOT / "deploy" / "README.md"]


def exists(parameter: str) -> bool:
    first, *others = parameter.split(".")
    if not others:
        return first in SHORTCUTS
    model = GROUPS.get(first)
    for name in others:
        if model is None or name not in getattr(model, "model_fields", {}):
            return False
        model = model.model_fields[name].annotation
    return True


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts__are_bash(script):
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not here (requirements/debian.txt)")
def test_scripts__have_nothing_that_shellcheck_knows():
    done = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_scripts__name_pipelines_that_exist():
    named = {
        name
        for path in TEXTS
        for found in re.findall(r"(?:--pipelines|step\.sh \"\$environment\") ([a-z_]+(?:,[a-z_]+)*)", path.read_text())
        for name in found.split(",")
    }
    assert named >= {"data_prep", "sequence_build", "enformer_shards", "enformer_inference"}
    assert named <= set(register_pipelines())


def test_scripts__name_parameters_that_exist():
    named = {
        name
        for path in TEXTS
        for name in re.findall(r"\b((?:shard_index|shard_count|executor|run_name|[a-z]+\.[a-z_.]+))=", path.read_text())
    } - {"glibc.malloc.hugetlb"}
    assert named >= {"shard_index", "shard_count", "executor", "execution.cluster.kind", "execution.cluster.workers"}
    assert [name for name in sorted(named) if not exists(name)] == []
    assert not exists("execution.cluster.kinds")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """``sbatch`` and ``kedro`` that tell how they were called; the first job is number 101."""
    log = tmp_path / "calls"
    log.touch()
    for name, answer in {"sbatch": f"echo $((100 + $(grep -c ^sbatch {log})))", "kedro": "true"}.items():
        words = f'printf "%s " {name} "$@" "threads=$OMP_NUM_THREADS" >>{log}; echo >>{log}'
        (tmp_path / name).write_text(f"#!/bin/bash\n{words}\n{answer}\n")
        (tmp_path / name).chmod(0o755)
    made = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_"))}
    return made | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HAPLOFORMER_KEDRO": str(tmp_path / "kedro")}


def call(environment: dict[str, str], script: str, *arguments: str) -> tuple[str, list[str]]:
    """What the script printed, and what it called."""
    path = ROOT / "deploy" / "slurm" / script
    done = subprocess.run([path, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    calls = Path(environment["HAPLOFORMER_KEDRO"]).with_name("calls").read_text().splitlines()
    return done.stdout, [call.replace("deploy/slurm/", "").rsplit(" threads=", 1)[0] for call in calls]


def test_submit__prepare_then_the_array_then_publish(environment):
    printed, calls = call(
        environment, "submit.sh", "geuvadis", "4", "enformer.preset=full", "--gres=gpu:1", "--mem=16G"
    )
    job = "sbatch --parsable --kill-on-invalid-dep=yes"
    assert calls == [
        f"{job} step.sh geuvadis data_prep,sequence_build enformer.preset=full",
        f"{job} --array=0-3 --dependency=afterok:101 --gres=gpu:1 --mem=16G array_task.sh geuvadis 4 enformer.preset=full",
        f"{job} --dependency=afterok:102 step.sh geuvadis enformer_inference enformer.preset=full",
    ]
    assert printed.splitlines() == ["prepare: job 101", "array: job 102", "publish: job 103"]


def test_submit__single_tasks_again(environment):
    _, calls = call(environment, "submit.sh", "--only", "1,3", "geuvadis", "4")
    assert len(calls) == 2
    assert " --array=1,3 array_task.sh geuvadis 4" in calls[0]
    assert " --dependency=afterok:101 step.sh geuvadis enformer_inference" in calls[1]


@pytest.mark.parametrize("arguments", [[], ["geuvadis"], ["geuvadis", "many"], ["geuvadis", "0"]])
def test_submit__without_what_it_needs_it_says_how_to_call_it(environment, arguments):
    done = subprocess.run(
        [ROOT / "deploy" / "slurm" / "submit.sh", *arguments], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "submit.sh [--only INDICES] ENVIRONMENT TASKS [PARAMS] [SBATCH OPTION ...]" in done.stderr


def test_array_task__its_index_is_its_part(environment):
    task = environment | {"SLURM_ARRAY_TASK_ID": "2", "SLURM_CPUS_PER_TASK": "3"}
    _, calls = call(task, "array_task.sh", "local", "4", "run_name=first")
    expected = "kedro run --env local --pipelines enformer_shards --params shard_index=2,shard_count=4,run_name=first"
    assert calls == [expected]
    assert "threads=3" in (Path(environment["HAPLOFORMER_KEDRO"]).with_name("calls")).read_text()
    assert call(task, "array_task.sh", "local", "4")[1][-1].endswith("shard_index=2,shard_count=4")


def test_dask__prepares_and_predicts_on_workers(environment):
    _, calls = call(environment, "dask.sh", "local", "3", "execution.cluster.threads=2")
    cluster = "executor=dask,execution.cluster.kind=slurm,execution.cluster.workers=3,execution.cluster.threads=2"
    assert calls == [
        "kedro run --env local --pipelines data_prep,sequence_build --params execution.cluster.threads=2",
        f"kedro run --env local --pipelines enformer_inference --params {cluster}",
    ]
