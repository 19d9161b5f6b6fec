"""The real data in memory: few enough people and variants for a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.plink1 import PlinkFile
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.intervals import whole_contig

PLINK = "genotypes/geuvadis343.hm3.chr22_16-22Mb"
FASTA = "reference/chr22_1-22000000.hg19.fa.gz"
EXPRESSION = "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz"


def read_geuvadis(folder: Path) -> Genotypes:
    """All 2,184 variants of all 343 people."""
    plink = PlinkFile(folder / PLINK)
    batches = list(plink.read([whole_contig("22")], plink.sample_ids, FastaReference(folder / FASTA)))
    records = pd.concat([batch.genotypes.records for batch in batches], ignore_index=True)
    alleles = np.concatenate([np.asarray(batch.genotypes.alleles) for batch in batches])
    return Genotypes(records, batches[0].genotypes.individual_ids, alleles)


def read_expression(folder: Path, individual_ids: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Genes, and their expression (n_genes, n_individuals) in these people."""
    bed = read_expression_bed(folder / EXPRESSION)
    place = {name: i for i, name in enumerate(bed.individual_ids)}
    return bed.genes, bed.values[:, [place[name] for name in individual_ids]]
