"""Haplotype windows by ``bcftools consensus`` (bcftools 1.24 inside pysam), the TSS pinned by cutting at it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pysam
import pysam.bcftools


def consensus_window(
    fasta: Path, vcf: Path, sample: str, haplotype: int, *, contig: str, tss: int, length: int, margin: int = 200
) -> str:
    """The window of one haplotype: each side of the TSS is a consensus of its own, cut to half the length.

    Records must not lie across the TSS. What lies off the contig, and every letter but A C G T, is N.
    """
    with pysam.FastaFile(str(fasta)) as reference:
        end_of_contig = reference.get_reference_length(contig)
        half = length // 2
        left = (max(tss - half - margin, 0), tss)
        right = (tss, min(tss + half + margin, end_of_contig))
        sides = [
            _consensus(reference.fetch(contig, start, end), vcf, sample, haplotype, contig=contig, start=start)
            for start, end in (left, right)
        ]
    upstream = sides[0][-half:].rjust(half, "N")
    downstream = sides[1][: length - half].ljust(length - half, "N")
    return "".join(base if base in "ACGT" else "N" for base in (upstream + downstream).upper())


def _consensus(bases: str, vcf: Path, sample: str, haplotype: int, *, contig: str, start: int) -> str:
    if not bases:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "region.fa"
        source.write_text(f">{contig}:{start + 1}-{start + len(bases)}\n{bases}\n")
        text = pysam.bcftools.consensus(
            "-f", str(source), "-s", sample, "-H", str(haplotype + 1), str(vcf), catch_stdout=True
        )
    return "".join(text.split("\n")[1:])
