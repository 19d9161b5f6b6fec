"""Copies of the project to run in, and the embedded demo run once for all tests that look at what it makes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders.warm import WarmPython

PYTHON = WarmPython()

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "data" / "01_raw" / "demo"
SHARED = ROOT.parent / "shared"


@dataclass(frozen=True)
class Project:
    """A folder with the project's configuration and the demo's files, in which nothing has run yet."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "data" / "01_raw" / "demo"

    def outputs(self) -> list[Path]:
        """Every file under data/ that is no input."""
        data = self.root / "data"
        return sorted(p for p in data.rglob("*") if p.is_file() and data / "01_raw" not in p.parents)

    def kedro(self, *arguments: str, check: bool = True, warm: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``kedro`` with these arguments, as a user would; ``warm``: in a process that has imported its packages."""
        environment = os.environ | {"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
        if warm:
            result = PYTHON.run("kedro", arguments, cwd=self.root, environment=environment)
        else:
            command = [sys.executable, "-m", "kedro", *arguments]
            result = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True)
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
        return result


def copy_project(root: Path) -> Project:
    """The project in a new folder: configuration, sources and demo files, no output."""
    root.mkdir(parents=True, exist_ok=True)
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "conf", root / "conf")
    shutil.copytree(ROOT / "src" / "haploformer", root / "src" / "haploformer")
    shutil.copytree(DEMO, root / "data" / "01_raw" / "demo")
    return Project(root)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: whichever worker has the last file, the others wait for it."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the project."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """The demo, run from its files to the report, and what the run printed. Tests must not change it.

    One for all workers of pytest-xdist, whose folders lie side by side.
    """
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    folder = tmp_path_factory.mktemp("demo") if alone else tmp_path_factory.getbasetemp().parent / "demo"
    folder.mkdir(exist_ok=True)
    made, printed = Project(folder / "project"), folder / "printed.txt"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.is_file():
            copy_project(made.root)
            printed.write_text(made.kedro("run", warm=False).stdout)
    return made, printed.read_text()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real GEUVADIS data, where they are there."""
    folder = SHARED / "data" / "geuvadis_chr22"
    if not folder.is_dir():
        pytest.skip("the GEUVADIS data are not here: shared/data/geuvadis_chr22 beside the project")
    return folder
