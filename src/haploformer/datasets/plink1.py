"""Genotypes in PLINK1."""

from __future__ import annotations

from haploformer.datasets.genotype_file_set import GenotypeFileSetDataset
from haploformer.formats.plink1 import PlinkFile


class PlinkDataset(GenotypeFileSetDataset[PlinkFile]):
    """A PLINK1 file set: .bed, .bim, .fam."""

    kind = "PLINK1"
    suffix = ".bed"
    opener = PlinkFile
