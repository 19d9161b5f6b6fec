"""Our side: from the genotype store to the bases of every distinct window, and who carries it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.arguments import parse
from benchmarks.files import CONTIG, WINDOW, CohortFiles
from benchmarks.rounds import Side, run
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import GenotypeStream, read_genotypes, write_genotypes
from haploformer.formats.vcf import VcfFile
from haploformer.genome.encoding import decode
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import GeneHaplotypes, collect_gene_haplotypes
from haploformer.genome.intervals import Interval, merge_intervals
from haploformer.genome.windows import tss_window

#: Bases beyond each window that are read too, as `data_prep.margin` has it.
MARGIN = 10_000

#: Windows built at a time, at most.
MAX_BATCH = 16


@dataclass
class Opened:
    """The store, the reference, the TSS of each gene, and where windows are built."""

    genotypes: Genotypes
    reference: FastaReference
    tss: list[int]
    buffer: NDArray[np.uint8]

    def collect(self, gene: int) -> GeneHaplotypes:
        """The distinct haplotypes of a gene."""
        tss = self.tss[gene]
        window = tss_window(CONTIG, tss, WINDOW)
        return collect_gene_haplotypes(self.genotypes, self.reference, window, tss, max_missing=0.0)


def prepare(files: CohortFiles) -> float:
    """Seconds to read the VCF into our store."""
    began = time.perf_counter()
    intervals = merge_intervals(
        Interval(CONTIG, max(start - MARGIN, 0), end + MARGIN)
        for _, start, end in (tss_window(CONTIG, tss, WINDOW) for tss in files.tss)
    )
    vcf = VcfFile(files.vcf)
    vcf.check()
    people = vcf.sample_ids
    batches = vcf.read(intervals, people, FastaReference(files.fasta))
    write_genotypes(GenotypeStream(batches, people, {"source": vcf.name}, tuple(intervals)), files.folder / "store")
    return time.perf_counter() - began


def open_store(files: CohortFiles, threads: int) -> Opened:
    """What was prepared; alleles stay on disk. One thread is used, of however many."""
    buffer = np.empty((MAX_BATCH, WINDOW), np.uint8)
    return Opened(read_genotypes(files.folder / "store").genotypes, FastaReference(files.fasta), files.tss, buffer)


def build(opened: Opened, gene: int, batch: int) -> NDArray[np.int64]:
    """Every distinct window of a gene, as base codes; gives the window of each person and haplotype."""
    found = opened.collect(gene)
    for rows in batches_of(len(found), batch):
        found.codes(rows, out=opened.buffer)
    return found.window


def batches_of(n: int, batch: int) -> list[Sequence[int]]:
    """The numbers below ``n``, some at a time."""
    return [range(start, min(start + batch, n)) for start in range(0, n, batch)]


def sequence(opened: Opened, gene: int, person: int, haplotype: int) -> str:
    """Letters of one person's window."""
    found = opened.collect(gene)
    return decode(found.codes([int(found.window[person, haplotype])])[0])


SIDE = Side(open_store, build, sequence)

if __name__ == "__main__":
    options = parse(sys.argv[1:])
    if options.prepare:
        print(prepare(options.files))
    else:
        run(SIDE, options.files, **options.measurement)
