"""Ids that one person has in different files: ``GTEX-1117F`` in one, ``GTEX-1117F-0226-SM`` in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from haploformer.errors import InputError
from haploformer.formats.text_tables import read_text_table, require_columns


@dataclass(frozen=True)
class IdMap:
    """Which individual an id means; one that is not in the map is an individual's as written.

    Attributes
    ----------
    individual_of : mapping of id to individual id
    """

    individual_of: Mapping[str, str] = field(default_factory=dict)

    def rename(self, ids: Sequence[str], *, where: str) -> list[str]:
        """The individuals whom ids mean, in the order of the ids.

        Raises
        ------
        InputError
            If two ids of one file are one individual's.
        """
        id_of: dict[str, str] = {}
        for name in ids:
            individual = self.individual_of.get(name, name)
            if individual in id_of:
                raise InputError(
                    where,
                    f"{id_of[individual]} and {name} are both individual {individual}, by the id map",
                    "keep one of them, or correct the id map",
                )
            id_of[individual] = name
        return list(id_of)


def read_id_map(path: Path | None) -> IdMap:
    """Read a map; without a path it is empty.

    Raises
    ------
    InputError
        If a column or a cell is missing, or an id means two individuals.
    """
    if path is None:
        return IdMap()
    table = read_text_table(path, what="id map")
    require_columns(table, ["id", "individual_id"], path)
    empty = np.flatnonzero((table[["id", "individual_id"]].apply(lambda ids: ids.str.strip()) == "").any(axis=1))
    if len(empty):
        raise InputError(f"{path}:line {empty[0] + 2}", "an id is empty", "give both ids, or leave the line out")
    individual_of: dict[str, str] = {}
    for line, (name, individual) in enumerate(zip(table["id"], table["individual_id"], strict=True), start=2):
        known = individual_of.setdefault(name, individual)
        if known != individual:
            raise InputError(
                f"{path}:line {line}", f"id {name} means {individual} here and {known} before", "keep one of the lines"
            )
    return IdMap(individual_of)
