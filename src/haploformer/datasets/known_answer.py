"""What simulated data are known to hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import JSONPreview

from haploformer.formats.known_answer import KnownAnswer, read_known_answer


class KnownAnswerDataset(AbstractDataset[NoReturn, KnownAnswer | None]):
    """The known answer of a data set, or None where there is none.

    Parameters
    ----------
    filepath : str or None
        Null for real data.
    """

    #: What the file is.
    kind = "known answer"

    def __init__(self, *, filepath: str | None, metadata: dict[str, Any] | None = None) -> None:
        self._path = None if filepath is None else Path(filepath)
        self.metadata = metadata

    def load(self) -> KnownAnswer | None:
        """Read the intervals and the truth."""
        return None if self._path is None else read_known_answer(self._path)

    def files(self) -> list[Path]:
        """The file that names the truth; none for real data."""
        return [] if self._path is None else [self._path]

    def save(self, data: NoReturn) -> None:
        """Refuse: the file belongs to the data."""
        raise DatasetError(f"{self._path} is an input: nothing is written to it")

    def preview(self) -> JSONPreview:
        """The expected intervals."""
        answer = self.load()
        return JSONPreview(json.dumps(None if answer is None else answer.expected))

    def _exists(self) -> bool:
        return self._path is None or self._path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
