"""The obvious ways, one person and gene at a time: pyfaidx and cyvcf2, and ``bcftools consensus``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pysam
import pysam.bcftools
from cyvcf2 import VCF
from pyfaidx import Fasta

from benchmarks.files import CONTIG, WINDOW, CohortFiles, sample_id


def time_sample(
    build: Callable[[CohortFiles, int, int], tuple[str, str]], files: CohortFiles, pairs: list[tuple[int, int]]
) -> float:
    """Windows per second over some (gene, person), two windows each."""
    began = time.perf_counter()
    for gene, person in pairs:
        build(files, gene, person)
    return 2 * len(pairs) / (time.perf_counter() - began)


class Loop:
    """pyfaidx and cyvcf2, the files opened once; a person's bases and records are read anew for each gene.

    Parameters
    ----------
    one_sample : bool
        Open the VCF again for each person, for that sample alone; else each record's genotypes are those of everybody,
        as cyvcf2 hands them out, and the person's are picked.
    """

    def __init__(self, *, one_sample: bool) -> None:
        self.one_sample = one_sample
        self._vcfs: dict[int | None, Any] = {}
        self._fasta: Any = None

    def __call__(self, files: CohortFiles, gene: int, person: int) -> tuple[str, str]:
        """The two haplotypes of one person, from the window's first base on."""
        self._fasta = self._fasta or Fasta(str(files.fasta), as_raw=True)
        start = files.tss[gene] - WINDOW // 2
        bases = self._fasta[CONTIG][start : start + WINDOW]
        found: list[list[tuple[int, str, str]]] = [[], []]
        for record in self._vcf(files, person)(f"{CONTIG}:{start + 1}-{start + WINDOW}"):
            calls = record.genotypes[0 if self.one_sample else person]
            for edits, allele in zip(found, calls[:2], strict=True):
                if allele:
                    edits.append((record.POS - 1 - start, record.REF, record.ALT[allele - 1]))
        first, second = (_apply(bases, edits) for edits in found)
        return first, second

    def _vcf(self, files: CohortFiles, person: int) -> Any:
        key = person if self.one_sample else None
        if key not in self._vcfs:
            chosen = {"samples": [sample_id(person)]} if self.one_sample else {}
            self._vcfs = {key: VCF(str(files.vcf), gts012=False, **chosen)}
        return self._vcfs[key]


def _apply(bases: str, edits: list[tuple[int, str, str]]) -> str:
    parts, cursor = [], 0
    for place, ref, alt in edits:
        parts += [bases[cursor:place], alt]
        cursor = place + len(ref)
    return "".join([*parts, bases[cursor:]])


def bcftools(files: CohortFiles, gene: int, person: int) -> tuple[str, str]:
    """The two haplotypes of one person by ``bcftools consensus``, from the first base of the window on."""
    region = files.folder / f"region_{gene}.fa"
    if not region.exists():
        start = files.tss[gene] - WINDOW // 2
        with pysam.FastaFile(str(files.plain_fasta)) as reference:
            bases = reference.fetch(CONTIG, start, start + WINDOW)
        region.write_text(f">{CONTIG}:{start + 1}-{start + WINDOW}\n{bases}\n")
    first, second = (
        pysam.bcftools.consensus(
            *("-f", str(region), "-s", sample_id(person), "-H", str(haplotype), str(files.vcf)), catch_stdout=True
        )
        for haplotype in (1, 2)
    )
    return first.partition("\n")[2].replace("\n", ""), second.partition("\n")[2].replace("\n", "")
