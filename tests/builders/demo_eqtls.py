"""Tables of eQTLs with a known truth, from what the demo is simulated from."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from scipy.stats import linregress

from demo.expression import SHARES

_COLUMNS = ["gene_id", "variant_id", "contig", "pos", "ref", "alt"]


def true_component(folder: Path) -> pd.DataFrame:
    """The network's share of each gene's expression (n_genes, n_people): mean 0, sd the root of its share of variance."""
    truth = pd.read_csv(folder / "truth.tsv.gz", sep="\t")
    wide = truth.pivot(index="gene_id", columns="individual_id", values="enformer")
    spread = wide.sub(wide.mean(axis=1), axis=0).div(wide.std(axis=1, ddof=0), axis=0)
    return np.sqrt(SHARES["enformer"]) * spread


def read_dosages(folder: Path) -> pd.DataFrame:
    """Counts of ALT by ``contig, pos, ref, alt`` (n_variants, n_people), read by pysam."""
    rows = {}
    with pysam.VariantFile(str(folder / "genotypes.vcf.gz")) as vcf:
        people = list(vcf.header.samples)
        for record in vcf:
            alleles = [sum(record.samples[person]["GT"]) for person in people]
            rows[record.contig, record.pos, record.ref, record.alts[0]] = alleles
    index = pd.MultiIndex.from_tuples(rows, names=["contig", "pos", "ref", "alt"])
    return pd.DataFrame(list(rows.values()), index=index, columns=people, dtype=float)


def marginal_slopes(pairs: pd.DataFrame, component: pd.DataFrame, dosages: pd.DataFrame) -> pd.DataFrame:
    """Slope of the true component on each variant's dosage, one by one: what an eQTL study without noise would find."""
    people = component.columns.tolist()
    found = [
        linregress(dosages.loc[(row.contig, row.pos, row.ref, row.alt), people], component.loc[row.gene_id])
        for row in pairs.itertuples()
    ]
    return pairs[_COLUMNS].assign(slope=[fit.slope for fit in found], pvalue=[fit.pvalue for fit in found])


def write_eqtls(
    path: Path,
    table: pd.DataFrame,
    rng: np.random.Generator,
    *,
    turn_slopes: bool = True,
    flip: float = 0.0,
) -> Path:
    """Write ``slope`` (and ``pip``) of ``alt`` as tensorQTL does, REF and ALT of half of the rows the other way round.

    Parameters
    ----------
    turn_slopes : bool
        Whether the slope of such a row is turned; without, alleles are swapped at random.
    flip : float
        Share of SNPs written on the other strand.
    """
    swap, other = rng.random(len(table)) < 0.5, rng.random(len(table)) < flip
    turn = str.maketrans("ACGT", "TGCA")
    single = (table["ref"].str.len() == 1) & (table["alt"].str.len() == 1)
    ref, alt = (
        [a.translate(turn) if f else a for a, f in zip(table[c], other & single, strict=True)] for c in ("ref", "alt")
    )
    first, second = np.where(swap, alt, ref), np.where(swap, ref, alt)
    names = [f"chr{c}_{p}_{a}_{b}" for c, p, a, b in zip(table["contig"], table["pos"], first, second, strict=True)]
    sign = np.where(swap & turn_slopes, -1, 1)
    written = pd.DataFrame({"phenotype_id": table["gene_id"], "variant_id": names})
    written = written.assign(pval_nominal=table["pvalue"], slope=table["slope"] * sign)
    if "pip" in table:
        written = written.assign(pip=table["pip"])
    path.write_bytes(gzip.compress(written.to_csv(sep="\t", index=False).encode()))
    return path
