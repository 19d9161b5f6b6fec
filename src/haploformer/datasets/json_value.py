"""A JSON value, written whole or not at all."""

from __future__ import annotations

import json
from typing import Any

from kedro_datasets._typing import JSONPreview

from haploformer.datasets.base import PathDataset
from haploformer.formats.files import read_json, write_durably


class JsonDataset(PathDataset[Any, Any]):
    """One value, as ``json.JSONDataset`` stores it."""

    def save(self, data: Any) -> None:
        """Write the value."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self._path, json.dumps(data, indent=2).encode())

    def load(self) -> Any:
        """Read the value."""
        return read_json(self._path)

    def preview(self) -> JSONPreview:
        """The value."""
        return JSONPreview(json.dumps(self.load()))
