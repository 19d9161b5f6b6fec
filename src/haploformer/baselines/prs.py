"""Polygenic score by clumping and thresholding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from haploformer.baselines.training import Candidates, TrainingSet

#: As in PrediXcan (Gamazon et al. 2015); the top SNP comes before them.
THRESHOLDS = (1e-4, 1e-3, 0.01, 0.05, 0.5, 1.0)


@dataclass(frozen=True)
class Prs:
    """Sum of beta x dosage over clumped variants with a p-value up to a threshold.

    Beta and p are those of the regression of expression on one variant at a time. The first candidate is the top SNP
    alone, the others are the thresholds; one that no variant meets falls back to the top SNP. A sum of single
    regressions has no scale to be compared with expression, so that the threshold is chosen by correlation.

    Attributes
    ----------
    clump_r2 : float
        A variant is left out if its r2 with a better one that is kept is this or more.
    clump_distance : int
        Bases within which that counts.
    min_maf : float
        In training people.
    name : str
        The model's name in every table.

    References: Purcell et al. 2007 (PLINK); Gamazon et al. 2015; docs/methods.md, "Genetic baselines".
    """

    clump_r2: float = 0.1
    clump_distance: int = 250_000
    min_maf: float = 0.01
    name: str = "prs"
    criterion: Literal["squared_error", "correlation"] = "correlation"

    @property
    def n_candidates(self) -> int:
        """The top SNP, and one candidate per threshold."""
        return 1 + len(THRESHOLDS)

    def fit_candidates(self, training: TrainingSet) -> Candidates:
        """Weights of the standardised variants for the top SNP and each threshold; see ``DosageModel``.

        ``settings`` are the thresholds, 0 for the top SNP.
        """
        r = training.correlation
        kept = clump(
            np.abs(r),
            training.linkage,
            training.positions,
            r2=self.clump_r2,
            distance=self.clump_distance,
        )
        p = association_p(r[kept], n_degrees=training.n_degrees)
        weights = np.zeros((len(r), self.n_candidates))
        fell_back = np.zeros(self.n_candidates, dtype=bool)
        for candidate, threshold in enumerate((0.0, *THRESHOLDS)):
            used = kept[p <= threshold] if candidate else kept[:1]
            fell_back[candidate] = len(used) == 0
            used = used if len(used) else kept[:1]
            weights[used, candidate] = r[used]
        return Candidates.of(weights, (0.0, *THRESHOLDS), fell_back)


def clump(
    strength: NDArray[np.float64],
    linkage: NDArray[np.float64],
    positions: NDArray[np.int64],
    *,
    r2: float,
    distance: int,
) -> NDArray[np.intp]:
    """Variants that stand for all others, the strongest first.

    The strongest variant left is kept, and those near it that are correlated with it are left out, until none is left:
    `plink --clump` with p1 = p2 = 1.

    Parameters
    ----------
    strength : float64 (n_variants,)
        The larger the stronger, for example the absolute correlation. Of equally strong ones the first is kept.
    linkage : float64 (n_variants, n_variants)
        Correlation of the variants.
    positions : int64 (n_variants,)
    r2 : float
        From this on a variant is left out.
    distance : int
        Bases up to which this counts.

    Returns
    -------
    intp (n_kept,)
        Columns, falling in strength.
    """
    left = np.ones(len(strength), dtype=bool)
    kept = []
    for best in np.argsort(-strength, kind="stable"):
        if left[best]:
            kept.append(best)
            near = np.abs(positions - positions[best]) <= distance
            left &= ~(near & (linkage[best] ** 2 >= r2))
            left[best] = False
    return np.array(kept, dtype=np.intp)


def association_p(correlation: NDArray[np.float64], *, n_degrees: int) -> NDArray[np.float64]:
    """Two-sided p of the slope of each single regression.

    Parameters
    ----------
    correlation : float64 (n,)
        Of expression and variant, both adjusted for covariates.
    n_degrees : int
        That covariates and mean leave; the slope takes one more.
    """
    left = max(n_degrees - 1, 1)
    unexplained = np.maximum(1 - correlation**2, np.finfo(np.float64).tiny)
    return 2 * student_t.sf(np.abs(correlation) * np.sqrt(left / unexplained), left)
