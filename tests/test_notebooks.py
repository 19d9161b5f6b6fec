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

#: What single cells show of the demo, as text, in the order of the cells.
SHOWN = {
    "results.ipynb": ["(1099, (2, 16384, 4))"],
    # The threshold and the scores of the held-out people are those that the run has stored.
    "prs.ipynb": ["True", "True"],
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebook__runs_and_is_committed_without_output(demo_run, path: Path):
    made, _ = demo_run
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    folder = made.root / "notebooks"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    shown = [
        out for cell in notebook.cells for out in cell.get("outputs", []) if out["output_type"] == "execute_result"
    ]
    texts = [re.sub(r"\x1b\[[0-9;]*m", "", str(out["data"].get("text/plain"))) for out in shown]
    assert [text for text in texts if text in {*SHOWN[path.name], "False"}] == SHOWN[path.name]
    assert any("text/html" in out["data"] and "DEMOGENE" in out["data"]["text/html"] for out in shown)
    last = notebook.cells[-1]["outputs"]
    assert any("application/vnd.plotly.v1+json" in out.get("data", {}) for out in last)
