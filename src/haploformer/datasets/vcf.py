"""Genotypes in VCF or BCF."""

from __future__ import annotations

import json

from kedro_datasets._typing import JSONPreview

from haploformer.datasets.base import PeopleFileDataset
from haploformer.formats.vcf import VcfFile


class VcfDataset(PeopleFileDataset[VcfFile]):
    """A VCF or BCF, loaded as a handle that reads records on demand."""

    kind = "VCF or BCF"

    def load(self) -> VcfFile:
        """Open the file and check its header and its end."""
        vcf = VcfFile(self._file, individual_of=self._ids().individual_of)
        vcf.check()
        return vcf

    def preview(self) -> JSONPreview:
        """Number of samples and the first few."""
        samples = self.load().sample_ids
        return JSONPreview(json.dumps({"file": self._path.name, "samples": len(samples), "first": samples[:5]}))
