"""A run may be killed at any moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.killed_runs import run_harness


def test_killed_runs__a_rerun_completes_to_the_same_bytes(tmp_path):
    # In a process of its own: forks of one that has many threads may wait for ever.
    code = f"from tests.test_killed_runs import kill; kill({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def kill(folder: str) -> None:
    killed = run_harness(Path(folder), times=9, seed=1, n_genes=2)
    assert {one.way for one in killed} == {"moment", "file", "torn line"}
    assert all(one.same and one.n_twice <= 1 for one in killed), killed
    assert any(not one.survived for one in killed)
