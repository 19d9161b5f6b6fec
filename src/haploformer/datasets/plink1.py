"""Genotypes in PLINK1."""

from __future__ import annotations

import json

from kedro_datasets._typing import JSONPreview

from haploformer.datasets.base import InputFileDataset
from haploformer.formats.plink1 import PlinkFile


class PlinkDataset(InputFileDataset[PlinkFile]):
    """A PLINK1 file set (.bed, .bim, .fam), loaded as a handle that reads variants on demand."""

    def load(self) -> PlinkFile:
        """Open the files and check that they belong together."""
        plink = PlinkFile(self._path)
        plink.check()
        return plink

    def _exists(self) -> bool:
        return PlinkFile(self._path).exists()

    def preview(self) -> JSONPreview:
        """Number of people and the first few."""
        samples = self.load().sample_ids
        return JSONPreview(json.dumps({"files": self._path.name, "people": len(samples), "first": samples[:5]}))
