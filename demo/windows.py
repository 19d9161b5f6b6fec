"""Personal sequences round each TSS, by ``bcftools consensus``.

Each side is taken outward from the TSS: the haplotype's own sequence, with every variant that is met, until half a
window is collected. The TSS base so keeps its offset whatever indels a haplotype carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
import pysam.bcftools
from numpy.typing import NDArray

from demo.contigs import locate
from demo.genes import Gene
from demo.settings import MARGIN


@dataclass(frozen=True)
class PersonalWindows:
    """Distinct windows and who carries which.

    Attributes
    ----------
    sequences : list of str
        Upper case, each of the model's length; gene by gene, the reference window first.
    gene : int64 (n_windows,)
        Index of the gene of each sequence.
    reference : int64 (n_genes,)
        Row in ``sequences`` of each gene's reference window.
    carried : int64 (n_genes, n_people, 2)
        Row in ``sequences`` of each haplotype.
    """

    sequences: list[str]
    gene: NDArray[np.int64]
    reference: NDArray[np.int64]
    carried: NDArray[np.int64]

    def distinct_per_gene(self) -> NDArray[np.int64]:
        """Different sequences of people and reference, int64 (n_genes,)."""
        return np.bincount(self.gene, minlength=len(self.reference))


def build_windows(
    fasta: Path, vcf: Path, genes: Sequence[Gene], individuals: Sequence[str], *, window: int, scratch: Path
) -> PersonalWindows:
    """The windows of all people, both haplotypes, and of the reference.

    Parameters
    ----------
    fasta, vcf : Path
        The reference, indexed, and the phased genotypes, indexed.
    genes : sequence of Gene
    individuals : sequence of str
        Samples of the VCF.
    window : int
        Bases of a window; the TSS base has offset ``window // 2``.
    scratch : Path
        Folder for intermediate files.

    Returns
    -------
    PersonalWindows
    """
    sides = scratch / "sides.fa"
    sides.write_text(_fasta_of_sides(fasta, genes, half=window // 2))
    rows: list[dict[str, int]] = [{} for _ in genes]
    for known, sequence in zip(rows, _join_sides(sides, half=window // 2), strict=True):
        known[sequence] = 0
    carried = np.empty((len(genes), len(individuals), 2), dtype=np.int64)
    for person, individual in enumerate(individuals):
        for haplotype in (0, 1):
            personal = _consensus(vcf, sides, individual, haplotype, scratch / "consensus.fa")
            for gene, sequence in enumerate(_join_sides(personal, half=window // 2)):
                carried[gene, person, haplotype] = rows[gene].setdefault(sequence, len(rows[gene]))
    counts = np.array([len(known) for known in rows])
    first = np.cumsum(counts) - counts
    return PersonalWindows(
        sequences=[sequence for known in rows for sequence in known],
        gene=np.repeat(np.arange(len(genes)), counts),
        reference=first,
        carried=carried + first[:, None, None],
    )


def _fasta_of_sides(fasta: Path, genes: Sequence[Gene], *, half: int) -> str:
    """Two records a gene: what lies left of the TSS, and what lies from the TSS on, each with a margin outward."""
    reach = half + MARGIN
    with pysam.FastaFile(str(fasta)) as reference:
        return "".join(
            f">{contig}:{start + 1}-{end}\n{reference.fetch(contig, start, end)}\n"
            for contig, tss in (locate(gene.tss) for gene in genes)
            for start, end in ((tss - reach, tss), (tss, tss + reach))
        )


def _consensus(vcf: Path, sides: Path, individual: str, haplotype: int, out: Path) -> Path:
    """The alleles of one haplotype put into the sides; ``-H 1`` is the first allele of a genotype."""
    pysam.bcftools.consensus(
        "-s", individual, "-H", str(haplotype + 1), "-f", str(sides), "-o", str(out), str(vcf), catch_stdout=False
    )
    return out


def _join_sides(path: Path, *, half: int) -> list[str]:
    """Half a window left of the TSS and half from it on, for each gene in turn."""
    with pysam.FastxFile(str(path)) as records:
        sides = [record.sequence.upper() for record in records]
    left, right = sides[0::2], sides[1::2]
    assert all(len(side) >= half for side in sides), "a deletion is longer than the margin"
    return [before[-half:] + after[:half] for before, after in zip(left, right, strict=True)]
