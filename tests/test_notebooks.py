"""The notebooks run from top to bottom on the finished demo."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

#: What each notebook shows of the demo: texts of single cells in their order, and what stands in one of its tables.
SHOWN = {
    "results.ipynb": (["(1099, (2, 16384, 4))"], "DEMOGENE1"),
    # The threshold and the scores of the held-out people are those that the run has stored.
    "prs.ipynb": (["True", "True"], "DEMOGENE"),
    "variant_effects.ipynb": (["('DEMOGENE3', 153, 721)"], "tissue_mean"),
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebook__runs_and_is_committed_without_output(demo_run, tmp_path: Path, path: Path):
    made, _ = demo_run
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    # It may run a pipeline: the finished demo itself stays as it is.
    root = tmp_path / "project"
    shutil.copytree(made.root, root, symlinks=True)
    folder = root / "notebooks"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    shown = [
        out for cell in notebook.cells for out in cell.get("outputs", []) if out["output_type"] == "execute_result"
    ]
    texts = [re.sub(r"\x1b\[[0-9;]*m", "", str(out["data"].get("text/plain"))) for out in shown]
    expected, in_a_table = SHOWN[path.name]
    assert [text for text in texts if text in {*expected, "False"}] == expected
    assert any("text/html" in out["data"] and in_a_table in out["data"]["text/html"] for out in shown)
    last = notebook.cells[-1]["outputs"]
    assert any("application/vnd.plotly.v1+json" in out.get("data", {}) for out in last)
