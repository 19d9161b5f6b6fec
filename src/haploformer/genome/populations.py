"""Two groups of a cohort's people, by population; and what populations are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from haploformer.errors import InputError

#: Populations of the 1000 Genomes project (phase 3) by continental group.
_GROUPS = {
    "African": ("ACB", "ASW", "ESN", "GWD", "LWK", "MSL", "YRI"),
    "American": ("CLM", "MXL", "PEL", "PUR"),
    "East Asian": ("CDX", "CHB", "CHS", "JPT", "KHV"),
    "European": ("CEU", "FIN", "GBR", "IBS", "TSI"),
    "South Asian": ("BEB", "GIH", "ITU", "PJL", "STU"),
}

#: The group's name where everybody else is meant.
REST = "the others"


@dataclass(frozen=True)
class Groups:
    """Two groups of people.

    Attributes
    ----------
    first, second : str
        What they are called: populations joined by ``+``, or `REST`.
    of_person : dict of individual_id to ``first`` or ``second``
        Nobody else.
    sizes : dict of population to int
        People of each population of the cohort, largest first.
    """

    first: str
    second: str
    of_person: dict[str, str]
    sizes: dict[str, int]

    def size(self, group: str) -> int:
        """People of one of both."""
        return sum(name == group for name in self.of_person.values())


def choose_groups(individuals: pd.DataFrame, first: Sequence[str] | None, second: Sequence[str] | None) -> Groups:
    """The people of both groups.

    Parameters
    ----------
    individuals : DataFrame
        ``individual_id, population``; null where none is known.
    first, second : sequence of str, optional
        Populations; without a second, everybody else who has one.

    Raises
    ------
    InputError
        If nobody has a population, no first group is given, a population has nobody, or nobody is left for the second.
    """
    where = "parameters:population_effects"
    known = individuals.dropna(subset="population")
    sizes = {str(name): int(n) for name, n in known["population"].value_counts(sort=False).items()}
    sizes = dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
    there = ", ".join(f"{name} {n}" for name, n in sizes.items()) or "none"
    if not sizes:
        raise InputError(where, "nobody of the cohort has a population", "give a panel (sample_panel) that tells them")
    if first is None:
        raise InputError(
            f"{where}.first",
            f"no population is given (there are: {there})",
            "name one, or several joined by +: --params population_effects.first=NAME,population_effects.second=NAME",
        )
    for name, group in (("first", first), ("second", second)):
        absent = [population for population in group or () if population not in sizes]
        if absent:
            raise InputError(f"{where}.{name}", f"nobody is of {absent[0]} (there are: {there})", "correct the name")
    of_second = list(second) if second is not None else [name for name in sizes if name not in first]
    if not of_second:
        raise InputError(f"{where}.first", f"nobody is left to compare with (there are: {there})", "name fewer")
    names = "+".join(first), REST if second is None else "+".join(second)
    label = dict.fromkeys(first, names[0]) | dict.fromkeys(of_second, names[1])
    people = known[known["population"].isin(list(label))]
    of_person = dict(zip(people["individual_id"], people["population"].map(label), strict=True))
    return Groups(*names, of_person, sizes)


def continental_groups(populations: Sequence[str]) -> Mapping[str, list[str]]:
    """The continental group of each population of the 1000 Genomes project that is among these; others are left out."""
    return {group: held for group, names in _GROUPS.items() if (held := [p for p in populations if p in names])}
