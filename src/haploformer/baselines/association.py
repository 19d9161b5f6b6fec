"""One variant after the other against expression, as eQTL programs report it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from haploformer.baselines.dosages import check_dosages


@dataclass(frozen=True, eq=False)
class Associations:
    """Least squares of expression on each variant's dosage.

    Attributes
    ----------
    slope, slope_se, r, p_value : float64 (n_variants,)
        Of one more copy of ALT; NaN for a variant that is the same in everybody.
    """

    slope: NDArray[np.float64]
    slope_se: NDArray[np.float64]
    r: NDArray[np.float64]
    p_value: NDArray[np.float64]

    @property
    def top(self) -> int:
        """The variant of largest absolute r; of equally good ones the first."""
        return int(np.nanargmax(np.abs(self.r)))


def associate(dosages: NDArray[np.floating], expression: NDArray[np.floating]) -> Associations:
    """Scan all variants of a gene.

    Parameters
    ----------
    dosages : floating (n_individuals, n_variants)
        Counts of ALT, NaN where missing: the mean of the others.
    expression : floating (n_individuals,)
        Finite; adjusted by the caller, as the dosages may be.

    Raises
    ------
    ValueError
        If there are fewer than three people, or dosages are none.
    """
    check_dosages(dosages)
    n = len(expression)
    if n < 3 or len(dosages) != n:
        raise ValueError(f"{len(dosages)} people with dosages, {n} with expression; at least 3, the same, are needed")
    raw = np.asarray(dosages, np.float64)
    called = ~np.isnan(raw)
    mean = np.divide(np.nansum(raw, axis=0), called.sum(axis=0), out=np.zeros(raw.shape[1]), where=called.any(axis=0))
    x = np.where(called, raw, mean) - mean
    y = np.asarray(expression, np.float64) - np.mean(expression)
    x2 = (x**2).sum(axis=0)
    varies = x2 > 1e-12
    x2 = np.where(varies, x2, np.nan)
    slope = (x.T @ y) / x2
    r = np.clip(slope * np.sqrt(x2 / (y @ y)), -1, 1)
    residual = np.maximum((y @ y) - slope**2 * x2, 0.0)
    slope_se = np.sqrt(residual / (n - 2) / x2)
    t = np.divide(slope, slope_se, out=np.full_like(slope, np.inf), where=slope_se > 0)
    return Associations(slope, slope_se, r, np.where(varies, 2 * student_t.sf(np.abs(t), n - 2), np.nan))
