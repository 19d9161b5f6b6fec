"""Plotly figures as JSON, written whole or not at all."""

from __future__ import annotations

import json
from typing import Any

from kedro_datasets._typing import PlotlyPreview

from haploformer.datasets.base import PathDataset
from haploformer.formats.files import write_durably


class FigureDataset(PathDataset[Any, Any]):
    """One figure, as ``plotly.JSONDataset`` stores it."""

    def save(self, data: Any) -> None:
        """Write the figure."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self._path, data.to_json().encode())

    def load(self) -> Any:
        """Read the figure."""
        from plotly.io import from_json

        return from_json(self._path.read_text(encoding="utf-8"))

    def preview(self) -> PlotlyPreview:
        """The figure."""
        return PlotlyPreview(json.loads(self._path.read_text(encoding="utf-8")))
