"""The figures of a run, all at once, and their images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import DatasetError

from haploformer.datasets.base import PathDataset
from haploformer.formats.files import write_durably


class FigureFolderDataset(PathDataset[NoReturn, dict[str, Any]]):
    """Every figure that lies in a folder, by name; written one by one elsewhere."""

    def load(self) -> dict[str, Any]:
        """Read all figures."""
        from plotly.io import from_json

        return {path.stem: from_json(path.read_text(encoding="utf-8")) for path in self._files()}

    def save(self, data: NoReturn) -> None:
        """Refuse: each figure has a dataset of its own."""
        raise DatasetError(f"{self._path} holds the figures of a run: nothing is written to it as a whole")

    def _files(self) -> list[Path]:
        return sorted(self._path.glob("*.json"))

    def _exists(self) -> bool:
        return bool(self._files())


class ImageFolderDataset(PathDataset[dict[str, bytes], list[str]]):
    """Images in a folder, which may hold other files."""

    def save(self, data: dict[str, bytes]) -> None:
        """Write each image, whole or not at all."""
        self._path.mkdir(parents=True, exist_ok=True)
        for name, content in data.items():
            write_durably(self._path / name, content)

    def load(self) -> list[str]:
        """Names of the images that are there."""
        return [path.name for path in self._files()]

    def _files(self) -> list[Path]:
        return sorted(path for kind in ("png", "svg") for path in self._path.glob(f"*.{kind}"))

    def _exists(self) -> bool:
        return bool(self._files())
