"""What the datasets of PLINK's file sets share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Generic, TypeVar

from kedro_datasets._typing import JSONPreview

from haploformer.datasets.base import PeopleFileDataset
from haploformer.formats.plink1 import PlinkFile
from haploformer.formats.plink2 import Plink2File

Files = TypeVar("Files", PlinkFile, Plink2File)


class GenotypeFileSetDataset(PeopleFileDataset[Files], Generic[Files]):
    """Genotypes in files of one name, loaded as a handle that reads variants on demand.

    The path is one of the files, or their name without a suffix. It may hold ``*`` in its last part: exactly one file
    with `suffix` must fit.
    """

    #: The file that stands for the set, and what opens it.
    suffix: str
    opener: type[Files]

    def load(self) -> Files:
        """Open the files and check that they are whole and belong together."""
        files = self.opener(self._file, individual_of=self._ids().individual_of)
        files.check()
        return files

    def files(self) -> list[Path]:
        """The files of the set."""
        return self.opener(self._file).files

    def _fitting(self) -> list[Path]:
        return sorted(self._path.parent.glob(f"{self._path.name.removesuffix(self.suffix)}{self.suffix}"))

    def _is_there(self) -> bool:
        return bool(self._fitting()) if "*" in self._path.name else self.opener(self._path).exists()

    def preview(self) -> JSONPreview:
        """Number of people and the first few."""
        samples = self.load().sample_ids
        return JSONPreview(json.dumps({"files": self._path.name, "people": len(samples), "first": samples[:5]}))
