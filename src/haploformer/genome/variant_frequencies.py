"""Frequencies of a cohort's ALT alleles, of everybody and of each population, read in pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from haploformer.genome.frequencies import alt_frequencies
from haploformer.genome.genotypes import Genotypes, count_alleles, count_copies
from haploformer.genome.variants import named_alleles

#: Dosages held at once, in bytes: memory does not grow with the cohort.
BLOCK_BYTES = 2**22

#: What tells an allele apart from all others.
ALLELE_COLUMNS = ["contig", "pos", "ref", "alt"]


def tabulate_frequencies(
    genotypes: Genotypes, wanted: pd.DataFrame, populations: Sequence[str | None], *, per_person: bool = False
) -> pd.DataFrame:
    """Frequencies of the wanted alleles that the cohort's records hold.

    Parameters
    ----------
    wanted : DataFrame
        `ALLELE_COLUMNS`.
    populations : sequence of str or None (n_individuals,)
        Of each person; None: in no population.
    per_person : bool
        The mean over people of the share of their alleles that are ALT: who has one copy counts as much as who has two,
        as in a mean of people's predictions. Else the share of all alleles.

    Returns
    -------
    DataFrame
        Long: ``variant_id``, `ALLELE_COLUMNS`, ``population`` (``all``: everybody), ``alt_frequency``. No row where
        nobody was called.
    """
    asked = pd.MultiIndex.from_frame(wanted[ALLELE_COLUMNS].drop_duplicates())
    n = len(genotypes.individual_ids)
    step = max(1, BLOCK_BYTES // (4 * max(n, 1)))
    parts = []
    for start in range(0, len(genotypes), step):
        stop = min(start + step, len(genotypes))
        records = genotypes.records.iloc[start:stop].reset_index(drop=True)
        alleles = np.asarray(genotypes.alleles[slice(start, stop)], np.int8)
        named = named_alleles(records)
        named = named[pd.MultiIndex.from_frame(named[ALLELE_COLUMNS]).isin(asked)].reset_index(drop=True)
        record = named.pop("record").to_numpy(np.int64)
        dosages = count_copies(alleles, record, named.pop("allele").to_numpy(np.int64))
        copies = count_alleles(alleles, record)
        if per_person:
            dosages, copies = np.divide(dosages, copies, dtype=np.float32), np.ones_like(copies)
        wide = pd.concat([named, alt_frequencies(dosages, populations, copies=copies)], axis=1)
        parts.append(wide.melt(["variant_id", *ALLELE_COLUMNS], var_name="population", value_name="alt_frequency"))
    columns = ["variant_id", *ALLELE_COLUMNS, "population", "alt_frequency"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return table.dropna(subset="alt_frequency").drop_duplicates([*ALLELE_COLUMNS, "population"], ignore_index=True)
