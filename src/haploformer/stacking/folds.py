"""Outer folds by person, the same for every gene and model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError

#: The r of a fold has weight n - 3 (Fisher z), so that fewer people cannot be scored.
MIN_PEOPLE_PER_FOLD = 4


def assign_person_folds(
    individual_ids: Sequence[str],
    strata: Sequence[str | None],
    *,
    n_folds: int,
    seeds: Sequence[int],
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Deal people into balanced, stratified folds, once for each seed; groups stay together.

    Groups of several people come first, the largest first. Then the people of a stratum are shuffled and dealt round,
    and the next stratum goes on where the last one stopped: without groups both the folds and each stratum's share of
    them differ by one person at most. The order in which people come has no effect.

    Parameters
    ----------
    individual_ids : sequence of str (n_individuals,)
    strata : sequence of str or None (n_individuals,)
        For example the population. People without one (None, NaN) are a stratum of their own.
    n_folds : int
        At least 2.
    seeds : sequence of int
        One assignment for each; any one of them alone gives the same folds.
    groups : sequence of str (n_individuals,), optional
        People of one group share a fold: duplicates and relatives (`haploformer.stacking.relatives`). Everybody is alone
        if not given.

    Returns
    -------
    DataFrame, schema ``person_folds``
        ``individual_id``, ``fold_seed``, ``fold``, sorted by seed as given, then by individual.

    Raises
    ------
    InputError
        If there are fewer than four people to a fold, also because groups are large, an id or a seed occurs twice, or no
        seed is given.
    ValueError
        If the strata or the groups are not one per person.
    """
    _check_people(individual_ids, n_folds, seeds)
    groups = individual_ids if groups is None else groups
    if not len(strata) == len(groups) == len(individual_ids):
        raise ValueError(f"{len(strata)} strata and {len(groups)} groups for {len(individual_ids)} individuals")
    people = sorted(zip(map(str, individual_ids), strata, groups, strict=True), key=lambda person: person[0])
    ids = [individual for individual, _, _ in people]
    labels = np.array(["" if pd.isna(stratum) else f"={stratum}" for _, stratum, _ in people])
    units = _people_of_groups([group for _, _, group in people])
    tables = []
    for seed in seeds:
        folds = _deal(labels, units, n_folds, seed)
        _check_sizes(folds, n_folds, max(map(len, units)))
        tables.append(pd.DataFrame({"individual_id": ids, "fold_seed": seed, "fold": folds}))
    return pd.concat(tables, ignore_index=True)


def hold_out_populations(
    person_folds: pd.DataFrame,
    individuals: pd.DataFrame,
    groups: Mapping[str, str],
    *,
    populations: Sequence[str] | None,
) -> pd.DataFrame:
    """One assignment per population: its people are the last fold, the others keep the folds of the first seed.

    What is predicted for the last fold then comes from people of the other populations alone, inner folds included.

    Parameters
    ----------
    person_folds : DataFrame, schema ``person_folds``
    individuals : DataFrame, schema ``individuals``
        People without a population are always in training.
    groups : mapping of individual id to group
        A relative of the population's people, from another one, is in the last fold too, not trained on, and not
        ``held_out``: not scored.
    populations : sequence of str, optional
        Those to hold out; if not given, every one with at least four people that leaves four to each fold.

    Returns
    -------
    DataFrame, schema ``population_folds``
        ``fold_seed`` counts the populations in the order of their names; ``held_out`` is true for their people.

    Raises
    ------
    InputError
        If a population that is asked for is not there, has fewer than four people, or leaves fewer than four to a fold;
        if none can be held out.
    """
    first = person_folds[person_folds["fold_seed"] == person_folds["fold_seed"].iloc[0]]
    of_person = individuals.set_index("individual_id")["population"].reindex(first["individual_id"]).to_numpy()
    names = sorted(pd.unique(of_person[~pd.isna(of_person)]))
    wanted = names if populations is None else list(populations)
    tables, problems = [], {}
    for number, population in enumerate(sorted(wanted)):
        held_out = of_person == population
        relatives = {groups[i] for i in first["individual_id"][held_out]}
        last = held_out | np.array([groups[i] in relatives for i in first["individual_id"]], dtype=bool)
        folds = first["fold"].to_numpy()
        problem = _cannot_hold_out(int(held_out.sum()), folds[~last], int(folds.max()) + 1, names, population)
        if problem:
            problems[population] = problem
            continue
        table = pd.DataFrame({"individual_id": first["individual_id"].to_numpy(), "fold_seed": number})
        table["fold"] = np.where(last, folds.max() + 1, folds)
        tables.append(table.assign(population=population, held_out=held_out))
    if problems and (populations is not None or not tables):
        population, problem = next(iter(problems.items()))
        raise InputError(
            f"population {population}",
            problem,
            "hold out another one (evaluation.held_out_populations), or give more people",
        )
    if not tables:
        raise InputError("individuals", "nobody has a population", "give a sample panel that tells populations")
    return pd.concat(tables, ignore_index=True)


