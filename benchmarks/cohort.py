"""Simulated cohorts for the measurements: a reference, common variants at HapMap3's density, genes, as files.

Haplotypes come from the genealogies of `demo.people.demography`, so that people share them as real people do.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import msprime
import numpy as np
import pysam
from numpy.typing import NDArray

from benchmarks.files import CONTIG, WINDOW, CohortFiles, sample_id
from demo.people import MUTATION_RATE, RECOMBINATION_RATE, demography

#: Bases from one TSS to the next: windows do not overlap, so that every gene has haplotypes of its own.
SPACING = 220_000
#: HapMap3 has 17,489 SNPs on the 35 Mb of chromosome 22 in 343 Europeans of GEUVADIS, nearly all of them common.
BASES_PER_VARIANT = 2_000
MIN_MAF = 0.01
MAX_INDEL = 8
#: About that of GTEx.
AFRICAN_SHARE = 0.15
#: Recombination falls into hotspots (Myers et al. 2005, doi:10.1126/science.1117196): most of it into a few per cent of
#: the sequence. With these, 343 of 670 simulated people have 336 distinct haplotypes of 686 in the median window; the 343
#: of GEUVADIS have 305 after phasing.
HOTSPOT_SHARE, HOTSPOT_WIDTH, HOTSPOT_SPACING = 0.8, 2_000, 50_000
BASES = np.frombuffer(b"ACGT", np.uint8)


@dataclass(frozen=True)
class Sites:
    """Common segregating sites: 0-based ``position`` (n_sites,) and ``alleles`` int8 (n_sites, n_people, 2)."""

    length: int
    tss: list[int]
    position: NDArray[np.int64]
    alleles: NDArray[np.int8]


def simulate_sites(n_people: int, n_genes: int, *, seed: int, bases_per_variant: int = BASES_PER_VARIANT) -> Sites:
    """Genealogies of two populations, thinned to common sites at the density wanted."""
    length = SPACING * n_genes
    n_african = round(AFRICAN_SHARE * n_people)
    trees = msprime.sim_ancestry(
        {"AFR": n_african, "EUR": n_people - n_african},
        demography=demography(),
        recombination_rate=_recombination_map(length, np.random.default_rng(seed)),
        random_seed=seed,
    )
    trees = msprime.sim_mutations(trees, rate=MUTATION_RATE, random_seed=seed + 1, model=msprime.BinaryMutationModel())
    carriers = np.array([int((v.genotypes == 1).sum()) for v in trees.variants()])
    common = np.flatnonzero(np.minimum(carriers, 2 * n_people - carriers) >= MIN_MAF * 2 * n_people)
    rng = np.random.default_rng(seed)
    chosen = set(rng.permutation(common)[: length // bases_per_variant].tolist())
    rows = [(v.site.position, v.genotypes == 1) for v in trees.variants() if v.site.id in chosen]
    return Sites(
        length=length,
        tss=[SPACING // 2 + SPACING * i for i in range(n_genes)],
        position=np.array([position for position, _ in rows], np.int64),
        alleles=np.stack([alleles for _, alleles in rows]).astype(np.int8).reshape(len(rows), n_people, 2),
    )


def _recombination_map(length: int, rng: np.random.Generator) -> msprime.RateMap:
    """Chromosome 22's mean rate, most of it in hotspots of very different strength."""
    n = length // HOTSPOT_WIDTH
    hot = rng.choice(n, length // HOTSPOT_SPACING, replace=False)
    strength = rng.gamma(0.5, size=len(hot))
    rates = np.full(n, (1 - HOTSPOT_SHARE) * RECOMBINATION_RATE)
    rates[hot] += HOTSPOT_SHARE * RECOMBINATION_RATE * n * strength / strength.sum()
    return msprime.RateMap(position=np.linspace(0, length, n + 1), rate=rates)


def write_cohort(folder: Path, sites: Sites, *, indel_share: float, seed: int) -> CohortFiles:
    """Write the sites as FASTA, VCF and BED, some of them as indels.

    Indels are left-aligned, none overlaps another variant or touches a TSS: all tools agree on what they mean.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    files = CohortFiles(folder)
    bases = rng.choice(BASES, sites.length)
    text = bases.tobytes().decode()
    _write_fasta(files, text)
    lines, free_from = [], 0
    for position, alleles in zip(sites.position.tolist(), sites.alleles, strict=True):
        ref, alt = _draw_alleles(text, position, rng.random() < indel_share, rng)
        end = position + len(ref)
        if position < free_from or end > sites.length or any(position < tss <= end for tss in sites.tss):
            continue
        free_from = end
        calls = (alleles.astype(np.uint8) + ord("0")).tobytes().decode()
        fields = "\t".join(f"{calls[i]}|{calls[i + 1]}" for i in range(0, len(calls), 2))
        lines.append(f"{CONTIG}\t{position + 1}\t{CONTIG}_{position + 1}\t{ref}\t{alt}\t.\tPASS\t.\tGT\t{fields}\n")
    n_people = sites.alleles.shape[1]
    people = [sample_id(i) for i in range(n_people)]
    header = (
        "##fileformat=VCFv4.2\n"
        f"##contig=<ID={CONTIG},length={sites.length}>\n"
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        + "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *people])
        + "\n"
    )
    with pysam.BGZFile(str(files.vcf), "wb") as stream:
        stream.write(header.encode())
        for line in lines:
            stream.write(line.encode())
    pysam.tabix_index(str(files.vcf), preset="vcf", force=True)
    starts = [(tss, tss - WINDOW // 2) for tss in sites.tss]
    files.bed.write_text("".join(f"{CONTIG}\t{start}\t{start + WINDOW}\tg:{tss}\n" for tss, start in starts))
    facts = {"people": n_people, "genes": len(sites.tss), "variants": len(lines)}
    (folder / "facts.json").write_text(json.dumps(facts))
    return files


def _write_fasta(files: CohortFiles, text: str) -> None:
    wrapped = f">{CONTIG}\n" + "".join(f"{text[i : i + 60]}\n" for i in range(0, len(text), 60))
    files.plain_fasta.write_text(wrapped)
    with pysam.BGZFile(str(files.fasta), "wb") as stream:
        stream.write(wrapped.encode())
    for path in (files.plain_fasta, files.fasta):
        pysam.faidx(str(path))


def _draw_alleles(text: str, position: int, indel: bool, rng: np.random.Generator) -> tuple[str, str]:
    """REF and ALT; no indel can be moved further left."""
    anchor = text[position]
    others = [base for base in "ACGT" if base != anchor]
    size = int(rng.integers(1, MAX_INDEL + 1))
    if not indel:
        return anchor, str(rng.choice(others))
    if rng.random() < 0.5:
        return anchor, anchor + "".join(rng.choice(list("ACGT"), size - 1)) + str(rng.choice(others))
    for longer in range(size, 2 * MAX_INDEL):
        ref = text[position : position + longer + 1]
        if ref[-1] != anchor:
            return ref, anchor
    return anchor, str(rng.choice(others))


if __name__ == "__main__":
    target, n_people, n_genes, seed, sets = sys.argv[1:]
    simulated = simulate_sites(int(n_people), int(n_genes), seed=int(seed))
    for name, share in json.loads(sets).items():
        write_cohort(Path(target) / name, simulated, indel_share=share, seed=int(seed))
