"""Kinship from genotypes, robust to people of different ancestry.

References: Manichaikul et al. 2010, Robust relationship inference in genome-wide association studies, equation 11
(between families); docs/methods.md, "Folds and cross-fitting".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.genome.contigs import NOT_AUTOSOMES
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.pruning import prune_variants

#: Kinship of the second degree or closer is at least this (KING).
SECOND_DEGREE = 0.0884

#: From fewer pruned SNPs, or of fewer chromosomes, strangers look related: what they share in one place is chance.
MIN_SNPS, MIN_CONTIGS = 10_000, 3

#: More pruned SNPs than this, evenly thinned out, make no pair clearer.
MAX_SNPS = 30_000

#: SNPs of a lower minor allele frequency, or less often called, are left out; r2 is pruned within the distance.
MIN_MAF, MIN_CALLED, PRUNE_R2, PRUNE_DISTANCE = 0.05, 0.95, 0.2, 250_000

#: Bytes of candidates' calls in memory before they are pruned, one for each person and SNP.
_CANDIDATE_BYTES = 2**28

#: Records read at once; people and SNPs whose products are taken at once.
_RECORDS, _PEOPLE, _SNPS = 2_000, 1_024, 4_096

_MISSING = np.int8(-1)


@dataclass(frozen=True, eq=False)
class Kinship:
    """Pairs of close relatives, and what they were found by.

    Attributes
    ----------
    pairs : int64 (n_pairs, 2)
        Places of two people, the first before the second.
    kinship : float64 (n_pairs,)
        0.5 of a person with itself, 0.25 of parent and child or full sibs.
    n_snps, n_contigs : int
        Pruned SNPs there, and the autosomes that they are on. Fewer than `MIN_SNPS` or `MIN_CONTIGS`: nothing was looked
        for.
    """

    pairs: NDArray[np.int64]
    kinship: NDArray[np.float64]
    n_snps: int
    n_contigs: int

    @property
    def tested(self) -> bool:
        """Whether there were SNPs enough to look for relatives."""
        return self.n_snps >= MIN_SNPS and self.n_contigs >= MIN_CONTIGS


def estimate_kinship(genotypes: Genotypes, *, min_kinship: float = SECOND_DEGREE) -> Kinship:
    """Pairs of people with at least some kinship, where there are SNPs enough to tell.

    Parameters
    ----------
    genotypes : Genotypes
        Read twice in batches; calls of at most 2^28 bytes are in memory.
    min_kinship : float

    Returns
    -------
    Kinship
    """
    candidates = _snps(genotypes.records)
    contigs = genotypes.records["contig"].to_numpy(dtype=object)
    if len(candidates) < MIN_SNPS or len(set(contigs[candidates])) < MIN_CONTIGS:
        return _untested(len(candidates), len(set(contigs[candidates])))
    rows, dosages = _common(genotypes, candidates)
    kept = _pruned(dosages, contigs[rows], genotypes.records["pos"].to_numpy(np.int64)[rows])
    n_contigs = len(set(contigs[rows][kept]))
    if len(kept) < MIN_SNPS or n_contigs < MIN_CONTIGS:
        return _untested(len(kept), n_contigs)
    used = kept[_spread(len(kept), MAX_SNPS)]
    return Kinship(*king_robust(dosages[used], min_kinship=min_kinship), len(used), n_contigs)


def king_robust(dosages: NDArray[np.int8], *, min_kinship: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """KING-robust kinship of every pair, of which those of at least ``min_kinship`` are kept.

    Half less a quarter of the squared difference of dosages, summed over the SNPs that both have calls of, over the
    heterozygous calls of the one who has fewer. Ancestry that two people do not share makes it smaller, not larger.

    Parameters
    ----------
    dosages : int8 (n_snps, n_individuals)
        0, 1 or 2 copies of ALT; -1 where missing. Fewer than 2^24 SNPs: counts are exact.
    min_kinship : float

    Returns
    -------
    pairs : int64 (n_pairs, 2)
        Sorted. A pair without a heterozygous call in either is none.
    kinship : float64 (n_pairs,)
    """
    tiles = [slice(first, first + _PEOPLE) for first in range(0, dosages.shape[1], _PEOPLE)]
    pairs, kinship = [np.empty((0, 2), np.int64)], [np.empty(0)]
    for one, other in combinations_with_replacement(tiles, 2):
        phi = _kinship_of_tiles(dosages[:, one], dosages[:, other])
        close = np.argwhere(phi >= min_kinship)
        places = close + np.array([one.start, other.start])
        after = places[:, 0] < places[:, 1]
        pairs.append(places[after])
        kinship.append(phi[tuple(close[after].T)])
    found, values = np.concatenate(pairs).astype(np.int64), np.concatenate(kinship)
    order = np.lexsort((found[:, 1], found[:, 0]))
    return found[order], values[order]


def _kinship_of_tiles(one: NDArray[np.int8], other: NDArray[np.int8]) -> NDArray[np.float64]:
    """Kinship (n_one, n_other) from calls (n_snps, n_one) and (n_snps, n_other); NaN where nobody is heterozygous."""
    shape = (one.shape[1], other.shape[1])
    both_het, opposite, het_one, het_other = (np.zeros(shape, np.float32) for _ in range(4))
    for first in range(0, len(one), _SNPS):
        a, b = (_indicators(calls[first : first + _SNPS]) for calls in (one, other))
        both_het += a[1].T @ b[1]
        opposite += a[0].T @ b[2] + a[2].T @ b[0]
        het_one += a[1].T @ (b[0] + b[1] + b[2])
        het_other += (a[0] + a[1] + a[2]).T @ b[1]
    squares = 4 * opposite.astype(np.float64) + het_one + het_other - 2 * both_het.astype(np.float64)
    fewer = np.minimum(het_one, het_other).astype(np.float64)
    return 0.5 - np.divide(squares, 4 * fewer, out=np.full(shape, np.nan), where=fewer > 0)


def _indicators(calls: NDArray[np.int8]) -> list[NDArray[np.float32]]:
    """Which calls are 0, 1 and 2 copies, each (n_snps, n_individuals)."""
    return [(calls == copies).astype(np.float32) for copies in (0, 1, 2)]


def _untested(n_snps: int, n_contigs: int) -> Kinship:
    return Kinship(np.empty((0, 2), np.int64), np.empty(0), n_snps, n_contigs)


def _snps(records: pd.DataFrame) -> NDArray[np.intp]:
    """Records of one base and one other on an autosome."""
    bases = ["A", "C", "G", "T"]
    single = records["ref"].isin(bases) & records["alt"].isin(bases)
    return np.flatnonzero(single & ~records["contig"].isin(NOT_AUTOSOMES))


def _common(genotypes: Genotypes, candidates: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.int8]]:
    """Rows of frequent, well called SNPs, evenly thinned out to what memory is meant for, and their calls."""
    n = len(genotypes.individual_ids)
    frequent = np.concatenate([rows[_is_common(calls)] for rows, calls in _read(genotypes, candidates)])
    rows = frequent[_spread(len(frequent), max(_CANDIDATE_BYTES // max(n, 1), MIN_SNPS))]
    dosages = np.empty((len(rows), n), np.int8)
    first = 0
    for part, calls in _read(genotypes, rows):
        dosages[first : first + len(part)] = calls
        first += len(part)
    return rows, dosages


def _read(genotypes: Genotypes, rows: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int8]]]:
    """Some records, and their calls (n_records, n_individuals), in batches."""
    for start in range(0, len(genotypes), _RECORDS):
        part = rows[slice(*np.searchsorted(rows, [start, start + _RECORDS]))]
        if len(part):
            alleles = np.asarray(genotypes.alleles[slice(start, start + _RECORDS)])[part - start]
            yield part, np.where((alleles < 0).any(axis=-1), _MISSING, alleles.sum(axis=-1, dtype=np.int8))


def _is_common(calls: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which SNPs are frequent and well called (n_snps,)."""
    called = calls >= 0
    n_called = called.sum(axis=1)
    frequency = np.where(called, calls, 0).sum(axis=1) / np.maximum(2 * n_called, 1)
    return (np.minimum(frequency, 1 - frequency) >= MIN_MAF) & (n_called >= MIN_CALLED * calls.shape[1])


