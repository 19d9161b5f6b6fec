"""Outer folds by person, the same for every gene and model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError

#: The r of a fold has weight n - 3 (Fisher z), so that fewer people cannot be scored.
MIN_PEOPLE_PER_FOLD = 4


def assign_person_folds(
    individual_ids: Sequence[str], strata: Sequence[str | None], *, n_folds: int, seeds: Sequence[int]
) -> pd.DataFrame:
    """Deal people into balanced, stratified folds, once for each seed.

    The people of a stratum are shuffled and dealt round, and the next stratum goes on where the last one stopped: both
    the folds and each stratum's share of them differ by one person at most. The order in which people come has no
    effect. Relatives are not looked for: kinship needs at least 10,000 LD-pruned SNPs on three chromosomes
    (docs/methods.md, "Folds and cross-fitting").

    Parameters
    ----------
    individual_ids : sequence of str (n_individuals,)
    strata : sequence of str or None (n_individuals,)
        For example the population. People without one (None, NaN) are a stratum of their own.
    n_folds : int
        At least 2.
    seeds : sequence of int
        One assignment for each; any one of them alone gives the same folds.

    Returns
    -------
    DataFrame, schema ``person_folds``
        ``individual_id``, ``fold_seed``, ``fold``, sorted by seed as given, then by individual.

    Raises
    ------
    InputError
        If there are fewer than four people to a fold, an id or a seed occurs twice, or no seed is given.
    ValueError
        If the strata are not one per person.
    """
    _check_people(individual_ids, n_folds, seeds)
    if len(strata) != len(individual_ids):
        raise ValueError(f"{len(strata)} strata for {len(individual_ids)} individuals")
    people = sorted(zip(map(str, individual_ids), strata, strict=True), key=lambda person: person[0])
    ids = [individual for individual, _ in people]
    labels = np.array(["" if pd.isna(stratum) else f"={stratum}" for _, stratum in people])
    tables = [
        pd.DataFrame({"individual_id": ids, "fold_seed": seed, "fold": _deal(labels, n_folds, seed)}) for seed in seeds
    ]
    return pd.concat(tables, ignore_index=True)


def select_folds(person_folds: pd.DataFrame, individual_ids: Sequence[str], *, fold_seed: int) -> NDArray[np.int64]:
    """Fold of each individual under one seed.

    Parameters
    ----------
    person_folds : DataFrame, schema ``person_folds``
    individual_ids : sequence of str (n_individuals,)
    fold_seed : int

    Returns
    -------
    int64 (n_individuals,)

    Raises
    ------
    InputError
        If an individual has no fold under this seed.
    """
    rows = person_folds[person_folds["fold_seed"] == fold_seed]
    found = pd.Series(rows["fold"].to_numpy(), index=rows["individual_id"]).reindex(list(individual_ids))
    if found.isna().any():
        raise InputError(
            f"person_folds: fold_seed {fold_seed}",
            f"{int(found.isna().sum())} individuals have no fold (first: {found.index[found.isna()][0]})",
            "assign the folds again for these people",
        )
    return found.to_numpy(dtype=np.int64)


def _check_people(individual_ids: Sequence[str], n_folds: int, seeds: Sequence[int]) -> None:
    if n_folds < 2:
        raise InputError("n_folds", f"{n_folds} given, at least 2 needed", "use 5")
    if len(individual_ids) < n_folds * MIN_PEOPLE_PER_FOLD:
        raise InputError(
            "person_folds",
            f"{len(individual_ids)} individuals for {n_folds} folds; the r of a fold needs "
            f"{MIN_PEOPLE_PER_FOLD} people",
            "use fewer folds or more people",
        )
    if not len(seeds):
        raise InputError("fold_seeds", "none given", "give at least one seed")
    for name, items in (("individual_id", individual_ids), ("fold_seed", seeds)):
        repeated = pd.Index(items)[pd.Index(items).duplicated()]
        if len(repeated):
            raise InputError(f"{name} {repeated[0]}", "occurs twice", "give each one once")


def _deal(labels: NDArray[np.str_], n_folds: int, seed: int) -> NDArray[np.int64]:
    """Fold (n_individuals,) of people with these strata."""
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(np.flatnonzero(labels == stratum)) for stratum in np.unique(labels)])
    folds = np.empty(len(labels), dtype=np.int64)
    folds[order] = rng.permutation(n_folds)[np.arange(len(labels)) % n_folds]
    return folds


def folds_by_seed(person_folds: pd.DataFrame, individual_ids: Sequence[str]) -> dict[int, NDArray[np.int64]]:
    """`select_folds` for every fold seed of the table, in the order of their first rows."""
    seeds = person_folds["fold_seed"].unique().tolist()
    return {int(seed): select_folds(person_folds, individual_ids, fold_seed=seed) for seed in seeds}
