"""Predicted effects beside the rows of an external eQTL table that are about the same gene and variant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.genome.genes import without_version

_KEY = ["bare_gene", "variant"]


@dataclass(frozen=True, eq=False)
class EffectPairs:
    """Effects with the slopes of the same gene, variant and allele.

    Attributes
    ----------
    table : DataFrame
        ``gene_id`` (ours), ``variant, effect, tss_distance, maf, slope, pvalue``; the slope is that of our ALT.
    n_without_slope : int
        Rows of the foreign table left out because they tell no slope.
    n_without_effect : int
        Rows left out because no effect is predicted for their gene and variant.
    n_genes : int
        Genes in the table.
    """

    table: pd.DataFrame
    n_without_slope: int
    n_without_effect: int
    n_genes: int


def pair_slopes(effects: pd.DataFrame, eqtls: pd.DataFrame) -> EffectPairs:
    """Effects and slopes of the same gene, variant and allele; genes are matched without versions.

    Parameters
    ----------
    effects : DataFrame
        ``gene_id, variant`` (row number of ours), ``effect`` (of our ALT), ``tss_distance, maf``; one row per gene and
        variant.
    eqtls : DataFrame
        The table of `harmonise.Harmonised`: ``gene_id, variant, sign, slope, pvalue``. Of several rows of a gene and
        variant (transcripts, credible sets) the one of smallest p-value counts, then the first.

    Raises
    ------
    ValueError
        If a gene and variant stand twice among the effects.
    """
    ours = _with_bare_gene(effects)
    if ours.duplicated(_KEY).any():
        raise ValueError("a gene and variant have two effects")
    told = eqtls[eqtls["slope"].notna()]
    rows = _with_bare_gene(told).assign(slope=told["slope"].to_numpy(np.float64) * told["sign"].to_numpy(np.int64))
    known = pd.MultiIndex.from_frame(rows[_KEY]).isin(pd.MultiIndex.from_frame(ours[_KEY]))
    best = rows[known].sort_values("pvalue", kind="stable").drop_duplicates(_KEY)
    table = ours.merge(best[[*_KEY, "slope", "pvalue"]], on=_KEY).drop(columns="bare_gene")
    return EffectPairs(table, len(eqtls) - len(told), int((~known).sum()), table["gene_id"].nunique())


@dataclass(frozen=True, eq=False)
class FineMapped:
    """Effects of fine-mapped variants, and of those that may serve as controls.

    Attributes
    ----------
    cases, pool : DataFrame
        Rows of the effects.
    n_between : int
        Rows in neither: their probability is too high for a control and too low for a case.
    n_without_effect : int
        Fine-mapped variants for which no effect is predicted.
    """

    cases: pd.DataFrame
    pool: pd.DataFrame
    n_between: int
    n_without_effect: int


def split_fine_mapped(
    effects: pd.DataFrame, eqtls: pd.DataFrame, *, min_pip: float = 0.9, max_pip: float = 0.01
) -> FineMapped:
    """Which effects are of fine-mapped variants, and which are of variants of the same genes that are not.

    Parameters
    ----------
    effects, eqtls : DataFrame
        As of `pair_slopes`; ``eqtls`` with ``pip``. Of several rows of a gene and variant the largest counts.
    min_pip : float
        From this probability on a variant is a case.
    max_pip : float
        Up to this one it may be a control; a variant that the table does not list has none. Only variants of genes
        that the table lists: of the others nothing is known.
    """
    if not 0 <= max_pip < min_pip <= 1:
        raise ValueError(f"max_pip {max_pip} and min_pip {min_pip}; expected 0 <= max_pip < min_pip <= 1")
    ours, rows = _with_bare_gene(effects), _with_bare_gene(eqtls)
    pips = rows.dropna(subset=["pip"]).groupby(_KEY)["pip"].max()
    merged = ours.join(pips.rename("pip"), on=_KEY)
    pip = merged["pip"].fillna(0.0).to_numpy(np.float64)
    listed = merged["bare_gene"].isin(rows["bare_gene"]).to_numpy()
    case, control = pip >= min_pip, (pip <= max_pip) & listed
    high = pips[pips >= min_pip].index
    n_without = int((~high.isin(pd.MultiIndex.from_frame(ours[_KEY]))).sum())
    return FineMapped(effects[case], effects[control], int((~case & ~control & listed).sum()), n_without)


def is_about(effects: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether the gene and variant of each effect are those of one of the rows, bool (n_effects,).

    Parameters
    ----------
    effects, rows : DataFrame
        ``gene_id, variant``; versions of genes do not count.
    """
    ours, theirs = (pd.MultiIndex.from_frame(_with_bare_gene(table)[_KEY]) for table in (effects, rows))
    found: NDArray[np.bool_] = ours.isin(theirs)
    return found


def _with_bare_gene(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index(drop=True).assign(bare_gene=without_version(table["gene_id"]).to_numpy(object))
