"""The people and their genealogies: two populations with an African-like and a European-like history."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msprime
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo.settings import ONLY_EXPRESSION, ONLY_GENOTYPES, POPULATIONS

YEARS_PER_GENERATION = 25
#: Per base and generation: the rate by which the sizes below were scaled (Gravel et al. 2011,
#: doi:10.1073/pnas.1019276108).
MUTATION_RATE = 2.36e-8
#: Mean of chromosome 22 in the HapMap II map on GRCh38, as in stdpopsim's catalogue of Homo sapiens.
RECOMBINATION_RATE = 2.106e-8

#: Generations simulated one by one, as msprime advises where chromosomes are inherited independently.
N_WRIGHT_FISHER = 20


@dataclass(frozen=True)
class Sites:
    """Segregating sites of the simulated genealogies.

    Attributes
    ----------
    position : int64 (n_sites,)
        Places, increasing.
    derived : bool (n_sites, n_people, 2)
        Whether a haplotype carries the derived state.
    reference_derived : bool (n_sites,)
        The same for the one haplotype that serves as reference genome; its person is not among the people.
    """

    position: NDArray[np.int64]
    derived: NDArray[np.bool_]
    reference_derived: NDArray[np.bool_]


def demography() -> msprime.Demography:
    """Out of Africa with two populations.

    Returns
    -------
    msprime.Demography
        Populations ``AFR`` and ``EUR``.

    References: Tennessen et al. 2012, doi:10.1126/science.1219240; parameters from Fu et al. 2013, Fig. S5,
    doi:10.1038/nature11690 (model OutOfAfrica_2T12 of stdpopsim).
    """
    african_growth, out_of_africa, european_bottleneck, recent_growth = (
        years / YEARS_PER_GENERATION for years in (148_000, 51_000, 23_000, 5_115)
    )
    n_eur = 1_032 * math.exp(0.00307 * (european_bottleneck - recent_growth))
    model = msprime.Demography()
    model.add_population(name="AFR", initial_size=14_474 * math.exp(0.0166 * recent_growth), growth_rate=0.0166)
    model.add_population(name="EUR", initial_size=n_eur * math.exp(0.0195 * recent_growth), growth_rate=0.0195)
    both = ["AFR", "EUR"]
    model.set_symmetric_migration_rate(both, 2.5e-5)
    # Backwards in time.
    model.add_population_parameters_change(time=recent_growth, population="AFR", initial_size=14_474, growth_rate=0)
    model.add_population_parameters_change(
        time=recent_growth, population="EUR", initial_size=n_eur, growth_rate=0.00307
    )
    model.add_population_parameters_change(
        time=european_bottleneck, population="EUR", initial_size=1_861, growth_rate=0
    )
    model.add_symmetric_migration_rate_change(time=european_bottleneck, populations=both, rate=15e-5)
    model.add_mass_migration(time=out_of_africa, source="EUR", dest="AFR", proportion=1)
    model.add_symmetric_migration_rate_change(time=out_of_africa, populations=both, rate=0)
    model.add_population_parameters_change(time=african_growth, population="AFR", initial_size=7_310)
    return model


def make_people(rng: np.random.Generator) -> pd.DataFrame:
    """Ids, populations, sexes and which of the two kinds of data each person has.

    Returns
    -------
    DataFrame
        ``individual_id`` (DEMO001 ..., in order), ``population``, ``sex`` (male, female), ``genotyped``, ``expressed``.
        The populations are mixed over the ids.
    """
    rows = [
        (population, genotyped, expressed)
        for counts, genotyped, expressed in (
            (POPULATIONS, True, True),
            (ONLY_GENOTYPES, True, False),
            (ONLY_EXPRESSION, False, True),
        )
        for population, n in counts.items()
        for _ in range(n)
    ]
    people = pd.DataFrame(rows, columns=["population", "genotyped", "expressed"])
    people = people.iloc[rng.permutation(len(people))].reset_index(drop=True)
    people.insert(0, "individual_id", [f"DEMO{i + 1:03d}" for i in range(len(people))])
    people["sex"] = rng.choice(["male", "female"], len(people))
    return people


def recombination_map(length: int, boundaries: Sequence[int]) -> msprime.RateMap:
    """Rates along contigs that lie end to end: those on two sides of a boundary are inherited independently.

    References: msprime's manual, "Multiple chromosomes": between two of them ln 2 crossings a generation on one base.
    """
    edges, rates = [0], []
    for boundary in boundaries:
        edges += [boundary, boundary + 1]
        rates += [RECOMBINATION_RATE, math.log(2)]
    return msprime.RateMap(position=[*edges, length], rate=[*rates, RECOMBINATION_RATE])


def simulate_sites(
    people: pd.DataFrame, *, length: int, boundaries: Sequence[int], ancestry_seed: int, mutation_seed: int
) -> Sites:
    """Genealogies and mutations of the people and of one European-like reference haplotype.

    Parameters
    ----------
    people : DataFrame
        From ``make_people``.
    length : int
        Bases of all contigs.
    boundaries : sequence of int
        Places at which a contig begins, except the first.
    ancestry_seed, mutation_seed : int
        Seeds of msprime.
    """
    counts = people["population"].value_counts()
    n_afr, n_eur = int(counts["AFR"]), int(counts["EUR"])
    trees = msprime.sim_ancestry(
        {"AFR": n_afr, "EUR": n_eur + 1},
        demography=demography(),
        recombination_rate=recombination_map(length, boundaries),
        # Coalescence within the last generations is that of whole chromosomes.
        model=[msprime.DiscreteTimeWrightFisher(duration=N_WRIGHT_FISHER), msprime.StandardCoalescent()],
        random_seed=ancestry_seed,
    )
    trees = msprime.sim_mutations(
        trees, rate=MUTATION_RATE, random_seed=mutation_seed, model=msprime.BinaryMutationModel()
    )
    haplotypes = trees.genotype_matrix().reshape(trees.num_sites, n_afr + n_eur + 1, 2) == 1
    # msprime numbers its samples population by population; the last person lends the reference.
    row_of_person = np.empty(len(people), dtype=np.int64)
    row_of_person[(people["population"] == "AFR").to_numpy()] = np.arange(n_afr)
    row_of_person[(people["population"] == "EUR").to_numpy()] = n_afr + np.arange(n_eur)
    return Sites(
        position=trees.tables.sites.position.astype(np.int64),
        derived=haplotypes[:, row_of_person],
        reference_derived=haplotypes[:, -1, 0],
    )
