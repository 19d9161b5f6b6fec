"""``python -m kedro`` without its imports: a process that has done those of other people's packages forks for each run.

The run is a process of its own: its folder, environment, standard streams and end are those that it is given. The
project's own modules, and those of Kedro's framework, which read the folder's settings, are imported anew in each.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: What runs import; none of them reads anything of the folder that it is imported in.
PACKAGES = (
    *("pandas", "pyarrow.parquet", "pandera.pandas", "pydantic", "omegaconf", "click", "rich.console", "dynaconf"),
    *("scipy.stats", "scipy.optimize", "sklearn.linear_model", "torch", "enformer_pytorch", "safetensors.torch"),
    *("plotly.graph_objects", "plotly.io", "jinja2", "zarr", "xarray", "cyvcf2", "pyfaidx", "cookiecutter.main"),
)

#: Those must not be there before the run: the first reads the folder's logging, the second is the project.
_ANEW = ("kedro.framework.project", "haploformer")


class WarmPython:
    """The process that forks. It ends with the one that made it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(
        self, module: str, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """What ``python -m module`` prints and ends with."""
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "tests.builders.warm"]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            own = os.environ | {"HF_HUB_OFFLINE": "1"}
            self._process = subprocess.Popen(command, cwd=ROOT, env=own, text=True, **pipes)
        with tempfile.TemporaryDirectory() as folder:
            streams = [str(Path(folder) / name) for name in ("stdout", "stderr")]
            request = {"module": module, "arguments": list(arguments), "cwd": str(cwd), "streams": streams}
            self._process.stdin.write(json.dumps(request | {"environment": dict(environment)}) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            if not answer:
                raise RuntimeError("the process that forks has ended")
            printed = [Path(stream).read_text() for stream in streams]
        return subprocess.CompletedProcess([module, *arguments], int(answer), *printed)


def _wait_for_run() -> dict:
    """The next run, in a process of its own; the one that forks stays here, and says what each has ended with."""
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            return json.loads(line)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
    sys.exit()


def _become(request: dict) -> None:
    """Take on the folder, environment and standard streams of the run."""
    inputs = os.open(os.devnull, os.O_RDONLY)
    outputs = [os.open(path, os.O_WRONLY | os.O_CREAT, 0o600) for path in request["streams"]]
    for number, descriptor in enumerate([inputs, *outputs]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    # As ``python -m`` has it.
    sys.path[0] = request["cwd"]
    sys.argv = [request["module"], *request["arguments"]]


def main() -> None:
    """Import, then run what is asked for."""
    for package in PACKAGES:
        importlib.import_module(package)
    early = [name for name in sys.modules if name.startswith(_ANEW)]
    if early:
        raise RuntimeError(f"imported before the run: {early}")
    # What is there already is looked at by no collection of the run: its pages stay shared.
    gc.collect()
    gc.freeze()
    request = _wait_for_run()
    _become(request)
    code = 0
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
            code = 1
    # To take all packages down one by one takes longer than many a run.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
