"""The people of a study: those whom all files know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from haploformer.errors import InputError
from haploformer.genome.audit import AuditCounts, AuditKey


def select_individuals(
    measured: Sequence[str],
    genotyped: Sequence[str],
    covariates: Sequence[str],
    panel: pd.DataFrame,
    *,
    policy: str,
    sources: dict[str, str],
) -> pd.DataFrame:
    """People with expression, genotypes and covariates, in the order of the expression table.

    Parameters
    ----------
    measured, genotyped, covariates : sequence of str
        Ids in each file.
    panel : DataFrame
        ``individual_id, population, sex``; people who are not in it have nulls.
    policy : str
        ``intersect`` leaves out who is not in all files; ``require`` refuses.
    sources : dict of str
        File names for messages: ``expression``, ``genotypes``, ``covariates``.

    Returns
    -------
    DataFrame
        ``individual_id, sample_id, population, sex``.

    Raises
    ------
    InputError
        If nobody is in all files, or somebody is not and ``policy`` is ``require``.
    """
    known = {"genotypes": set(genotyped), "covariates": set(covariates)}
    shared = [person for person in measured if all(person in ids for ids in known.values())]
    for name, ids in known.items():
        absent = [person for person in measured if person not in ids]
        if not shared and len(absent) == len(measured):
            examples = f"{measured[0] if measured else 'none'} there, {next(iter(sorted(ids)), 'none')} here"
            raise InputError(
                f"{sources[name]}",
                f"none of the {len(measured)} individuals of {sources['expression']} is in it ({examples})",
                "give files of the same people, with the same ids",
            )
        if absent and policy == "require":
            raise InputError(
                f"{sources['expression']}",
                f"{len(absent)} of {len(measured)} individuals are not in {sources[name]} "
                f"(first: {', '.join(absent[:2])})",
                "set data_prep.individuals: intersect, or check the ids",
            )
    if not shared:
        raise InputError(sources["expression"], "no individual is in all files", "give files of the same people")
    facts = panel.set_index("individual_id").reindex(shared)
    return pd.DataFrame(
        {
            "individual_id": shared,
            "sample_id": shared,
            "population": facts["population"].to_numpy(),
            "sex": facts["sex"].to_numpy(),
        }
    )


def count_individuals(people: Mapping[str, Sequence[str]]) -> AuditCounts:
    """Who of each file is kept: people who are in all files; and for the others, which file lacks them first.

    Parameters
    ----------
    people : mapping of file name to ids
    """
    counts: AuditCounts = Counter()
    members = {source: set(ids) for source, ids in people.items()}
    for source, ids in people.items():
        for individual in ids:
            lacking = next((other for other in members if individual not in members[other]), None)
            outcome, reason = ("kept", "used") if lacking is None else ("dropped", f"not in {lacking}")
            counts[AuditKey(source, None, "individual", outcome, reason)] += 1
    return counts
