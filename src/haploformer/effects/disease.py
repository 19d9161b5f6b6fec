"""Predicted effects of disease variants, the strongest first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from haploformer.effects.definitions import LOG_FOLD_CHANGE, SAD, SADR
from haploformer.effects.tables import CENTRE
from haploformer.enformer.summaries import TISSUE_MEAN

_PAIR = ["gene_id", "contig", "pos", "ref", "alt"]
_KINDS = [SAD, SADR, LOG_FOLD_CHANGE]


def rank_disease_effects(variants: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Each disease variant and gene with what is predicted, by the size of the log fold change of the tissue's mean.

    Parameters
    ----------
    variants : DataFrame, schema ``disease_variants``
    effects : DataFrame, schema ``variant_effects``
        Of every pair of gene and variant among them.

    Returns
    -------
    DataFrame, schema ``disease_variant_effects``
        A row per row of ``variants``, summary and track, at the centre bins. Rows of one rank are one of ``variants``; of
        equal effects the stronger evidence (as ``variants`` are ordered) comes first. ``risk_log_fold_change``: of the risk
        allele against the other one; null where it is not known.

    Raises
    ------
    ValueError
        If a pair has no effect.
    """
    centre = effects[effects["bins"] == CENTRE]
    keys = [*_PAIR, "summary", "track", "coverage_ref", "coverage_alt"]
    # A null track is no key of a pivot.
    wide = centre.assign(track=centre["track"].fillna(-1)).pivot(index=keys, columns="effect_kind", values="effect")
    wide = wide.reset_index().astype({"track": "Int64"})
    wide["track"] = wide["track"].where(wide["track"] >= 0)
    tissue = wide[wide["summary"] == TISSUE_MEAN].set_index(_PAIR)[LOG_FOLD_CHANGE]
    of_row = tissue.reindex(pd.MultiIndex.from_frame(variants[_PAIR])).to_numpy(np.float64)
    if np.isnan(of_row).any():
        row = variants.iloc[int(np.argmax(np.isnan(of_row)))]
        raise ValueError(f"no effect of {row['variant_id']} on gene {row['gene_id']}")
    order = np.argsort(-np.abs(of_row), kind="stable")
    ranked = variants.iloc[order].assign(rank=np.arange(1, len(variants) + 1))
    table = ranked.merge(wide, on=_PAIR, how="left")
    # Of one rank: the summaries, then the tracks.
    table = table.assign(is_track=table["track"].notna(), all=table["summary"] != TISSUE_MEAN)
    table = table.sort_values(["rank", "is_track", "all", "track"], kind="stable", ignore_index=True)
    sign = np.select([table["allele"] == table["alt"], table["allele"] == table["ref"]], [1.0, -1.0], np.nan)
    table = table.assign(risk_log_fold_change=sign * table[LOG_FOLD_CHANGE])
    told = ["summary", "track", "coverage_ref", "coverage_alt", *_KINDS, "risk_log_fold_change"]
    return table[["rank", *variants.columns, *told]]
