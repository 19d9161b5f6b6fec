"""Random haplotypes by our path and by ``bcftools consensus``: how many differ.

    python -m tests.random_haplotypes --haplotypes 1000000 --windows 10000 --seed 0

Each batch is a VCF of many small contigs with every kind of variant and call that both know: SNPs, MNPs, insertions,
deletions, several ALT alleles, overlaps, calls that are phased, unphased, missing, half missing or haploid. Haplotypes are
compared as whole contigs; windows as the crop of what bcftools makes of either side of the TSS, on both strands, with
variants over their edges. What ends the process: 0 if none differs, 1 otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pysam.bcftools

from haploformer.formats.vcf import VcfFile
from haploformer.genome.encoding import decode
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval, whole_contig
from tests.builders.genome import Cohort, MemoryReference, Record, random_sequence, vcf_text

SAMPLES = [f"S{i}" for i in range(16)]
BASES = list("ACGT")


@dataclass(frozen=True)
class Difference:
    """A haplotype on which the two disagree."""

    contig: str
    sample: str
    haplotype: int
    ours: str
    theirs: str


def random_records(sequence: str, contig: str, rng: np.random.Generator, *, avoid: int | None = None) -> list[Record]:
    """Records in file order, overlapping ones among them; none across the base ``avoid``."""
    haploid = rng.random(len(SAMPLES)) < 0.1
    records = []
    for pos in np.sort(rng.integers(1, len(sequence), rng.integers(1, 14))).tolist():
        kind = rng.choice(["snp", "snp", "mnp", "insertion", "deletion", "multi"])
        size = int(rng.integers(1, 7))
        ref = sequence[pos - 1 : pos - 1 + {"mnp": 1 + size, "deletion": 1 + size}.get(kind, 1)]
        if len(ref) == 1 and kind in {"mnp", "deletion"}:
            kind = "snp"
        if avoid is not None and pos - 1 < avoid < pos - 1 + len(ref):
            continue
        alts = _alts(kind, ref, size, rng)
        calls = [_call(len(alts), lone, rng) for lone in haploid]
        records.append(Record(pos, ref, ",".join(alts), calls, contig))
    return _without_twins(records)


def _alts(kind: str, ref: str, size: int, rng: np.random.Generator) -> list[str]:
    others = [base for base in BASES if base != ref[0]]
    if kind == "deletion":
        return [ref[0]]
    if kind == "insertion":
        return [ref + random_sequence(size, rng)]
    if kind == "mnp":
        return ["".join(rng.choice([b for b in BASES if b != base]) for base in ref)]
    if kind == "multi":
        return [*rng.choice(others, 2, replace=False).tolist(), ref + random_sequence(size, rng)]
    return [str(rng.choice(others))]


def _call(n_alts: int, haploid: bool, rng: np.random.Generator) -> str:
    first, second = ("." if rng.random() < 0.05 else str(rng.integers(0, n_alts + 1)) for _ in range(2))
    return first if haploid else first + str(rng.choice(["|", "/"])) + second


def _without_twins(records: list[Record]) -> list[Record]:
    """The same POS, REF and ALT again, with other calls, is refused: only the first is kept."""
    seen: dict[tuple[int, str, str], Record] = {}
    for record in records:
        seen.setdefault((record.pos, record.ref, record.alt), record)
    return list(seen.values())


def read_all(folder: Path, sequences: dict[str, str], records: list[Record]) -> tuple[Path, Genotypes]:
    """The VCF, indexed for bcftools, and what our reader makes of it."""
    path = folder / "g.vcf.gz"
    text = vcf_text(Cohort(SAMPLES, records), {name: len(sequence) for name, sequence in sequences.items()})
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(text.encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    reference = MemoryReference(sequences)
    carrying = list(dict.fromkeys(record.contig for record in records))
    batches = [b.genotypes for b in VcfFile(path).read([whole_contig(c) for c in carrying], SAMPLES, reference)]
    parts = [part for part in batches if len(part)]
    return path, Genotypes(
        pd.concat([part.records for part in parts], ignore_index=True),
        SAMPLES,
        np.concatenate([np.asarray(part.alleles[slice(None)]) for part in parts]),
    )


def bcftools(fasta: Path, vcf: Path, sample: str, haplotype: int) -> dict[str, str]:
    """Each sequence of a FASTA with one haplotype's variants, by its header."""
    text = pysam.bcftools.consensus(
        "-f", str(fasta), "-s", sample, "-H", str(haplotype + 1), str(vcf), catch_stdout=True
    )
    parts = (part.split("\n", 1) for part in text.split(">")[1:])
    return {name: bases.replace("\n", "") for name, bases in parts}


