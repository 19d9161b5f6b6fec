"""Genotypes of two populations with families, over three contigs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from haploformer.genome.genotypes import Genotypes

#: SNPs that are inherited together, and the bases from one to the next.
BLOCK, SPACING = 60, 130_000

#: Of the populations.
FST = 0.35

CONTIGS = ("1", "2", "21")


@dataclass(frozen=True, eq=False)
class Families:
    """Everybody's alleles and the true kinship of those who are related.

    Attributes
    ----------
    genotypes : Genotypes
    populations : list of str (n_individuals,)
    kinship : dict of pair of places to float
    """

    genotypes: Genotypes
    populations: list[str]
    kinship: dict[tuple[int, int], float]

    @property
    def dosages(self) -> np.ndarray:
        """int8 (n_snps, n_individuals), -1 where missing."""
        alleles = np.asarray(self.genotypes.alleles)
        return np.where((alleles < 0).any(-1), -1, alleles.sum(-1)).astype(np.int8)


def simulate_families(*, n_snps: int = 6_500, n_founders: int = 12, missing: float = 0.01, seed: int = 1) -> Families:
    """In each population founders, of whom the first four are a family's: two children, and a grandchild.

    Frequencies of the populations differ by `FST`. ``n_snps`` on each contig. The last person is the first
    founder again.
    """
    rng = np.random.default_rng(seed)
    total = n_snps * len(CONTIGS)
    ancestral = rng.uniform(0.15, 0.85, total)
    people, populations, kinship = [], [], {}
    for name in ("A", "B"):
        first = len(people)
        scale = (1 - FST) / FST
        frequency = rng.beta(ancestral * scale, (1 - ancestral) * scale)
        founders = (rng.random((n_founders, total, 2)) < frequency[:, None]).astype(np.int8)
        children = [_child(founders[0], founders[1], rng) for _ in range(2)]
        grandchild = _child(children[0], founders[2], rng)
        people += [*founders, *children, grandchild]
        populations += [name] * (n_founders + 3)
        one, other, last = (first + n_founders + i for i in range(3))
        parents = [(first, one), (first + 1, one), (first, other), (first + 1, other), (one, last), (first + 2, last)]
        kinship |= dict.fromkeys([*parents, (one, other)], 0.25)
        kinship |= dict.fromkeys([(first, last), (first + 1, last), (other, last)], 0.125)
    people.append(people[0])
    populations.append("A")
    duplicate = len(people) - 1
    related = {b: value for (a, b), value in kinship.items() if a == 0}
    kinship |= {(b, duplicate): value for b, value in related.items()} | {(0, duplicate): 0.5}
    alleles = np.stack(people, axis=1)  # (n_snps, n_individuals, 2)
    alleles[rng.random(alleles.shape[:2]) < missing] = -1
    records = pd.DataFrame(
        {
            "contig": np.repeat(CONTIGS, n_snps),
            "pos": np.tile(1 + SPACING * np.arange(n_snps), len(CONTIGS)),
            "variant_id": [f"s{i}" for i in range(total)],
            "ref": "A",
            "alt": "C",
        }
    )
    ids = [f"P{i:02d}" for i in range(len(people))]
    return Families(Genotypes(records, ids, alleles), populations, kinship)


def _child(mother: np.ndarray, father: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One copy of each parent, block by block."""
    copies = []
    for parent in (mother, father):
        chosen = np.repeat(rng.integers(0, 2, 1 + len(parent) // BLOCK), BLOCK)[: len(parent)]
        copies.append(parent[np.arange(len(parent)), chosen])
    return np.stack(copies, axis=-1)
