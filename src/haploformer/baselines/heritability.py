"""Share of each gene's expression that its cis variants explain, with everybody in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.baselines.cohort import map_genes
from haploformer.baselines.crossfit import AdjustWithDegrees
from haploformer.baselines.dosages import check_dosages, standardise_dosages
from haploformer.baselines.reml import RemlFit, decompose, fit_reml
from haploformer.baselines.training import TrainingSet

#: Share of its size by which adjusted expression must vary; below it the rest is rounding.
_VARIES = 1e-10

_COLUMNS = ["gene_id", "cis_window", "h2", "se", "n", "n_variants", "at_boundary"]


def estimate_heritability(
    dosages: NDArray[np.floating], expression: NDArray[np.float64], adjust: AdjustWithDegrees, *, min_maf: float
) -> tuple[RemlFit | None, int]:
    """REML heritability of one gene over all people, and the number of variants that it rests on.

    Parameters
    ----------
    dosages : floating (n_individuals, n_variants)
        Counts of the ALT allele, 0 to 2, NaN where missing.
    expression : float64 (n_individuals,)
        Measured, not adjusted, finite.
    adjust : callable
        Residuals on covariates and degrees of freedom of a training set; here it is everybody.
    min_maf : float

    Returns
    -------
    RemlFit or None, int
        None where nothing can be said: no usable variant, or constant expression.

    References: docs/methods.md, "Heritability".
    """
    check_dosages(dosages)
    everybody = np.ones(len(expression), dtype=bool)
    residualise, n_degrees = adjust(everybody)
    normalised = residualise.normalise(expression)
    measured = residualise(normalised)
    usable = standardise_dosages(dosages, everybody, residualise=residualise, min_maf=min_maf)
    n_variants, sd = len(usable.variants), float(measured.std())
    if n_variants == 0 or sd <= _VARIES * np.abs(normalised).max():
        return None, n_variants
    places = np.zeros(n_variants, dtype=np.int64)
    people = TrainingSet(usable.values, (measured - measured.mean()) / sd, places, n_degrees)
    return fit_reml(decompose(people)), n_variants


def heritability_table(
    dosages_of: Callable[[str], tuple[pd.DataFrame, NDArray[np.float32]]],
    expression: Mapping[str, NDArray[np.float64]],
    adjust: AdjustWithDegrees,
    *,
    min_maf: float,
    cis_window: int,
    n_threads: int = 1,
) -> pd.DataFrame:
    """REML heritability of every gene.

    Parameters
    ----------
    dosages_of : callable
        From a gene id to its variants and dosages (n_individuals, n_variants).
    expression : mapping of gene id to float64 (n_individuals,)
    adjust : callable
        As of `estimate_heritability`.
    min_maf : float
    cis_window : int
        Bases of the window that the dosages are of, for the table.
    n_threads : int

    Returns
    -------
    DataFrame, schema ``cis_heritability``
        ``h2`` and ``se`` are null where nothing can be said.
    """

    def row(gene_id: str) -> tuple[str, int, float, float, int, int, bool]:
        measured = expression[gene_id]
        fit, n_variants = estimate_heritability(dosages_of(gene_id)[1], measured, adjust, min_maf=min_maf)
        found = RemlFit(np.nan, np.nan, False) if fit is None else fit
        return gene_id, cis_window, found.h2, found.se, len(measured), n_variants, found.at_boundary

    return pd.DataFrame(map_genes(row, list(expression), n_threads=n_threads), columns=_COLUMNS)
