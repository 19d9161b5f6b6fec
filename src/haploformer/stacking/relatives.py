"""People who must stay on one side of every split: duplicates, estimated relatives, and those that a table names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from haploformer.errors import InputError
from haploformer.genome.kinship import Kinship

#: Two samples with a larger share of equal calls are one person's; full sibs and parents share far less.
MAX_IDENTITY = 0.98

#: Rare variants make everybody alike: only those with at least this minor allele frequency are compared.
MIN_MAF = 0.05

#: From fewer common variants strangers look alike: in real and simulated people, 250 neighbours are often all equal.
MIN_VARIANTS = 500

_DUPLICATES = "duplicates"
_TABLE = "relatedness table"
_KINSHIP = "kinship"


@dataclass(frozen=True, eq=False)
class GenotypeIdentity:
    """How alike the calls of each pair of people are.

    Attributes
    ----------
    share : float64 (n_individuals, n_individuals)
        Share of equal calls among the common variants that both people have; NaN where there is none.
    n_variants : int
        Common variants.
    """

    share: NDArray[np.float64]
    n_variants: int


def genotype_identity(dosages: Iterable[NDArray[np.floating]], n_individuals: int) -> GenotypeIdentity:
    """Compare everybody with everybody over the variants with a minor allele frequency of at least 0.05.

    Parameters
    ----------
    dosages : iterable of floating (n_variants_of_batch, n_individuals)
        Copies that are not REF, 0 to 2; NaN where missing.
    n_individuals : int

    Returns
    -------
    GenotypeIdentity
        Exact, whatever the batches: counts are whole numbers.
    """
    equal, both = np.zeros((2, n_individuals, n_individuals))
    n_variants = 0
    for batch in dosages:
        called = ~np.isnan(batch)
        n_called = called.sum(axis=1)
        frequency = np.nansum(batch, axis=1) / np.maximum(2 * n_called, 1)
        common = (n_called > 0) & (np.minimum(frequency, 1 - frequency) >= MIN_MAF)
        n_variants += int(common.sum())
        both += _products(called[common])
        for copies in (0, 1, 2):
            equal += _products(batch[common] == copies)
    with np.errstate(invalid="ignore"):
        return GenotypeIdentity(equal / both, n_variants)


def _products(flags: NDArray[np.bool_]) -> NDArray[np.float64]:
    """In how many rows both of each pair of columns are true."""
    counts = flags.astype(np.float32)
    return (counts.T @ counts).astype(np.float64)


def group_relatives(
    individual_ids: Sequence[str],
    identity: GenotypeIdentity | None,
    relatedness: pd.DataFrame,
    *,
    min_kinship: float,
    kinship: Kinship | None = None,
) -> pd.DataFrame:
    """Groups of people who must be in one fold.

    Duplicates are found where there are at least 500 common variants, relatives where kinship could be estimated
    (docs/methods.md, "Folds and cross-fitting").

    Parameters
    ----------
    individual_ids : sequence of str (n_individuals,)
    identity : GenotypeIdentity or None
        Of these people in this order. None: duplicates are not looked for.
    relatedness : DataFrame
        ``individual_id_1, individual_id_2, kinship``, perhaps no rows. A missing kinship makes the pair relatives.
    min_kinship : float
        Pairs of the table with at least this kinship are relatives.
    kinship : Kinship, optional
        Of these people in this order: its pairs are relatives.

    Returns
    -------
    DataFrame, schema ``person_groups``
        In the order of ``individual_ids``. A group has the name of its first member; a relative of a relative is in it
        too. ``relatives`` tells the pairs with an estimated kinship that the person is in. ``tested`` says what was
        looked for, the same in every row.

    Raises
    ------
    InputError
        If a table is given and none of the people is in it.
    """
    place = {individual: i for i, individual in enumerate(individual_ids)}
    pairs: dict[str, NDArray[np.int64]] = {}
    if identity is not None and identity.n_variants >= MIN_VARIANTS:
        pairs[_DUPLICATES] = np.argwhere(np.triu(identity.share > MAX_IDENTITY, k=1))
    tested = list(pairs)
    if kinship is not None and kinship.tested:
        pairs[_KINSHIP] = kinship.pairs
        tested.append(f"{_KINSHIP} ({kinship.n_snps:,} SNPs on {kinship.n_contigs} chromosomes)")
    if len(relatedness):
        _require_known_people(relatedness, place)
        close = relatedness[relatedness["kinship"].isna() | (relatedness["kinship"] >= min_kinship)]
        ends = close[["individual_id_1", "individual_id_2"]].map(lambda name: place.get(name, -1)).to_numpy(np.int64)
        pairs[_TABLE] = ends[(ends >= 0).all(axis=1)].reshape(-1, 2)
        tested.append(_TABLE)
    group = _components(np.concatenate([*pairs.values(), np.empty((0, 2), np.int64)]), len(place))
    reasons = np.full(len(place), "alone", dtype=object)
    for name, members in pairs.items():
        for person in np.unique(members):
            reasons[person] = name if reasons[person] == "alone" else f"{reasons[person]}, {name}"
    return pd.DataFrame(
        {
            "individual_id": list(individual_ids),
            "group": [individual_ids[i] for i in group],
            "reason": reasons,
            "relatives": _describe_pairs(individual_ids, kinship),
            "tested": ", ".join(tested) or "nothing",
        }
    )


def _describe_pairs(individual_ids: Sequence[str], kinship: Kinship | None) -> list[str | None]:
    """With whom each person has an estimated kinship, and how much: ``P02 0.2512, P07 0.2483``."""
    told: dict[int, list[str]] = {}
    if kinship is not None:
        for (one, other), value in zip(kinship.pairs.tolist(), kinship.kinship.tolist(), strict=True):
            told.setdefault(one, []).append(f"{individual_ids[other]} {value:.4f}")
            told.setdefault(other, []).append(f"{individual_ids[one]} {value:.4f}")
    return [", ".join(told[person]) if person in told else None for person in range(len(individual_ids))]


def ungrouped(individual_ids: Sequence[str]) -> pd.DataFrame:
    """Everybody alone, nothing looked for: schema ``person_groups``."""
    empty = pd.DataFrame({"individual_id_1": [], "individual_id_2": [], "kinship": []})
    return group_relatives(individual_ids, None, empty, min_kinship=0.0)


def _components(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The first person of each person's group (n,)."""
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    _, first = np.unique(label, return_index=True)
    return first[label].astype(np.int64)


def _require_known_people(relatedness: pd.DataFrame, place: dict[str, int]) -> None:
    named = pd.unique(relatedness[["individual_id_1", "individual_id_2"]].to_numpy().ravel())
    if not any(name in place for name in named):
        raise InputError(
            "relatedness_table",
            f"none of the {len(place)} individuals is in it ({named[0]} there, {next(iter(place), 'nobody')} here)",
            "give pairs of these people with the same ids, or an id map",
        )
