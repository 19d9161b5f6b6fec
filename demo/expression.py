"""Expression with a known answer: what is in it, and how to draw it again with other noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo.genes import Gene
from demo.settings import CIS_FLANK, MARGIN
from demo.variants import Variants, minor_allele_frequency

#: Shares of a gene's variance, were its components uncorrelated in the sample; the rest is noise.
SHARES = {"enformer": 0.10, "additive": 0.10, "covariate": 0.10}
NOISE_SHARE = 1 - sum(SHARES.values())

N_CAUSAL = (3, 5)
CAUSAL_MIN_MAF = 0.1
CAUSAL_EFFECT = (0.5, 1.5)


@dataclass(frozen=True)
class AdditiveEffects:
    """Which variants act outside the model's window, and the components that they make.

    Attributes
    ----------
    variants : DataFrame
        ``gene_id``, ``variant_id``, ``contig``, ``pos`` (1-based), ``effect`` (per sd of the dosage, before the
        component is standardised).
    component : float64 (n_genes, n_people)
        Mean 0 and sd 1 over people.
    """

    variants: pd.DataFrame
    component: NDArray[np.float64]


def standardise(values: NDArray, axis: int = -1) -> NDArray[np.float64]:
    """Mean 0 and sd 1 (divisor n) along ``axis``."""
    values = np.asarray(values, dtype=np.float64)
    return (values - values.mean(axis, keepdims=True)) / values.std(axis, keepdims=True)


def draw_expression(truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Expression of the people in ``truth`` with fresh noise; everything else stays.

    Parameters
    ----------
    truth : DataFrame
        Columns ``gene_id``, ``individual_id``, ``enformer`` (coverage; standardised here), ``additive``,
        ``covariate``, as in ``truth.tsv.gz``. Every gene has every person; the order of rows does not matter.
    rng : Generator
        One draw of genes x people standard normals, ids in sorted order.

    Returns
    -------
    DataFrame
        Genes in rows and people in columns, both sorted by id; each gene with mean 0 and sd 1 (divisor n).
    """
    tables = {name: truth.pivot(index="gene_id", columns="individual_id", values=name) for name in SHARES}
    genes, people = tables["enformer"].index, tables["enformer"].columns
    noise = rng.standard_normal((len(genes), len(people)))
    values = np.sqrt(NOISE_SHARE) * noise
    for name, share in SHARES.items():
        values += np.sqrt(share) * standardise(tables[name].to_numpy())
    return pd.DataFrame(standardise(values), index=genes, columns=people)


def add_strangers(expression: pd.DataFrame, individuals: Sequence[str], rng: np.random.Generator) -> pd.DataFrame:
    """Columns of plain noise for people without genotypes; each gene is standardised again, as over everybody."""
    noise = pd.DataFrame(
        rng.standard_normal((len(expression), len(individuals))), index=expression.index, columns=list(individuals)
    )
    both = pd.concat([expression, noise], axis=1)
    return pd.DataFrame(standardise(both.to_numpy()), index=both.index, columns=both.columns)


def additive_component(
    variants: Variants, genes: Sequence[Gene], *, people: NDArray[np.bool_], window: int, rng: np.random.Generator
) -> AdditiveEffects:
    """Effects of three to five common variants in the cis window but beyond the reach of the model's.

    Parameters
    ----------
    variants : Variants
    genes : sequence of Gene
    people : bool (n_people of ``variants``,)
        Over whom allele frequency and component are taken.
    window : int
        Bases of the model's window.
    rng : Generator
    """
    maf = minor_allele_frequency(variants.haplotypes[:, people])
    ids, places, rows, components = variants.ids, variants.places, [], []
    for gene in genes:
        distance = np.maximum(variants.start - gene.tss, gene.tss - variants.end)
        inside_cis = (variants.start >= gene.tss - CIS_FLANK) & (variants.end <= gene.tss + CIS_FLANK)
        eligible = np.flatnonzero(inside_cis & (distance >= window // 2 + MARGIN) & (maf >= CAUSAL_MIN_MAF))
        causal = np.sort(rng.choice(eligible, rng.integers(N_CAUSAL[0], N_CAUSAL[1] + 1), replace=False))
        effects = (rng.uniform(*CAUSAL_EFFECT, len(causal)) * rng.choice([-1, 1], len(causal))).round(6)
        components.append(standardise(effects @ standardise(variants.dosages[causal][:, people])))
        rows += [
            (gene.gene_id, ids[i], places[i].contig, places[i].position + 1, effect)
            for i, effect in zip(causal, effects, strict=True)
        ]
    return AdditiveEffects(
        variants=pd.DataFrame(rows, columns=["gene_id", "variant_id", "contig", "pos", "effect"]),
        component=np.array(components),
    )


def covariate_component(covariates: NDArray, n_genes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Each gene's own combination of the standardised covariates, float64 (n_genes, n_people), mean 0 and sd 1.

    Parameters
    ----------
    covariates : (n_covariates, n_people)
    n_genes : int
    rng : Generator
    """
    effects = rng.standard_normal((n_genes, len(covariates)))
    return standardise(effects @ standardise(covariates))


def make_covariates(people: pd.DataFrame, variants: Variants, rng: np.random.Generator) -> pd.DataFrame:
    """Covariates of everybody, rounded as they are written.

    Returns
    -------
    DataFrame
        Rows PC1, PC2 (of the standardised dosages), sex (1 male, 2 female, as GTEx), batch, InferredCov1; one column
        a person.
    """
    _, _, components = np.linalg.svd(standardise(variants.dosages), full_matrices=False)
    pcs = components[:2]  # (2, n_people)
    # The sign of a component is arbitrary: its largest entry is positive.
    pcs = pcs * np.sign(pcs[[0, 1], np.abs(pcs).argmax(1)])[:, None]
    values = {
        "PC1": pcs[0].round(6),
        "PC2": pcs[1].round(6),
        "sex": people["sex"].map({"male": 1, "female": 2}).to_numpy(),
        "batch": rng.integers(0, 2, len(people)),
        "InferredCov1": rng.standard_normal(len(people)).round(6),
    }
    return pd.DataFrame.from_dict(values, orient="index", columns=people["individual_id"].to_list())
