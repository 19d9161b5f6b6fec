"""Variants that say different things: of neighbours in linkage disequilibrium, one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def prune_variants(
    values: NDArray[np.floating],
    contigs: NDArray[np.object_],
    positions: NDArray[np.int64],
    *,
    max_r2: float,
    distance: int,
) -> NDArray[np.intp]:
    """Go through the variants from the first on, and leave out those that an earlier one near by tells already.

    Parameters
    ----------
    values : floating (n_individuals, n_variants)
        Dosages with mean 0 and sd 1.
    contigs, positions : (n_variants,)
        Sorted within a contig.
    max_r2 : float
        Largest r2 with a kept variant.
    distance : int
        Bases within which variants are compared.

    Returns
    -------
    intp (n_kept,)
    """
    n_variants = values.shape[1]
    changes = np.flatnonzero(contigs[1:] != contigs[:-1]) + 1
    # Where each variant's contig ends.
    ends = np.append(changes, n_variants)[np.searchsorted(changes, np.arange(n_variants), side="right")]
    left = np.ones(n_variants, dtype=bool)
    kept = []
    for first in range(n_variants):
        if not left[first]:
            continue
        kept.append(first)
        on_contig = positions[first + 1 : ends[first]]
        reach = int(np.searchsorted(on_contig, positions[first] + distance, side="right"))
        near = slice(first + 1, first + 1 + reach)
        r = values[:, near].T @ values[:, first] / len(values)
        left[near] &= r**2 <= max_r2
    return np.array(kept, dtype=np.intp)