def _cannot_hold_out(
    n_held_out: int, others: NDArray[np.int64], n_folds: int, names: Sequence[str], population: str
) -> str:
    """Why a population cannot be held out; empty if it can."""
    if population not in names:
        return f"nobody is of it (there are: {', '.join(names) or 'none'})"
    if n_held_out < MIN_PEOPLE_PER_FOLD:
        return f"{n_held_out} {'person' if n_held_out == 1 else 'people'} there; an r needs {MIN_PEOPLE_PER_FOLD}"
    fewest = int(np.bincount(others, minlength=n_folds).min())
    if fewest < MIN_PEOPLE_PER_FOLD:
        return f"the others are {len(others)}, {fewest} in a fold; {MIN_PEOPLE_PER_FOLD} are needed"
    return ""


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


def _people_of_groups(groups: Sequence[str]) -> list[NDArray[np.intp]]:
    """Places of the people of each group, in the order of their first member."""
    codes, _ = pd.factorize(np.asarray(groups, dtype=object))
    return [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]


def _deal(labels: NDArray[np.str_], units: Sequence[NDArray[np.intp]], n_folds: int, seed: int) -> NDArray[np.int64]:
    """Fold (n_individuals,) of people with these strata, in these groups.

    Each unit goes where its strata have fewest people so far, of these folds to the one with fewest people at all.
    """
    rng = np.random.default_rng(seed)
    strata, label = np.unique(labels, return_inverse=True)
    order = np.concatenate([rng.permutation(np.flatnonzero(label == s)) for s in range(len(strata))])
    rank = np.argsort(rng.permutation(n_folds))
    unit_of = {int(unit[0]): unit for unit in units}
    queue = [unit_of[person] for person in order if person in unit_of]
    queue.sort(key=len, reverse=True)
    folds = np.full(len(labels), -1, dtype=np.int64)
    of_stratum = np.zeros((len(strata), n_folds), dtype=np.int64)
    for unit in queue:
        crowd = of_stratum[label[unit]].sum(axis=0)
        fold = int(np.lexsort((rank, of_stratum.sum(axis=0), crowd))[0])
        folds[unit] = fold
        of_stratum[:, fold] += np.bincount(label[unit], minlength=len(strata))
    return folds


def _check_sizes(folds: NDArray[np.int64], n_folds: int, largest: int) -> None:
    smallest = int(np.bincount(folds, minlength=n_folds).min())
    if smallest < MIN_PEOPLE_PER_FOLD:
        raise InputError(
            "person_folds",
            f"a fold has {smallest} people, {MIN_PEOPLE_PER_FOLD} are needed; the largest group of relatives has "
            f"{largest} of {len(folds)}",
            "use fewer folds, or a higher evaluation.min_kinship or min_estimated_kinship",
        )


def folds_by_seed(person_folds: pd.DataFrame, individual_ids: Sequence[str]) -> dict[int, NDArray[np.int64]]:
    """`select_folds` for every fold seed of the table, in the order of their first rows."""
    seeds = person_folds["fold_seed"].unique().tolist()
    return {int(seed): select_folds(person_folds, individual_ids, fold_seed=seed) for seed in seeds}
