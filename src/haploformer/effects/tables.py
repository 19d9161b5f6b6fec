"""Tables of effects: variants of one gene, and the parts of its haplotypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.effects.definitions import LOG_FOLD_CHANGE, SAD, SADR, log_fold_change, sad, sadr
from haploformer.evaluation.metrics import pearson

#: Over which bins: those round the TSS, or all.
CENTRE, ALL = "centre", "all"

#: The summary that is a single track.
TRACK = "track"

_ALLELE = ["contig", "pos", "ref", "alt"]

EFFECT_COLUMNS = [
    *("gene_id", "variant_id", *_ALLELE, "tss_distance", "alt_frequency"),
    *("bins", "summary", "track", "coverage_ref", "coverage_alt", "effect_kind", "effect"),
]


def tabulate_gene_effects(
    variants: pd.DataFrame,
    alternate: NDArray[np.floating],
    reference: NDArray[np.floating],
    *,
    bins: str,
    n_bins: int,
    summaries: Mapping[str, Sequence[int]],
    tracks: Sequence[int],
) -> pd.DataFrame:
    """Effects of the variants of one gene.

    Parameters
    ----------
    variants : DataFrame (n_variants,)
        ``gene_id, variant_id, contig, pos, ref, alt, tss_distance, alt_frequency``.
    alternate : floating (n_variants, n_tracks)
        Mean coverage over the bins with ALT, everything else as in the reference.
    reference : floating (n_tracks,)
        The same of the reference.
    bins : str
        ``centre`` or ``all``: which bins these are. A log fold change is one of the TSS bins, ``centre``.
    n_bins : int
        How many: a sum is their mean times this.
    summaries : mapping of summary to sequence of int
        Tracks that each averages.
    tracks : sequence of int
        Tracks that are told one by one.

    Returns
    -------
    DataFrame
        Long: `EFFECT_COLUMNS`. Tracks are averaged first, then bins summed, logarithms last.
    """
    wanted = [*((name, pd.NA, list(columns)) for name, columns in summaries.items())]
    wanted += [(TRACK, track, [track]) for track in tracks]
    parts = []
    for summary, track, columns in wanted:
        ours = np.asarray(alternate[:, columns], np.float64).mean(1)
        theirs = np.asarray(reference[columns], np.float64).mean()
        kinds = {SAD: sad(n_bins * ours, n_bins * theirs), SADR: sadr(n_bins * ours, n_bins * theirs)}
        if bins == CENTRE:
            kinds[LOG_FOLD_CHANGE] = log_fold_change(ours, theirs)
        told = variants.assign(bins=bins, summary=summary, track=track, coverage_ref=theirs, coverage_alt=ours)
        parts += [told.assign(effect_kind=kind, effect=effect) for kind, effect in kinds.items()]
    return pd.concat(parts, ignore_index=True).astype({"track": "Int64"})[EFFECT_COLUMNS]


def tabulate_haplotype_effects(carried: pd.DataFrame, singles: pd.DataFrame) -> pd.DataFrame:
    """What each haplotype differs by from the reference, and what each of its variants has to do with it.

    Parameters
    ----------
    carried : DataFrame
        ``gene_id, individual_id, haplotype, summary, personal, reference``, and of each variant that the haplotype
        carries ``variant_id, contig, pos, ref, alt, without`` (coverage of the haplotype without it); all null in the one
        row of a haplotype without variants.
    singles : DataFrame
        ``gene_id, contig, pos, ref, alt, summary, single_effect``: coverage with the variant alone less the reference's.

    Returns
    -------
    DataFrame
        ``gene_id, individual_id, haplotype, summary, n_variants, exact_difference, additive_sum``, then per variant
        ``variant_id, contig, pos, ref, alt, single_effect, left_out_effect``: the haplotype less the haplotype without it.
        Effects add up where ``single_effect`` equals ``left_out_effect``.
    """
    keys = ["gene_id", "individual_id", "haplotype", "summary"]
    table = carried.merge(singles, on=["gene_id", *_ALLELE, "summary"], how="left", validate="many_to_one")
    told = table["variant_id"].notna()
    if table.loc[told, "single_effect"].isna().any():
        missing = table.loc[told & table["single_effect"].isna()].iloc[0]
        raise ValueError(f"no single effect of {missing['variant_id']} on gene {missing['gene_id']}")
    groups = table.groupby(keys, sort=False)
    table = table.assign(
        n_variants=groups["variant_id"].transform("count"),
        exact_difference=table["personal"] - table["reference"],
        additive_sum=groups["single_effect"].transform("sum"),
        left_out_effect=table["personal"] - table["without"],
    )
    whole = ["n_variants", "exact_difference", "additive_sum"]
    return table[[*keys, *whole, "variant_id", *_ALLELE, "single_effect", "left_out_effect"]]


def single_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """Of a table of effects, the differences of coverage at the centre bins, as `tabulate_haplotype_effects` takes them."""
    chosen = effects[(effects["bins"] == CENTRE) & (effects["effect_kind"] == SAD) & (effects["summary"] != TRACK)]
    difference = chosen["coverage_alt"] - chosen["coverage_ref"]
    return chosen[["gene_id", *_ALLELE, "summary"]].assign(single_effect=difference).astype({"pos": "Int64"})


def compare_additivity(effects: pd.DataFrame) -> pd.DataFrame:
    """How near the sum of single effects comes to the exact differences of people, per gene and summary.

    Parameters
    ----------
    effects : DataFrame
        As `tabulate_haplotype_effects` gives.

    Returns
    -------
    DataFrame
        ``gene_id, summary, n, r, largest_difference``: over people, whose number is the mean of their copies. r is null
        for fewer than three people, or where one side is the same for everybody. The difference is that between sum and
        exact, relative to the largest exact one.
    """
    whole = effects.drop_duplicates(["gene_id", "individual_id", "haplotype", "summary"])
    people = whole.groupby(["gene_id", "summary", "individual_id"], sort=False)[["exact_difference", "additive_sum"]]
    rows = []
    for (gene_id, summary), of_gene in people.mean().groupby(["gene_id", "summary"], sort=False):
        exact, added = of_gene["exact_difference"].to_numpy(), of_gene["additive_sum"].to_numpy()
        r = float(pearson(added, exact)) if len(exact) >= 3 else float("nan")
        largest = np.abs(exact).max()
        apart = float(np.abs(added - exact).max() / largest) if largest > 0 else float("nan")
        rows.append((gene_id, summary, len(exact), r, apart))
    return pd.DataFrame(rows, columns=["gene_id", "summary", "n", "r", "largest_difference"])
