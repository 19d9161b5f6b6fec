"""A page of HTML."""

from __future__ import annotations

from haploformer.datasets.base import PathDataset
from haploformer.formats.files import write_durably


class HtmlDataset(PathDataset[str, str]):
    """Text of a page, written whole or not at all."""

    def save(self, data: str) -> None:
        """Write the page."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self._path, data.encode("utf-8"))

    def load(self) -> str:
        """Read the page."""
        return self._path.read_text(encoding="utf-8")