def compare_haplotypes(n_contigs: int, rng: np.random.Generator) -> tuple[int, list[Difference]]:
    """Whole contigs: how many haplotypes were compared, and those that differ."""
    sequences = {f"c{i}": random_sequence(int(rng.integers(8, 120)), rng) for i in range(n_contigs)}
    records = [r for name, sequence in sequences.items() for r in random_records(sequence, name, rng)]
    with tempfile.TemporaryDirectory() as folder:
        vcf, genotypes = read_all(Path(folder), sequences, records)
        fasta = Path(folder) / "r.fa"
        fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items()))
        theirs = {(s, h): bcftools(fasta, vcf, s, h) for s in SAMPLES for h in (0, 1)}
    reference = MemoryReference(sequences)
    n, differences = 0, []
    for contig, sequence in sequences.items():
        tss = int(rng.integers(len(sequence)))
        # Wide enough for all of the contig and whatever is put in: the rest is off the contig, hence N.
        half = len(sequence) + 130
        window = Interval(contig, tss - half, tss + half)
        found = collect_gene_haplotypes(genotypes, reference, window, tss, max_missing=1.0)
        texts = [decode(codes).strip("N") for codes in found.codes(range(len(found)))]
        for i, sample in enumerate(SAMPLES):
            for haplotype in (0, 1):
                if (row := found.window[i, haplotype]) >= 0:
                    n += 1
                    expected = theirs[sample, haplotype][contig]
                    if texts[row] != expected:
                        differences.append(Difference(contig, sample, haplotype, texts[row], expected))
    return n, differences


def compare_windows(n_windows: int, rng: np.random.Generator) -> tuple[int, list[Difference]]:
    """Windows with variants over their edges, on both strands: the crop of the wider consensus, the TSS at its offset."""
    sequences = {f"c{i}": random_sequence(300, rng) for i in range(n_windows)}
    tsss = {name: int(rng.integers(0, 300)) for name in sequences}
    records = [r for name, s in sequences.items() for r in random_records(s, name, rng, avoid=tsss[name])]
    sample, haplotype = SAMPLES[int(rng.integers(len(SAMPLES)))], int(rng.integers(2))
    with tempfile.TemporaryDirectory() as folder:
        vcf, genotypes = read_all(Path(folder), sequences, records)
        fasta = Path(folder) / "r.fa"
        sides = [(name, a, b) for name, tss in tsss.items() for a, b in ((0, tss), (tss, 300)) if a < b]
        fasta.write_text("".join(f">{name}:{a + 1}-{b}\n{sequences[name][a:b]}\n" for name, a, b in sides))
        made = bcftools(fasta, vcf, sample, haplotype)
    n, differences, reference = 0, [], MemoryReference(sequences)
    for name, tss in tsss.items():
        left, right = (int(x) for x in rng.integers(4, 60, 2))
        upstream = made.get(f"{name}:1-{tss}", "")[-left:].rjust(left, "N")
        expected = upstream + made[f"{name}:{tss + 1}-300"][:right].ljust(right, "N")
        for reverse in (False, True):
            found = collect_gene_haplotypes(
                genotypes, reference, Interval(name, tss - left, tss + right), tss, max_missing=1.0, reverse=reverse
            )
            if (row := found.window[SAMPLES.index(sample), haplotype]) < 0:
                continue
            n += 1
            ours = decode(found.codes([row])[0])
            theirs = expected[::-1].translate(str.maketrans("ACGT", "TGCA")) if reverse else expected
            if ours != theirs:
                differences.append(Difference(name, sample, haplotype, ours, theirs))
    return n, differences


def main(arguments: list[str] | None = None) -> int:
    """Compare as many as asked for; print what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--haplotypes", type=int, default=1_000_000)
    parser.add_argument("--windows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    print(f"seed {options.seed}")
    all_differences = []
    for what, compare, wanted in (
        ("haplotypes", compare_haplotypes, options.haplotypes),
        ("windows", compare_windows, options.windows),
    ):
        n, began = 0, time.perf_counter()
        while n < wanted:
            compared, differences = compare(min(1000, 1 + wanted - n), rng)
            n += compared
            all_differences += differences
        seconds = time.perf_counter() - began
        print(f"{n:,} {what} compared in {seconds:.0f} s, {len(all_differences)} differ", flush=True)
    for difference in all_differences[:5]:
        print(difference)
    return min(len(all_differences), 1)


if __name__ == "__main__":
    sys.exit(main())
