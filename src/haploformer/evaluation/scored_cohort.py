"""Both sides of every score as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError


@dataclass(frozen=True, eq=False)
class ScoredSeed:
    """One assignment to folds.

    Attributes
    ----------
    folds : int64 (n_individuals,)
    measured : float64 (n_genes, n_individuals)
    predicted : float64 (n_models, n_genes, n_individuals)
    """

    folds: NDArray[np.int64]
    measured: NDArray[np.float64]
    predicted: NDArray[np.float64]

    def people_of_folds(self) -> list[NDArray[np.intp]]:
        """Places of the people of each fold."""
        return [np.flatnonzero(self.folds == fold) for fold in np.unique(self.folds)]


@dataclass(frozen=True, eq=False)
class ScoredCohort:
    """Every model, gene and person of ``scored_predictions``.

    Attributes
    ----------
    models, gene_ids, individual_ids : tuple of str
        The axes, in the order of their first rows.
    seeds : mapping of fold seed to ScoredSeed
    """

    models: tuple[str, ...]
    gene_ids: tuple[str, ...]
    individual_ids: tuple[str, ...]
    seeds: Mapping[int, ScoredSeed]


def lay_out_scored(scored: pd.DataFrame) -> ScoredCohort:
    """Lay out the long table.

    Parameters
    ----------
    scored : DataFrame, schema ``scored_predictions``
        Every model has every gene and person in every fold seed.

    Raises
    ------
    InputError
        If a value is missing or not finite: nothing is averaged over holes.
    """
    axes = [pd.Index(scored[name].unique()) for name in ("model", "gene_id", "individual_id")]
    shape = tuple(map(len, axes))
    seeds = {}
    for seed, rows in scored.groupby("fold_seed", sort=False):
        place = tuple(
            axis.get_indexer(rows[name]) for axis, name in zip(axes, ("model", "gene_id", "individual_id"), strict=True)
        )
        sides = {}
        for side in ("predicted", "measured", "fold"):
            values = np.full(shape, np.nan)
            values[place] = rows[side].to_numpy(dtype=np.float64)
            if not np.isfinite(values).all():
                i, j, k = np.argwhere(~np.isfinite(values))[0]
                raise InputError(
                    f"model {axes[0][i]}, fold_seed {seed}, gene_id {axes[1][j]}, individual_id {axes[2][k]}",
                    f"no finite {side} value ({int((~np.isfinite(values)).sum())} such of {values.size})",
                    "score every model on every gene and individual",
                )
            sides[side] = values
        folds = sides["fold"][0, 0].astype(np.int64)
        seeds[int(str(seed))] = ScoredSeed(folds, sides["measured"][0], sides["predicted"])
    models, gene_ids, individual_ids = (tuple(map(str, axis)) for axis in axes)
    return ScoredCohort(models, gene_ids, individual_ids, seeds)
