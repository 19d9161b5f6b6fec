"""Why predictions differ between two groups of people: frequencies, private alleles, and what does not add up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from haploformer.effects.definitions import SAD
from haploformer.effects.tables import CENTRE, TRACK

#: Who carries the alleles of a variant. `SHARED`: both groups both; only the frequency differs. `PRIVATE_FIRST`,
#: `PRIVATE_SECOND`: an allele is carried in that group alone. `FIXED`: each group has one, and they differ. `SAME`: both
#: groups have the same one alone. `UNCALLED`: nobody of a group is called.
SHARED, PRIVATE_FIRST, PRIVATE_SECOND, FIXED = "shared", "private_first", "private_second", "fixed"
SAME, UNCALLED = "same", "uncalled"
PARTS = (SHARED, PRIVATE_FIRST, PRIVATE_SECOND, FIXED)

_ALLELE = ["contig", "pos", "ref", "alt"]

_MEANS = [
    *("n_first", "n_second", "reference", "first_mean", "second_mean", "exact_difference", "log2_fold_change"),
    "standardised_difference",
]


def classify_alleles(first: pd.Series, second: pd.Series) -> pd.Series:
    """Who carries the alleles of each variant.

    Parameters
    ----------
    first, second : float (n_variants,)
        ALT frequencies in both groups; NaN where nobody was called.
    """
    lone_first, lone_second = first.isin([0.0, 1.0]), second.isin([0.0, 1.0])
    found = np.select(
        [
            first.isna() | second.isna(),
            ~lone_first & ~lone_second,
            ~lone_first & lone_second,
            lone_first & ~lone_second,
            (first == second),
        ],
        [UNCALLED, SHARED, PRIVATE_FIRST, PRIVATE_SECOND, SAME],
        FIXED,
    )
    return pd.Series(found, index=first.index, dtype=object)


def attribute_differences(effects: pd.DataFrame, frequencies: pd.DataFrame, *, first: str, second: str) -> pd.DataFrame:
    """What each variant adds to the difference between two groups' mean predictions, if effects add up.

    Parameters
    ----------
    effects : DataFrame, schema ``variant_effects``
        Of the cohort's variants; the summaries at the centre bins are used.
    frequencies : DataFrame, schema ``variant_frequencies``
        Of which ``population`` is ``first`` or ``second``; means over people, as predictions are averaged.

    Returns
    -------
    DataFrame, schema ``population_effects`` without ``gene_name``
        ``contribution`` is the effect times the frequency in the first group less that in the second: a person's
        prediction is the mean of the copies, so that the share of them with ALT is what counts. Of each gene and
        summary the largest first, ranked from 1.
    """
    chosen = (effects["bins"] == CENTRE) & (effects["effect_kind"] == SAD) & (effects["summary"] != TRACK)
    table = effects[chosen].reset_index(drop=True)
    table = table.assign(effect=table["coverage_alt"] - table["coverage_ref"], first=first, second=second)
    for side, name in (("first", first), ("second", second)):
        of_group = frequencies.loc[frequencies["population"] == name, [*_ALLELE, "alt_frequency"]]
        renamed = of_group.rename(columns={"alt_frequency": f"{side}_frequency"})
        table = table.merge(renamed, on=_ALLELE, how="left", validate="m:1")
    difference = table["first_frequency"] - table["second_frequency"]
    table = table.assign(
        carried=classify_alleles(table["first_frequency"], table["second_frequency"]),
        frequency_difference=difference,
        contribution=table["effect"] * difference,
    )
    table = table.assign(size=table["contribution"].abs().fillna(-1.0)).sort_values(
        ["gene_id", "summary", "size"], ascending=[True, True, False], kind="stable"
    )
    table = table.assign(rank=table.groupby(["gene_id", "summary"]).cumcount() + 1)
    told = ["gene_id", "summary", "rank", "variant_id", *_ALLELE, "tss_distance", "first", "second"]
    numbers = ["first_frequency", "second_frequency", "frequency_difference", "carried", "effect", "contribution"]
    return table[told + numbers].reset_index(drop=True)


def compare_groups(
    summaries: pd.DataFrame, attributed: pd.DataFrame, group_of: dict[str, str], *, first: str, second: str
) -> pd.DataFrame:
    """The difference between the groups' mean predictions, beside the sum of what variants add to it.

    Parameters
    ----------
    summaries : DataFrame, schema ``enformer_summaries``
    attributed : DataFrame
        As of `attribute_differences`.
    group_of : dict of individual_id to group
    first, second : str
        The groups' names.

    Returns
    -------
    DataFrame, schema ``population_differences`` without ``gene_name``
        The sum of ``shared``, ``private_first``, ``private_second`` and ``fixed`` is ``additive_difference``; with
        ``background``, which no effect of a single variant explains, it is ``exact_difference``.
    """
    by_part = attributed.groupby(["gene_id", "summary", "carried"])["contribution"]
    parts, counts = by_part.sum(), by_part.size()
    drivers = attributed[(attributed["rank"] == 1) & (attributed["contribution"].fillna(0) != 0)]
    driver_of = drivers.set_index(["gene_id", "summary"])[["variant_id", "contribution"]]
    people = summaries[summaries["summary"].isin(attributed["summary"].unique())]
    people = people.assign(group=people["individual_id"].map(group_of)).dropna(subset="group")
    rows = []
    for key, of_gene in people.groupby(["gene_id", "summary"], sort=False):
        added = {part: float(parts.get((*key, part), 0.0)) for part in PARTS}
        means = _compare_means(of_gene, first, second)
        n = {f"n_{part}_variants": int(counts.get((*key, part), 0)) for part in (*PARTS, SAME, UNCALLED)}
        driver, driven = driver_of.loc[key].tolist() if key in driver_of.index else (None, np.nan)
        additive = sum(added.values())
        rows.append(
            {"gene_id": key[0], "summary": key[1], "first": first, "second": second, **means}
            | {"additive_difference": additive, **added, "background": means["exact_difference"] - additive}
            | {**n, "driver": driver, "driver_contribution": driven}
        )
    counted = [f"n_{part}_variants" for part in (*PARTS, SAME, UNCALLED)]
    told = ["gene_id", "summary", "first", "second", *_MEANS, "additive_difference", *PARTS, "background", *counted]
    return pd.DataFrame(rows, columns=[*told, "driver", "driver_contribution"])


def _compare_means(people: pd.DataFrame, first: str, second: str) -> dict[str, float]:
    """Mean predictions of both groups for one gene and summary, and how they differ."""
    ours, theirs = (people.loc[people["group"] == name, "personal"].to_numpy(np.float64) for name in (first, second))
    squares = sum(((values - values.mean()) ** 2).sum() for values in (ours, theirs))
    pooled = float(np.sqrt(squares / max(len(ours) + len(theirs) - 2, 1)))
    difference = float(ours.mean() - theirs.mean())
    return {
        "n_first": len(ours),
        "n_second": len(theirs),
        "reference": float(people["reference"].iloc[0]),
        "first_mean": float(ours.mean()),
        "second_mean": float(theirs.mean()),
        "exact_difference": difference,
        "log2_fold_change": float(np.log2(ours.mean() + 1) - np.log2(theirs.mean() + 1)),
        "standardised_difference": difference / pooled if pooled > 0 else np.nan,
    }
