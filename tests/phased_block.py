"""Every haplotype of the real phased block by our path and by ``bcftools consensus``, its indels and overlaps included.

    python -m tests.phased_block FOLDER

FOLDER holds ``phased_block/`` and ``reference/`` of the GEUVADIS data (README, "GEUVADIS, chromosome 22").
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pysam.bcftools

from haploformer.formats.fasta import FastaReference
from haploformer.formats.vcf import VcfFile
from haploformer.genome.encoding import decode
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval, whole_contig

#: All of the block, 0-based: 1,988 records, of which one deletes 17 kb.
START, END = 17_673_400, 17_797_100
TSS = 17_735_000


def compare_people(folder: Path, every: int = 1) -> tuple[int, int, int]:
    """Haplotypes of every n-th person: how many were compared, how many carry an indel, and how many differ."""
    vcf = VcfFile(folder / "phased_block/1000Gphase1_1092.chr22_phased.vcf.gz")
    reference = FastaReference(folder / "reference/chr22_1-22000000.hg19.fa.gz")
    people = vcf.sample_ids[::every]
    parts = [batch.genotypes for batch in vcf.read([whole_contig("22")], people, reference)]
    genotypes = Genotypes(
        pd.concat([part.records for part in parts], ignore_index=True),
        people,
        np.concatenate([np.asarray(part.alleles[slice(None)]) for part in parts]),
    )
    # So wide that all of the block is in it whatever is inserted; as it reaches beyond, the block's own part is cut out.
    window = Interval("22", START - 40_000, END + 40_000)
    found = collect_gene_haplotypes(genotypes, reference, window, TSS, max_missing=0.0)
    n = with_indels = different = 0
    with tempfile.TemporaryDirectory() as temporary:
        fasta = Path(temporary) / "block.fa"
        with pysam.FastaFile(str(reference.path)) as source:
            bases = source.fetch("22", START, END).upper()
        fasta.write_text(f">22:{START + 1}-{END}\n{bases}\n")
        for i, person in enumerate(people):
            for copy in (0, 1):
                row = int(found.window[i, copy])
                growth = [(len(alt) - (end - start), start < TSS) for start, end, alt in found.edits(row)]
                before = sum(grown for grown, left in growth if left)
                first = START - window.start - before
                length = END - START + sum(grown for grown, _ in growth)
                ours = decode(found.codes([row])[0][first : first + length])
                text = pysam.bcftools.consensus(
                    "-f", str(fasta), "-s", person, "-H", str(copy + 1), str(vcf.path), catch_stdout=True
                )
                different += ours != "".join(text.split("\n")[1:])
                with_indels += any(grown for grown, _ in growth)
                n += 1
    return n, with_indels, different


def main() -> int:
    """Compare everybody; 0 if no haplotype differs."""
    began = time.perf_counter()
    n, with_indels, different = compare_people(Path(sys.argv[1]))
    seconds = time.perf_counter() - began
    print(f"{n:,} haplotypes ({with_indels:,} with indels) in {seconds:.0f} s, {different} differ")  # noqa: T201
    return min(different, 1)


if __name__ == "__main__":
    sys.exit(main())
