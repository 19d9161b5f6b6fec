"""Where the genes lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.contigs import LENGTH, OFFSETS
from demo.settings import FIRST_TSS, N_GENES, TSS_JITTER, TSS_SPACING

MIN_GENE_LENGTH, MAX_GENE_LENGTH = 2_000, 30_000


@dataclass(frozen=True)
class Gene:
    """A gene.

    Attributes
    ----------
    gene_id, name : str
        The id has a version, as in GENCODE.
    tss : int
        Place of the transcription start.
    strand : str
        ``+`` or ``-``.
    start, end : int
        Gene body, half-open, on one contig; ``tss`` is ``start`` on the plus strand and ``end - 1`` on the minus strand.
    """

    gene_id: str
    name: str
    tss: int
    strand: str
    start: int
    end: int


def make_genes(rng: np.random.Generator) -> list[Gene]:
    """Genes about 60 kb apart, half of them on each strand, in the order of their TSS."""
    strands = rng.permutation(["+", "-"] * (N_GENES // 2))
    jitter = rng.integers(-TSS_JITTER, TSS_JITTER + 1, N_GENES)
    lengths = rng.integers(MIN_GENE_LENGTH, MAX_GENE_LENGTH + 1, N_GENES)
    versions = rng.integers(1, 15, N_GENES)
    genes = []
    for i in range(N_GENES):
        tss = FIRST_TSS + i * TSS_SPACING + int(jitter[i])
        forward = strands[i] == "+"
        first = max(offset for offset in OFFSETS.values() if offset <= tss)
        last = min(offset for offset in (*OFFSETS.values(), LENGTH) if offset > tss)
        start = tss if forward else max(first, tss + 1 - int(lengths[i]))
        end = min(last, tss + int(lengths[i])) if forward else tss + 1
        genes.append(Gene(f"ENSD{i + 1:011d}.{versions[i]}", f"DEMOGENE{i + 1}", tss, str(strands[i]), start, end))
    return genes
