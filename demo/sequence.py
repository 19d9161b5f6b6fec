"""The reference sequence: random, with CpG islands, soft-masked stretches and runs of N."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from demo.contigs import OFFSETS
from demo.genes import Gene

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)

#: P(next base | base) outside and inside CpG islands, rows and columns A C G T.
#: Durbin et al. 1998, Biological Sequence Analysis, section 3.1.
OUTSIDE_ISLAND = np.array(
    [
        [0.300, 0.205, 0.285, 0.210],
        [0.322, 0.298, 0.078, 0.302],
        [0.248, 0.246, 0.298, 0.208],
        [0.177, 0.239, 0.292, 0.292],
    ]
)
INSIDE_ISLAND = np.array(
    [
        [0.180, 0.274, 0.426, 0.120],
        [0.171, 0.368, 0.274, 0.187],
        [0.161, 0.339, 0.375, 0.125],
        [0.079, 0.355, 0.384, 0.182],
    ]
)
#: Two thirds of the promoters have an island, of this many bases on each side of the TSS.
ISLAND_SHARE = 2 / 3
ISLAND_FLANK = 500

#: Mean lengths of stretches in upper and in lower case.
MEAN_UNMASKED, MEAN_MASKED = 900, 300

#: Of each contig.
N_AT_STARTS = (10_000, 2_000)
N_BETWEEN_GENES = 5_000
#: One gene has these few Ns in its window, so many bases before its TSS.
GENE_WITH_N = 6
N_IN_WINDOW = 9
N_BEFORE_TSS = 5_000


def make_reference(genes: Sequence[Gene], *, length: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """All contigs as ASCII codes of ``ACGTacgtN``.

    Parameters
    ----------
    genes : sequence of Gene
        Their promoters carry the islands.
    length : int
    rng : Generator

    Returns
    -------
    uint8 (length,)
    """
    codes = _markov_chain(_islands(genes, length, rng), rng)
    letters = BASES[codes]
    letters[_soft_masked(length, rng)] |= 0x20  # the bit of lower case
    for start, end in unknown_stretches(genes):
        letters[start:end] = ord("N")
    return letters


def unknown_stretches(genes: Sequence[Gene]) -> list[tuple[int, int]]:
    """Runs of N: each contig's start, one between two cis windows, a trace in one gene's window."""
    quarter = len(genes) // 4
    middle = (genes[quarter - 1].tss + genes[quarter].tss) // 2
    trace = genes[GENE_WITH_N].tss - N_BEFORE_TSS
    return [
        *((first, first + n) for first, n in zip(OFFSETS.values(), N_AT_STARTS, strict=True)),
        (trace, trace + N_IN_WINDOW),
        (middle - N_BETWEEN_GENES // 2, middle + N_BETWEEN_GENES // 2),
    ]


def _islands(genes: Sequence[Gene], length: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    inside = np.zeros(length, dtype=bool)
    for gene in genes:
        if rng.random() < ISLAND_SHARE:
            inside[gene.tss - ISLAND_FLANK : gene.tss + ISLAND_FLANK] = True
    return inside


def _markov_chain(inside: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Codes 0..3 of a first-order chain; which of the two tables holds is told per base."""
    uniform = rng.random(len(inside))
    # For each base the next code after each of the four possible ones before it: the chain is then a walk of look-ups.
    cumulative = np.where(inside[:, None, None], INSIDE_ISLAND.cumsum(1), OUTSIDE_ISLAND.cumsum(1))[:, :, :3]
    following = (uniform[:, None, None] > cumulative).sum(2).tolist()  # (length, 4)
    codes, code = [], 0
    for choice in following:
        code = choice[code]
        codes.append(code)
    return np.array(codes, dtype=np.uint8)


def _soft_masked(length: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    n = 2 * length // (MEAN_UNMASKED + MEAN_MASKED)
    lengths = np.stack([rng.exponential(MEAN_UNMASKED, n), rng.exponential(MEAN_MASKED, n)], axis=1).astype(np.int64)
    masked = np.repeat(np.tile([False, True], n), lengths.ravel())[:length]
    assert len(masked) == length
    return masked
