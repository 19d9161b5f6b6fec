"""Windows of single variants."""

from __future__ import annotations

from kedro_datasets._typing import TablePreview

from haploformer.datasets.base import PathDataset
from haploformer.datasets.previews import table_preview
from haploformer.formats.edited_windows import edited_windows_exist, read_edited_windows, write_edited_windows
from haploformer.genome.variant_windows import EditedWindows


class EditedWindowsDataset(PathDataset[EditedWindows, EditedWindows]):
    """Reference bases and edits on disk; loaded as a handle that builds one-hot tensors when asked for."""

    def save(self, data: EditedWindows) -> None:
        """Write the store; it is there whole or not at all."""
        write_edited_windows(data, self._path)

    def load(self) -> EditedWindows:
        """Open the store."""
        return read_edited_windows(self._path)

    def _exists(self) -> bool:
        return edited_windows_exist(self._path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """What the first windows are."""
        return table_preview(self.load().table, nrows)
