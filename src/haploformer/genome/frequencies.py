"""Allele frequencies of a cohort, and of each of its populations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: The column of everybody.
EVERYBODY = "all"


def alt_frequencies(dosages: NDArray[np.floating], populations: Sequence[str | None] | None = None) -> pd.DataFrame:
    """Share of ALT among the called alleles.

    Parameters
    ----------
    dosages : floating (n_individuals, n_variants)
        Counts of ALT, NaN where missing.
    populations : sequence of str or None (n_individuals,), optional
        Of each person; None: in no population.

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
    return pd.DataFrame({name: _frequency(dosages[people]) for name, people in groups.items()})


def _frequency(dosages: NDArray[np.floating]) -> NDArray[np.float64]:
    n_called = (~np.isnan(dosages)).sum(axis=0)
    n_alt = np.nansum(dosages, axis=0, dtype=np.float64)
    return np.divide(n_alt, 2 * n_called, out=np.full(dosages.shape[1], np.nan), where=n_called > 0)
