"""What must hold before the demo is published; a generator that cannot keep it stops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo.genes import Gene
from demo.settings import CIS_FLANK, CIS_VARIANTS, MAX_BYTES, MAX_DISTINCT_WINDOWS, MIN_SD_OVER_ERROR
from demo.variants import Variants


def cis_counts(variants: Variants, genes: Sequence[Gene], *, flank: int) -> NDArray[np.int64]:
    """Records that start within ``flank`` bases of each TSS."""
    return np.array([((variants.start >= g.tss - flank) & (variants.start < g.tss + flank)).sum() for g in genes])


def check_variants(variants: Variants, genes: Sequence[Gene]) -> None:
    """No two records overlap; each cis window holds a useful number of them.

    Raises
    ------
    ValueError
    """
    overlapping = np.flatnonzero(variants.start[1:] < variants.end[:-1])
    if len(overlapping):
        raise ValueError(f"{len(overlapping)} records overlap the next one (first: {variants.ids[overlapping[0]]})")
    counts, (fewest, most) = cis_counts(variants, genes, flank=CIS_FLANK), CIS_VARIANTS
    outside = np.flatnonzero((counts < fewest) | (counts > most))
    if len(outside):
        gene = genes[outside[0]].gene_id
        raise ValueError(f"{counts[outside[0]]} variants in the cis window of {gene}, must be {fewest} to {most}")


def check_windows(distinct: NDArray[np.int64]) -> None:
    """The demo's inference stays affordable.

    Raises
    ------
    ValueError
    """
    if distinct.sum() > MAX_DISTINCT_WINDOWS:
        raise ValueError(f"{distinct.sum()} distinct windows, at most {MAX_DISTINCT_WINDOWS}: raise MIN_MAF")


def check_precision(sd: NDArray[np.float64], error: float, genes: Sequence[Gene]) -> None:
    """People differ by far more than float32 errs, for every gene.

    Raises
    ------
    ValueError
    """
    worst = int(sd.argmin())
    if sd[worst] < MIN_SD_OVER_ERROR * error:
        raise ValueError(
            f"{genes[worst].gene_id}: sd between people {sd[worst]:.2e} is under {MIN_SD_OVER_ERROR} times the error "
            f"of float32, {error:.2e}; take other seeds"
        )


def check_size(files: Sequence[Path]) -> None:
    """The demo stays small enough to be committed.

    Raises
    ------
    ValueError
    """
    total = sum(path.stat().st_size for path in files)
    if total > MAX_BYTES:
        raise ValueError(f"{total} bytes in {len(files)} files, at most {MAX_BYTES}")
