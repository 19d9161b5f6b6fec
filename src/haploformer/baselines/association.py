"""One variant after the other against expression, as eQTL programs report it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from haploformer.adjustment import Residualise
from haploformer.baselines.dosages import LEFT_BY_COVARIATES, check_dosages

#: Share of its size by which expression must vary; below it the rest is rounding.
_VARIES = 1e-10


@dataclass(frozen=True, eq=False)
class Associations:
    """Least squares of expression on each variant's dosage.

    Attributes
    ----------
    slope, slope_se, r, p_value : float64 (n_variants,)
        Of one more copy of ALT; NaN for a variant that is the same in everybody, or that covariates explain, and for all
        of them where expression is.
    """

    slope: NDArray[np.float64]
    slope_se: NDArray[np.float64]
    r: NDArray[np.float64]
    p_value: NDArray[np.float64]

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Which variants have a slope (n_variants,)."""
        return np.isfinite(self.r)

    @property
    def top(self) -> int:
        """The variant of largest absolute r; of equally good ones the first."""
        return int(np.nanargmax(np.abs(self.r)))


def associate(
    dosages: NDArray[np.floating],
    expression: NDArray[np.floating],
    *,
    residualise: Residualise | None = None,
    n_degrees: int | None = None,
) -> Associations:
    """Scan all variants of a gene.

    Parameters
    ----------
    dosages : floating (n_individuals, n_variants)
        Counts of ALT, NaN where missing: the mean of the others.
    expression : floating (n_individuals,)
        Finite.
    residualise : callable, optional
        Residuals on covariates, taken of both sides.
    n_degrees : int, optional
        Degrees of freedom that covariates and the mean leave; all people but one if not given.

    Raises
    ------
    ValueError
        If there are fewer than three people, too few for the covariates, or dosages are none.
    """
    check_dosages(dosages)
    n = len(expression)
    left = (n - 1 if n_degrees is None else n_degrees) - 1
    if n < 3 or left < 1 or len(dosages) != n:
        raise ValueError(
            f"{len(dosages)} people with dosages, {n} with expression; at least 3, the same, are needed, and 2 more than "
            "the covariates take"
        )
    raw = np.asarray(dosages, np.float64)
    called = ~np.isnan(raw)
    mean = np.divide(np.nansum(raw, axis=0), called.sum(axis=0), out=np.zeros(raw.shape[1]), where=called.any(axis=0))
    filled = np.where(called, raw, mean)
    x = filled - mean
    y = np.asarray(expression, np.float64)
    if residualise is not None:
        x, y = residualise(x), residualise(y)
    # Of a variant, or of expression, that covariates explain, what is left is rounding.
    x, y = x - x.mean(axis=0), y - y.mean()
    x2, before = (x**2).sum(axis=0), ((filled - filled.mean(axis=0)) ** 2).sum(axis=0)
    flat = float(y @ y) <= n * (_VARIES * np.abs(np.asarray(expression, np.float64)).max()) ** 2
    varies = (before > 1e-12) & (x2 > LEFT_BY_COVARIATES**2 * before) & (not flat)
    x2 = np.where(varies, x2, np.nan)
    slope = (x.T @ y) / x2
    r = np.clip(slope * np.sqrt(x2 / (1.0 if flat else y @ y)), -1, 1)
    residual = np.maximum((y @ y) - slope**2 * x2, 0.0)
    slope_se = np.sqrt(residual / left / x2)
    t = np.divide(slope, slope_se, out=np.full_like(slope, np.inf), where=slope_se > 0)
    return Associations(slope, slope_se, r, np.where(varies, 2 * student_t.sf(np.abs(t), left), np.nan))
