"""Genotypes in PLINK1."""

from __future__ import annotations

import json
from pathlib import Path

from kedro_datasets._typing import JSONPreview

from haploformer.datasets.base import PeopleFileDataset, only_one
from haploformer.formats.plink1 import PlinkFile


class PlinkDataset(PeopleFileDataset[PlinkFile]):
    """A PLINK1 file set (.bed, .bim, .fam), loaded as a handle that reads variants on demand.

    The path may hold ``*`` in its last part, with or without the suffix: exactly one .bed must fit.
    """

    def load(self) -> PlinkFile:
        """Open the files and check that they belong together."""
        path = only_one(self._path, self._fitting()) if "*" in self._path.name else self._path
        plink = PlinkFile(path, individual_of=self._ids().individual_of)
        plink.check()
        return plink

    def _fitting(self) -> list[Path]:
        name = self._path.name.removesuffix(".bed")
        return sorted(self._path.parent.glob(f"{name}.bed"))

    def _is_there(self) -> bool:
        return bool(self._fitting()) if "*" in self._path.name else PlinkFile(self._path).exists()

    def preview(self) -> JSONPreview:
        """Number of people and the first few."""
        samples = self.load().sample_ids
        return JSONPreview(json.dumps({"files": self._path.name, "people": len(samples), "first": samples[:5]}))
