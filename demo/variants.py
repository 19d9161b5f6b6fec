"""Alleles for the simulated sites: SNPs, indels and MNPs that never overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.contigs import BOUNDARIES, Place, locate
from demo.genes import Gene
from demo.people import Sites
from demo.settings import INDEL_SHARE, KEPT_SHARE, MAX_INDEL, MIN_MAF, N_MNPS

BASES = "ACGT"
TRANSITION = dict(zip("ACGT", "GTAC", strict=True))
TRANSITION_SHARE = 2 / 3
MNP_LENGTHS = (2, 3)


@dataclass(frozen=True)
class Variants:
    """Biallelic records in the order of their places.

    Attributes
    ----------
    start : int64 (n,)
        Place of the first base of REF.
    ref, alt : list of str
        Upper case; indels share their first base.
    haplotypes : int8 (n, n_people, 2)
        Allele index, 0 or 1.
    """

    start: NDArray[np.int64]
    ref: list[str]
    alt: list[str]
    haplotypes: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ref)

    @property
    def end(self) -> NDArray[np.int64]:
        """Place of the end of REF, exclusive."""
        return self.start + np.array([len(r) for r in self.ref])

    @property
    def ids(self) -> list[str]:
        """``22_12345_A_G``: contig, 1-based position, REF, ALT."""
        alleles = zip(self.places, self.ref, self.alt, strict=True)
        return [f"{place.contig}_{place.position + 1}_{ref}_{alt}" for place, ref, alt in alleles]

    @property
    def places(self) -> list[Place]:
        """Contig and 0-based position of each record."""
        return [locate(start) for start in self.start]

    @property
    def dosages(self) -> NDArray[np.int8]:
        """Count of ALT, int8 (n, n_people)."""
        return self.haplotypes.sum(2, dtype=np.int8)

    def classes(self) -> Counter[str]:
        """Number of SNPs, MNPs, insertions and deletions."""
        return Counter(record_class(r, a) for r, a in zip(self.ref, self.alt, strict=True))


def record_class(ref: str, alt: str) -> str:
    """``snp``, ``mnp``, ``insertion`` or ``deletion``."""
    if len(ref) == len(alt):
        return "snp" if len(ref) == 1 else "mnp"
    return "insertion" if len(ref) < len(alt) else "deletion"


def minor_allele_frequency(haplotypes: NDArray) -> NDArray[np.float64]:
    """Frequency of the rarer of two alleles over people and haplotypes, float64 (n,)."""
    frequency = haplotypes.mean(axis=(1, 2))
    return np.minimum(frequency, 1 - frequency)


def make_variants(
    sites: Sites,
    reference: NDArray[np.uint8],
    genes: Sequence[Gene],
    *,
    genotyped: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Variants:
    """Thin the sites and give them alleles.

    Parameters
    ----------
    sites : Sites
    reference : uint8 (length,)
        From ``make_reference``; REF is read from it, in upper case.
    genes : sequence of Gene
        No record touches both sides of a TSS, nor is any anchored to the base before it.
    genotyped : bool (n_people,)
        Over whom allele frequencies count.
    rng : Generator

    Returns
    -------
    Variants
        A site whose record would overlap the one before it, an N, the base before a TSS or two contigs is left out.
    """
    bases = reference.tobytes().decode().upper()
    frequent = minor_allele_frequency(sites.derived[:, genotyped]) >= MIN_MAF
    chosen = np.flatnonzero(frequent & (rng.random(len(frequent)) < KEPT_SHARE))
    kinds = _draw_classes(len(chosen), rng)
    tss = np.array([gene.tss for gene in genes])
    kept, alleles, free_from = [], [], 0
    for i, kind in zip(chosen, kinds, strict=True):
        start = int(sites.position[i])
        ref, alt = _draw_alleles(bases, start, kind, rng)
        end = start + len(ref)
        reaches_tss = ((start < tss) & (tss <= end)).any()
        crosses = any(start < boundary < end for boundary in BOUNDARIES)
        if start < free_from or reaches_tss or crosses or "N" in ref or end > len(bases):
            continue
        kept.append(i)
        alleles.append((ref, alt))
        free_from = end
    # The reference haplotype may carry the derived state: then the ancestral one is ALT.
    carries_alt = sites.derived[kept] ^ sites.reference_derived[kept][:, None, None]
    return Variants(
        start=sites.position[kept],
        ref=[ref for ref, _ in alleles],
        alt=[alt for _, alt in alleles],
        haplotypes=carries_alt.astype(np.int8),
    )


def _draw_classes(n: int, rng: np.random.Generator) -> NDArray[np.str_]:
    kinds = rng.choice(["snp", "insertion", "deletion"], n, p=[1 - INDEL_SHARE, INDEL_SHARE / 2, INDEL_SHARE / 2])
    kinds[rng.choice(n, N_MNPS, replace=False)] = "mnp"
    return kinds


def _draw_alleles(bases: str, start: int, kind: str, rng: np.random.Generator) -> tuple[str, str]:
    """REF and ALT at ``start``; no indel can be moved further left (Tan 2015, doi:10.1093/bioinformatics/btv112)."""
    anchor = bases[start]
    if kind == "mnp":
        ref = bases[start : start + int(rng.choice(MNP_LENGTHS))]
        return ref, "".join(_other_base(base, rng) for base in ref)
    length = 1 + min(MAX_INDEL - 1, int(rng.geometric(0.4)) - 1)
    if kind == "insertion":
        inserted = "".join(rng.choice(list(BASES), length))
        return anchor, anchor + inserted[:-1] + _other_base(anchor, rng)
    if kind == "deletion":
        # Left-aligned if the last deleted base differs from the anchor: the first such length, if any.
        for longer in range(length, MAX_INDEL + 1):
            ref = bases[start : start + longer + 1]
            if ref[-1] != anchor:
                return ref, anchor
    return anchor, _other_base(anchor, rng)


def _other_base(base: str, rng: np.random.Generator) -> str:
    """Another base, a transition in two of three cases."""
    transition = TRANSITION.get(base, "N")
    if rng.random() < TRANSITION_SHARE:
        return transition
    return str(rng.choice([b for b in BASES if b not in (base, transition)]))
