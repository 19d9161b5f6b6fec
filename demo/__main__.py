"""``python -m demo FOLDER``: write the demo and print what it is."""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

from demo.checks import cis_counts
from demo.contigs import locate
from demo.generate import Report, generate
from demo.settings import CIS_FLANK, PRESET
from haploformer.enformer.geometry import PRESETS


def main() -> None:
    """Read the folder from the command line, generate, print."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Write Haploformer's embedded demo.")
    parser.add_argument("folder", type=Path, help="where the files go, e.g. data/01_raw/demo")
    folder = parser.parse_args().folder
    begun = perf_counter()
    report = generate(folder)
    print_report(report)
    print(f"{perf_counter() - begun:.0f} s")


def print_report(report: Report) -> None:
    """One line a gene, then totals and sizes."""
    genome, prediction = report.genome, report.prediction
    in_cis = cis_counts(genome.variants, genome.genes, flank=CIS_FLANK)
    in_window = cis_counts(genome.variants, genome.genes, flank=PRESETS[PRESET].window // 2)
    distinct = prediction.windows.distinct_per_gene()
    print(f"{'gene':20} strand {'tss':>10}   cis window distinct       sd  sd/error")
    for i, gene in enumerate(genome.genes):
        tss = "{}:{}".format(*locate(gene.tss))
        print(
            f"{gene.gene_id:20} {gene.strand:>6} {tss:>10} {in_cis[i]:5d} {in_window[i]:6d} {distinct[i]:8d} "
            f"{prediction.sd[i]:8.5f} {prediction.sd[i] / prediction.error:9.0f}"
        )
    classes = ", ".join(f"{n} {name}s" for name, n in sorted(genome.variants.classes().items()))
    print(f"{len(genome.variants)} variants: {classes}")
    print(
        f"{distinct.sum()} distinct windows, median {int(sorted(distinct)[len(distinct) // 2])}, most {distinct.max()}"
    )
    print(f"error of float32: {prediction.error:.1e}")
    for name, size in report.sizes.items():
        print(f"{size:9d} {name}")
    print(f"{sum(report.sizes.values()):9d} in {len(report.sizes)} files")


if __name__ == "__main__":
    main()
