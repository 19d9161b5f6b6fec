"""r of stacks whose weights come from other genes: of seen people, of unseen ones, of unseen populations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.evaluation.metrics import within_fold_r

COLUMNS = ["gene_id", "model", "people", "population", "gene_fold", "n", "pearson_r", "n_constant_folds"]


@dataclass(frozen=True, eq=False)
class SharedSeed:
    """Predictions of one fold seed; the arrays are those of `haploformer.stacking.shared.SharedPrediction`.

    Attributes
    ----------
    unseen : float64 (n_genes, n_individuals)
    seen, measured : float64 (n_folds, n_genes, n_individuals)
    folds : int (n_individuals,)
    """

    unseen: NDArray[np.float64]
    seen: NDArray[np.float64]
    measured: NDArray[np.float64]
    folds: NDArray[np.int64]


def score_shared(
    seeds: Sequence[SharedSeed], gene_ids: Sequence[str], gene_folds: NDArray[np.int64], *, model: str
) -> pd.DataFrame:
    """r of each gene among seen and unseen people, within folds, then the mean over fold seeds.

    Among seen people r is taken within inner folds, for the weights of each outer fold, and averaged over these.

    Returns
    -------
    DataFrame, schema ``shared_stack_scores``
    """
    r, constant = np.zeros((2, 2, len(gene_ids)))
    for seed in seeds:
        own = seed.measured[seed.folds, :, np.arange(len(seed.folds))].T
        found = within_fold_r(seed.unseen, own, seed.folds)
        r[1] += found.pearson
        constant[1] += found.n_constant_folds
        for fold in range(len(seed.seen)):
            train = seed.folds != fold
            found = within_fold_r(seed.seen[fold][:, train], seed.measured[fold][:, train], seed.folds[train])
            r[0] += found.pearson / len(seed.seen)
            constant[0] += found.n_constant_folds
    n = len(seeds[0].folds)
    tables = [
        _rows(gene_ids, gene_folds, model, people, None, n, r[i] / len(seeds), constant[i])
        for i, people in enumerate(("seen", "unseen"))
    ]
    return pd.concat(tables, ignore_index=True)


def score_shared_population(
    seed: SharedSeed,
    held_out: NDArray[np.bool_],
    gene_ids: Sequence[str],
    gene_folds: NDArray[np.int64],
    *,
    model: str,
    population: str,
) -> pd.DataFrame:
    """r of each gene among the people (n_individuals,) of a population, all in the last fold, that was not trained on.

    Returns
    -------
    DataFrame, schema ``shared_stack_scores``
    """
    found = within_fold_r(seed.unseen[:, held_out], seed.measured[-1][:, held_out], np.zeros(held_out.sum(), np.int64))
    n, r, constant = int(held_out.sum()), found.pearson, found.n_constant_folds
    return _rows(gene_ids, gene_folds, model, "unseen population", population, n, r, constant)


def score_shared_seeds(
    seeds: Mapping[int, SharedSeed],
    person_folds: pd.DataFrame,
    individual_ids: Sequence[str],
    gene_ids: Sequence[str],
    gene_folds: NDArray[np.int64],
    *,
    model: str,
) -> pd.DataFrame:
    """`score_shared` over all fold seeds; where each seed holds a population out, `score_shared_population` of each.

    Parameters
    ----------
    seeds : mapping of fold seed to SharedSeed
    person_folds : DataFrame, schema ``person_folds`` or ``population_folds``

    Returns
    -------
    DataFrame, schema ``shared_stack_scores``
    """
    if "held_out" not in person_folds.columns:
        return score_shared(list(seeds.values()), gene_ids, gene_folds, model=model)
    tables = []
    for number, seed in seeds.items():
        rows = person_folds[person_folds["fold_seed"] == number].set_index("individual_id").loc[list(individual_ids)]
        held_out, population = rows["held_out"].to_numpy(dtype=bool), str(rows["population"].iloc[0])
        tables.append(score_shared_population(seed, held_out, gene_ids, gene_folds, model=model, population=population))
    return pd.concat(tables, ignore_index=True)


def no_shared_scores() -> pd.DataFrame:
    """The table of a study in which genes cannot be held out."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})


def _rows(
    gene_ids: Sequence[str],
    gene_folds: NDArray[np.int64],
    model: str,
    people: str,
    population: str | None,
    n: int,
    r: NDArray[np.float64],
    constant: NDArray[np.floating] | NDArray[np.integer],
) -> pd.DataFrame:
    table = pd.DataFrame({"gene_id": list(gene_ids), "gene_fold": gene_folds, "pearson_r": r})
    table["n_constant_folds"] = constant.astype(np.int64)
    return table.assign(model=model, people=people, population=population, n=n)[COLUMNS]
