"""Measurements in processes of their own, and the machine that they run on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def call(command: list[str]) -> str:
    """What a process prints; its complaints if it fails."""
    # One thread each for linear algebra: the cores are shared out by processes.
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return done.stdout


def machine() -> dict[str, Any]:
    """Cores and processor."""
    models = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {"cores": len(os.sched_getaffinity(0)), "cpu": models[0] if models else platform.processor()}
