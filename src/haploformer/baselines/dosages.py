"""Dosages as a regression sees them: frequent, filled, adjusted, standardised, all by the training people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haploformer.adjustment import Residualise

#: Share of its sd, of a variant or any other column, that the covariates must leave; below it the rest is rounding.
LEFT_BY_COVARIATES = 1e-6


@dataclass(frozen=True, eq=False)
class StandardisedDosages:
    """Usable variants of a cis window, for everybody.

    Attributes
    ----------
    values : float64 (n_individuals, n_usable)
        Adjusted dosages, mean 0 and sd 1 (ddof 0) over the training people.
    variants : int64 (n_usable,)
        Their columns among the dosages that came.
    frequency : float64 (n_usable,)
        ALT frequency in the training people.
    mean, sd : float64 (n_usable,)
        Of the adjusted dosages of the training people.
    """

    values: NDArray[np.float64]
    variants: NDArray[np.int64]
    frequency: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]


def check_dosages(dosages: NDArray[np.floating]) -> None:
    """Raise ValueError unless these are dosages: two axes, each value from 0 to 2 or NaN."""
    if dosages.ndim != 2:
        raise ValueError(f"dosages are {dosages.shape}; expected (n_individuals, n_variants)")
    wrong = ~(np.isnan(dosages) | ((dosages >= 0) & (dosages <= 2)))
    if wrong.any():
        person, variant = np.argwhere(wrong)[0]
        raise ValueError(
            f"dosage {dosages[person, variant]} of variant {variant} in individual {person}; expected 0 to 2, "
            "or NaN where missing"
        )


def standardise_dosages(
    dosages: NDArray[np.floating], train: NDArray[np.bool_], *, residualise: Residualise, min_maf: float
) -> StandardisedDosages:
    """Filter, fill, adjust and standardise dosages by what the training people show.

    A variant is usable if its minor allele frequency in training is ``min_maf`` or more, if it is not monomorphic
    there, and if the covariates do not explain it. A missing dosage becomes twice the training frequency.

    Parameters
    ----------
    dosages : floating (n_individuals, n_variants)
        Counts of the ALT allele, 0 to 2, NaN where missing.
    train : bool (n_individuals,)
    residualise : callable
        Residuals with coefficients of the same training people.
    min_maf : float
        In training; PrediXcan uses 0.01.

    Returns
    -------
    StandardisedDosages
        Perhaps without any variant.

    References: docs/methods.md, "Genetic baselines".
    """
    raw = np.asarray(dosages, dtype=np.float64)
    missing = np.isnan(raw)
    raw = np.where(missing, 0.0, raw)
    n_alleles = 2 * (~missing[train]).sum(axis=0)
    n_alt = raw[train].sum(axis=0)
    minor = np.minimum(n_alt, n_alleles - n_alt)
    variants = np.flatnonzero((minor > 0) & (minor >= min_maf * n_alleles))
    frequency = n_alt[variants] / n_alleles[variants]

    filled = np.where(missing[:, variants], 2 * frequency, raw[:, variants])
    adjusted = residualise(filled)
    mean, sd = adjusted[train].mean(axis=0), adjusted[train].std(axis=0)
    usable = sd > LEFT_BY_COVARIATES * np.maximum(filled[train].std(axis=0), LEFT_BY_COVARIATES)
    if not usable.all():
        variants, frequency, mean, sd = variants[usable], frequency[usable], mean[usable], sd[usable]
        adjusted = adjusted[:, usable]
    return StandardisedDosages((adjusted - mean) / sd, variants, frequency, mean, sd)
