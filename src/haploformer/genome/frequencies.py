"""Allele frequencies of a cohort, and of each of its populations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: The column of everybody.
EVERYBODY = "all"


def alt_frequencies(
    dosages: NDArray[np.floating],
    populations: Sequence[str | None] | None = None,
    *,
    copies: NDArray[np.integer] | None = None,
) -> pd.DataFrame:
    """Share of ALT among the called alleles.

    Parameters
    ----------
    dosages : floating (n_individuals, n_variants)
        Counts of ALT, NaN where missing.
    populations : sequence of str or None (n_individuals,), optional
        Of each person; None: in no population.
    copies : integer (n_individuals, n_variants), optional
        Alleles of each call, 1 where it is haploid; two if not given.

    Returns
    -------
    DataFrame (n_variants,)
        ``all``, then one column per population in alphabetical order; NaN where nobody was called.

    Raises
    ------
    ValueError
        If there are not as many populations as people, or one is called ``all``.
    """
    if populations is not None and len(populations) != len(dosages):
        raise ValueError(f"{len(populations)} populations of {len(dosages)} people")
    named = np.array([name or "" for name in populations or []], dtype=object)
    groups = {EVERYBODY: np.ones(len(dosages), bool)}
    for name in sorted(set(named.tolist()) - {""}):
        if name == EVERYBODY:
            raise ValueError("a population is called 'all'")
        groups[name] = named == name
    called = np.where(np.isnan(dosages), 0, 2 if copies is None else copies)
    return pd.DataFrame({name: _frequency(dosages[people], called[people]) for name, people in groups.items()})


def _frequency(dosages: NDArray[np.floating], copies: NDArray[np.integer]) -> NDArray[np.float64]:
    n_called = copies.sum(axis=0, dtype=np.int64)
    n_alt = np.nansum(dosages, axis=0, dtype=np.float64)
    return np.divide(n_alt, n_called, out=np.full(dosages.shape[1], np.nan), where=n_called > 0)
