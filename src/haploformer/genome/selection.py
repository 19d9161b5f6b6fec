"""Of the genes and people that are there, those that a user names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import pandas as pd

from haploformer.errors import InputError
from haploformer.genome.genes import without_version


def choose_genes(genes: pd.DataFrame, wanted: Sequence[str] | None, *, source: str) -> pd.DataFrame:
    """The genes that are named, in the order of ``genes``.

    Parameters
    ----------
    genes : DataFrame
        ``gene_id, gene_name`` and more.
    wanted : sequence of str, optional
        Names or ids; an id fits with or without its version. None: all.
    source : str
        The expression table's name, for messages.

    Raises
    ------
    InputError
        If a name fits no gene (the nearest names are given), or several.
    """
    if wanted is None:
        return genes
    bare = without_version(genes["gene_id"])
    chosen = pd.Series(False, index=genes.index)
    for name in wanted:
        fits = (genes["gene_id"] == name) | (genes["gene_name"] == name)
        if not fits.any():
            fits = bare == without_version(pd.Series([name])).iloc[0]
        ids = genes["gene_id"][fits].tolist()
        if not ids:
            raise InputError(
                "parameters:select.genes",
                f"gene {name} is not among the {len(genes):,} genes of {source}{_nearest(name, genes)}",
                "give a gene's name or id as there; data_prep.chromosomes says on which chromosomes genes are read",
            )
        if len(ids) > 1:
            raise InputError(
                "parameters:select.genes", f"{len(ids)} genes are called {name} ({', '.join(ids[:4])})", "give the id"
            )
        chosen |= fits
    return genes[chosen].reset_index(drop=True)


def choose_individuals(there: Sequence[str], wanted: Sequence[str] | None, *, source: str) -> list[str]:
    """The people who are named, in the order of ``there``; InputError if one is not, with the nearest ids.

    Parameters
    ----------
    there : sequence of str
        Individual ids.
    wanted : sequence of str, optional
        None: everybody.
    source : str
        Where the ids stand, for messages.
    """
    if wanted is None:
        return list(there)
    known = set(there)
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, list(there), n=3, cutoff=0.5) or list(there)[:3]
            raise InputError(
                "parameters:select.individuals",
                f"individual {name} is not among the {len(there):,} people of {source} (nearest: {', '.join(near)})",
                "give an id as there",
            )
    asked = set(wanted)
    return [name for name in there if name in asked]


def _nearest(name: str, genes: pd.DataFrame) -> str:
    by_lower = {str(known).lower(): str(known) for known in _names(genes)}
    near = get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.5)
    return f" (nearest: {', '.join(by_lower[key] for key in near)})" if near else ""


def _names(genes: pd.DataFrame) -> Iterable[str]:
    return [*genes["gene_name"], *without_version(genes["gene_id"])]
