"""Genotypes in PLINK2."""

from __future__ import annotations

from haploformer.datasets.genotype_file_set import GenotypeFileSetDataset
from haploformer.formats.plink2 import Plink2File


class Plink2Dataset(GenotypeFileSetDataset[Plink2File]):
    """A PLINK2 file set: .pgen, .pvar or .pvar.zst, .psam."""

    kind = "PLINK2"
    suffix = ".pgen"
    opener = Plink2File
