"""Frequencies of a cohort's ALT alleles, of everybody and of each population, read in pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from haploformer.genome.frequencies import alt_frequencies
from haploformer.genome.genotypes import Genotypes, alt_dosages

#: Dosages held at once, in bytes: memory does not grow with the cohort.
BLOCK_BYTES = 2**22

#: What tells an allele apart from all others.
ALLELE_COLUMNS = ["contig", "pos", "ref", "alt"]


def tabulate_frequencies(genotypes: Genotypes, wanted: pd.DataFrame, populations: Sequence[str | None]) -> pd.DataFrame:
    """Frequencies of the wanted alleles that the cohort's records hold.

    Parameters
    ----------
    wanted : DataFrame
        `ALLELE_COLUMNS`.
    populations : sequence of str or None (n_individuals,)
        Of each person; None: in no population.

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
        named, dosages = alt_dosages(Genotypes(records, genotypes.individual_ids, alleles))
        found = pd.MultiIndex.from_frame(named[ALLELE_COLUMNS]).isin(asked)
        by_population = alt_frequencies(dosages[:, found], populations)
        wide = pd.concat([named[found].reset_index(drop=True), by_population], axis=1)
        parts.append(wide.melt(["variant_id", *ALLELE_COLUMNS], var_name="population", value_name="alt_frequency"))
    columns = ["variant_id", *ALLELE_COLUMNS, "population", "alt_frequency"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return table.dropna(subset="alt_frequency").drop_duplicates([*ALLELE_COLUMNS, "population"], ignore_index=True)
