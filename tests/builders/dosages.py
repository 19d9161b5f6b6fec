"""Small cis windows with linkage, and expression with a known genetic part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm


def simulate_dosages(
    rng: np.random.Generator, n_individuals: int, n_variants: int, *, linkage: float = 0.9, missing: float = 0.0
) -> NDArray[np.float32]:
    """Dosages (n_individuals, n_variants) of two haplotypes, neighbours correlated; NaN where missing."""
    threshold = norm.ppf(1 - rng.uniform(0.05, 0.5, n_variants))
    dosages = np.zeros((n_individuals, n_variants), dtype=np.float32)
    for _ in range(2):
        latent = rng.normal(size=(n_individuals, n_variants))
        for v in range(1, n_variants):
            latent[:, v] = linkage * latent[:, v - 1] + np.sqrt(1 - linkage**2) * latent[:, v]
        dosages += latent > threshold
    dosages[rng.random(dosages.shape) < missing] = np.nan
    return dosages


def simulate_expression(
    rng: np.random.Generator, dosages: NDArray[np.float32], *, causal: int, heritability: float
) -> NDArray[np.float64]:
    """Expression (n_individuals,) of which one variant explains the share ``heritability``."""
    effect = np.nan_to_num(dosages[:, causal].astype(float), nan=1.0)
    effect = (effect - effect.mean()) / effect.std()
    return np.sqrt(heritability) * effect + np.sqrt(1 - heritability) * rng.normal(size=len(effect))


def deal_folds(rng: np.random.Generator, n_individuals: int, n_folds: int = 5) -> NDArray[np.int64]:
    """Balanced folds (n_individuals,)."""
    return rng.permutation(np.arange(n_individuals) % n_folds)
