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
    sample_of: Mapping[str, str] | None = None,
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
    sample_of : mapping, optional
        Sample id in the genotype file of each individual; the same by default.

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
                "give files of the same people with the same ids; where a genotype file repeats each id (A_A), set "
                "data_prep.sample_ids: fid_iid; else tell by --params id_map=FILE which id is whose (id, individual_id)",
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
    return describe_individuals(shared, panel, sample_of or {})


def describe_individuals(
    individual_ids: Sequence[str], panel: pd.DataFrame, sample_of: Mapping[str, str]
) -> pd.DataFrame:
    """People with their sample id, population and sex.

    Parameters
    ----------
    panel : DataFrame
        ``individual_id, population, sex``; people who are not in it have nulls.
    sample_of : mapping
        Sample id of each individual; the same where it does not tell.

    Returns
    -------
    DataFrame
        ``individual_id, sample_id, population, sex``.
    """
    facts = panel.set_index("individual_id").reindex(individual_ids)
    return pd.DataFrame(
        {
            "individual_id": list(individual_ids),
            "sample_id": [sample_of.get(person, person) for person in individual_ids],
            "population": facts["population"].to_numpy(),
            "sex": facts["sex"].to_numpy(),
        }
    )


def samples_by_individual(
    sample_ids: Sequence[str], *, rule: str, source: str, individual_of: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Sample id of each individual.

    Parameters
    ----------
    rule : str
        ``as_written``: the sample id is the individual's. ``fid_iid``: a sample id that is twice the same, joined by
        ``_``, is that individual's; others are as written.
    source : str
        The genotype file's name, for messages.
    individual_of : mapping, optional
        Individuals of samples whose ids say something else; the rule is for the other samples.

    Raises
    ------
    InputError
        If two samples are one individual's.
    """
    named: dict[str, str] = {}
    for sample in sample_ids:
        half = sample[: len(sample) // 2]
        doubled = rule == "fid_iid" and half and sample == f"{half}_{half}"
        individual = (individual_of or {}).get(sample, half if doubled else sample)
        if individual in named:
            raise InputError(
                f"{source}:header",
                f"samples {named[individual]} and {sample} are one individual",
                "leave one out, correct the id map, or set data_prep.sample_ids: as_written",
            )
        named[individual] = sample
    return named


def count_individuals(people: Mapping[str, Sequence[str]], selected: Sequence[str] | None = None) -> AuditCounts:
    """Who of each file is kept: people who are in all files; and for the others, which file lacks them first.

    Parameters
    ----------
    people : mapping of file name to ids
    selected : sequence of str, optional
        The people whom the run is about; everybody by default.
    """
    counts: AuditCounts = Counter()
    members = {source: set(ids) for source, ids in people.items()}
    for source, ids in people.items():
        for individual in ids:
            lacking = next((other for other in members if individual not in members[other]), None)
            outcome, reason = ("kept", "used") if lacking is None else ("dropped", f"not in {lacking}")
            if outcome == "kept" and selected is not None and individual not in selected:
                outcome, reason = "dropped", "not selected"
            counts[AuditKey(source, None, "individual", outcome, reason)] += 1
    return counts
