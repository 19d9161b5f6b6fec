"""Share of variance that cis variants explain, by restricted maximum likelihood (REML) on one eigendecomposition.

With V = s2 (h2 K + (1 - h2) I) and the eigenvalues of K, the likelihood of any h2 costs a sum over them, so that the
best h2 in [0, 1) is found by a search in one dimension, as in FaST-LMM and GEMMA; the model is that of GCTA.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from haploformer.baselines.training import TrainingSet

#: The largest h2: at 1 expression would follow from the variants without any error.
LARGEST_H2 = 0.9999

#: Where the likelihood is looked at first: it may have more than one top.
_GRID = np.append(np.linspace(0.0, 0.99, 34), LARGEST_H2)

#: Eigenvalues below this share of the largest are rounding.
_RANK_TOLERANCE = 1e-10

#: h2 nearer to 0 or to its largest value than this is at the boundary.
_BOUNDARY = 1e-5


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvectors of the relationship matrix K = X X' / n_variants that have an eigenvalue, by way of the variants.

    Attributes
    ----------
    values : float64 (rank,)
        Eigenvalues of K.
    vectors : float64 (n_variants, rank)
        Standardised dosages times these are the eigenvectors of K, of length 1.
    projections : float64 (rank,)
        Expression along each eigenvector.
    rest : float
        Sum of squares of expression along the others, which have eigenvalue 0.
    n_degrees : int
        Degrees of freedom that covariates and mean leave.
    """

    values: NDArray[np.float64]
    vectors: NDArray[np.float64]
    projections: NDArray[np.float64]
    rest: float
    n_degrees: int


@dataclass(frozen=True)
class RemlFit:
    """Heritability of one gene.

    Attributes
    ----------
    h2 : float
        Share of the variance of adjusted expression, 0 to `LARGEST_H2`.
    se : float
        Standard error by the expected information at h2; at the boundary it says little.
    at_boundary : bool
    """

    h2: float
    se: float
    at_boundary: bool


def decompose(training: TrainingSet) -> Spectrum:
    """Eigenvalues of the relationship matrix, from the smaller of X X' and X' X."""
    dosages, expression = training.dosages, training.expression
    n, n_variants = dosages.shape
    if n_variants <= n:
        values, vectors = np.linalg.eigh(training.linkage * (n / n_variants))
        kept = values > _RANK_TOLERANCE * values[-1]
        values = values[kept]
        vectors = vectors[:, kept] / np.sqrt(values * n_variants)
    else:
        values, of_people = np.linalg.eigh(dosages @ dosages.T / n_variants)
        kept = values > _RANK_TOLERANCE * values[-1]
        values = values[kept]
        vectors = dosages.T @ (of_people[:, kept] / (values * n_variants))
    projections = n * training.correlation @ vectors
    rest = max(float(expression @ expression - projections @ projections), 0.0)
    return Spectrum(values, vectors, projections, rest, training.n_degrees)


def fit_reml(spectrum: Spectrum) -> RemlFit:
    """The h2 of largest restricted likelihood.

    References: Kang et al. 2008 (EMMA), Lippert et al. 2011 (FaST-LMM), Yang et al. 2011 (GCTA); docs/methods.md,
    "Heritability".
    """
    on_grid = restricted_log_likelihood(spectrum, _GRID)
    best = int(on_grid.argmax())
    low, high = _GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)]
    found = minimize_scalar(
        lambda h2: -restricted_log_likelihood(spectrum, np.array([h2]))[0],
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-7},
    )
    h2 = float(found.x) if -found.fun > on_grid[best] else float(_GRID[best])
    at_boundary = h2 < _BOUNDARY or h2 > LARGEST_H2 - _BOUNDARY
    return RemlFit(h2, _standard_error(spectrum, h2), at_boundary)


def restricted_log_likelihood(spectrum: Spectrum, h2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Restricted log likelihood of each h2 (n,), with the total variance at its best, up to a constant."""
    n_zero = spectrum.n_degrees - len(spectrum.values)
    scale = 1 + h2[:, None] * (spectrum.values - 1)  # (n, rank)
    squares = (spectrum.projections**2 / scale).sum(axis=1) + spectrum.rest / (1 - h2)
    log_determinant = np.log(scale).sum(axis=1) + n_zero * np.log1p(-h2)
    return -0.5 * (spectrum.n_degrees * np.log(squares) + log_determinant)


def blup_weights(spectrum: Spectrum, h2: float) -> NDArray[np.float64]:
    """Best linear unbiased predictors of the effects of the standardised variants (n_variants,).

    They are those of a ridge regression with penalty ``n_variants * (1 - h2) / h2``.
    """
    if h2 == 0:
        return np.zeros(len(spectrum.vectors))
    return spectrum.vectors @ (spectrum.projections * spectrum.values / (spectrum.values + (1 - h2) / h2))


def _standard_error(spectrum: Spectrum, h2: float) -> float:
    """Of h2, the total variance unknown, by the expected information."""
    n_zero = spectrum.n_degrees - len(spectrum.values)
    slopes = np.concatenate([(spectrum.values - 1) / (1 + h2 * (spectrum.values - 1)), np.full(n_zero, -1 / (1 - h2))])
    information = 0.5 * ((slopes**2).sum() - slopes.sum() ** 2 / spectrum.n_degrees)
    return float(1 / np.sqrt(information)) if information > 0 else float("nan")
