"""What all datasets of the project share: a path, its description, and whether it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from kedro.io import AbstractDataset, DatasetError

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class PathDataset(AbstractDataset[Saved, Loaded], Generic[Saved, Loaded]):
    """A dataset that is one file or folder.

    Parameters
    ----------
    filepath : str
    metadata : dict, optional
        Not used by the dataset; Kedro-Viz reads the layer from it.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}

    def _exists(self) -> bool:
        return self._path.exists()


class InputFileDataset(PathDataset[NoReturn, Loaded], Generic[Loaded]):
    """A file that users bring and the project only reads."""

    def save(self, data: NoReturn) -> None:
        """Refuse: the file belongs to the user."""
        raise DatasetError(f"{self._path} is an input: nothing is written to it")
