"""The sum of variants' effects as a linear model of a person's prediction, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.evaluation.metrics import pearson, within_fold_r

#: Under this correlation with the exact predictions a linear form is marked.
FAITHFUL_R = 0.9


@dataclass(frozen=True, eq=False)
class LinearForm:
    """One gene's linear form: ``intercept + dosages @ weights``. No covariates and no principal components.

    Attributes
    ----------
    intercept : float
        The prediction of a person without any ALT.
    weights : float64 (n_variants,)
        Per copy of ALT.
    """

    intercept: float
    weights: NDArray[np.float64]

    def predict(self, dosages: NDArray[np.floating]) -> NDArray[np.float64]:
        """Predictions (n_individuals,) from counts of ALT (n_individuals, n_variants); a missing one counts as 0.

        A missing allele is read as reference where haplotypes are built; ``no-mean-imputation`` of PLINK does the same.
        """
        if dosages.shape[1] != len(self.weights):
            raise ValueError(f"dosages of {dosages.shape[1]} variants; there are {len(self.weights)} weights")
        return self.intercept + np.nan_to_num(np.asarray(dosages, np.float64)) @ self.weights


def additive_form(reference: float, effects: NDArray[np.floating]) -> LinearForm:
    """The linear form of single-variant effects.

    Parameters
    ----------
    reference : float
        Coverage predicted for the reference window.
    effects : floating (n_variants,)
        Coverage with ALT less coverage with REF, everything else as in the reference.

    Returns
    -------
    LinearForm
        A person's prediction is the mean of two haplotypes', so that one copy counts half of the effect.
    """
    if not (np.isfinite(reference) and np.isfinite(effects).all()):
        raise ValueError("the reference's prediction and all effects must be finite")
    return LinearForm(float(reference), np.asarray(effects, np.float64) / 2)


def compare_forms(
    linear: Mapping[str, NDArray[np.floating]],
    exact: Mapping[str, NDArray[np.floating]],
    *,
    n_variants: Mapping[str, int],
    floor: float = FAITHFUL_R,
    folds: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """How near each gene's linear form comes to the exact predictions of the same people.

    Parameters
    ----------
    linear, exact : mapping of gene id to floating (n_individuals,)
    n_variants : mapping of gene id to int
        Variants with a weight.
    floor : float
        Under this r a gene is marked.
    folds : int64 (n_individuals,), optional
        Where linear predictions are out of fold: r is taken within folds, for the means of folds go against each other.

    Returns
    -------
    DataFrame, schema ``linear_faithfulness``
        ``r`` is null where one side is the same for everybody. ``slope``: exact on linear, 1 where effects add up.
        ``largest_difference``: of the two sides' deviations from their means, in sds of the exact side. ``faithful``:
        r reaches the floor.

    Raises
    ------
    ValueError
        If genes or shapes differ.
    """
    if set(linear) != set(exact):
        raise ValueError("linear and exact predictions are of different genes")
    rows = []
    for gene_id, sums in linear.items():
        truth = np.asarray(exact[gene_id], np.float64)
        sums = np.asarray(sums, np.float64)
        r = float(pearson(sums, truth))
        if folds is not None and np.isfinite(r):
            r = float(within_fold_r(sums[None], truth[None], folds).pearson[0])
        apart = (sums - sums.mean()) - (truth - truth.mean())
        defined = bool(np.isfinite(r))
        rows.append(
            {
                "gene_id": gene_id,
                "n": len(truth),
                "n_variants": n_variants[gene_id],
                "r": r,
                "slope": r * truth.std() / sums.std() if defined else np.nan,
                "largest_difference": np.abs(apart).max() / truth.std() if defined else np.nan,
                "faithful": defined and r >= floor,
            }
        )
    columns = ["gene_id", "n", "n_variants", "r", "slope", "largest_difference", "faithful"]
    return pd.DataFrame(rows, columns=columns)