def _pruned(dosages: NDArray[np.int8], contigs: NDArray[np.object_], positions: NDArray[np.int64]) -> NDArray[np.intp]:
    """Rows that LD leaves, contig by contig."""
    kept = [np.empty(0, np.intp)]
    edges = [0, *(np.flatnonzero(contigs[1:] != contigs[:-1]) + 1).tolist(), len(contigs)]
    for first, last in pairwise(edges):
        of_contig = slice(first, last)
        values = _standardised(dosages[of_contig])
        places = (contigs[of_contig], positions[of_contig])
        kept.append(first + prune_variants(values, *places, max_r2=PRUNE_R2, distance=PRUNE_DISTANCE))
    return np.concatenate(kept)


def _standardised(dosages: NDArray[np.int8]) -> NDArray[np.float32]:
    """Mean 0 and sd 1 over people (n_individuals, n_snps), missing calls 0."""
    values = dosages.astype(np.float32)
    called = dosages >= 0
    mean = (values * called).sum(axis=1, keepdims=True) / np.maximum(called.sum(axis=1, keepdims=True), 1)
    centred = np.where(called, values - mean, np.float32(0))
    sd = np.sqrt((centred**2).mean(axis=1, keepdims=True))
    return np.asarray((centred / np.where(sd > 0, sd, 1)).T, dtype=np.float32)


def _spread(n: int, most: int) -> NDArray[np.intp]:
    """At most so many of n places, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.intp))
