"""The page of two groups of people whose predictions are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from haploformer.effects.populations import SAME, UNCALLED
from haploformer.enformer.summaries import TISSUE_MEAN
from haploformer.figures import tables
from haploformer.figures.cohort import prediction_facts, untrained_notices
from haploformer.figures.effects_page import EFFECT, NOT_PROVEN
from haploformer.figures.page import ReportFigure, render_page
from haploformer.figures.population_effects import (
    MIN_PEOPLE,
    part_labels,
    plot_contributions,
    plot_frequency_effects,
    plot_population_means,
    strongest_genes,
)
from haploformer.figures.prediction_page import MAX_ROWS, tissue_fact
from haploformer.genome.populations import continental_groups


@dataclass(frozen=True, eq=False)
class PopulationContent:
    """The tables of the page.

    Attributes
    ----------
    effects, differences : DataFrame
        ``schemas.population_effects`` and ``schemas.population_differences``.
    summaries, individuals : DataFrame
        ``schemas.enformer_summaries`` and ``schemas.individuals``.
    """

    effects: pd.DataFrame
    differences: pd.DataFrame
    summaries: pd.DataFrame
    individuals: pd.DataFrame


_READING = [
    (
        "Shared: frequency, not effect",
        "The effect of an allele, alone on the reference, is the same for everybody. Where both groups carry both alleles "
        "of a variant they differ in how often only: effect times difference of frequency is what it adds.",
    ),
    (
        "Only in one group",
        "Nobody of the other group is seen with it. In a small group that may be chance: a rare allele is missed.",
    ),
    (
        "Background",
        "The exact difference of the groups' mean predictions less the sum of what all variants add. It is where an "
        "allele's effect depends on the others of its haplotype, and so on the group: specific in effect. Overlapping "
        "alleles and missing calls (read as the reference) are in it, too.",
    ),
    (
        "Standardised",
        "The exact difference in standard deviations of the predictions within the groups. It is no test: neighbouring "
        "genes share variants, and people share ancestors.",
    ),
    (
        "What this cannot tell",
        "Whether expression differs. Groups differ in more than the variants of one window, and a model trained on one "
        "genome has seen no frequency.",
    ),
]

_GENES = {
    "gene_name": "Gene",
    "reference": "Reference",
    "first_mean": "Mean of {first}",
    "second_mean": "Mean of {second}",
    "exact_difference": "Exact difference",
    "additive_difference": "Sum of effects",
    "shared": "Shared",
    "private_first": "Only in {first}",
    "private_second": "Only in {second}",
    "fixed": "One in each",
    "background": "Background",
    "log2_fold_change": "log2 fold change",
    "standardised_difference": "Standardised",
    "driver": "Adds most",
    "driver_contribution": "of it",
}
_VARIANTS = {
    "gene_name": "Gene",
    "rank": "Rank in the gene",
    "variant_id": "Variant",
    "place": "Place",
    "tss_distance": "To the TSS",
    "first_frequency": "ALT frequency, {first}",
    "second_frequency": "ALT frequency, {second}",
    "carried": "Alleles",
    "effect": "Effect",
    "contribution": "Adds",
}


#: Who carries the alleles of a variant, in few words.
_WORDS = {
    "shared": "shared",
    "private_first": "only in {first}",
    "private_second": "only in {second}",
    "fixed": "one in each",
    "same": "the same",
    "uncalled": "not called",
}


def build_population_effects_page(
    content: PopulationContent, attributes: Mapping[str, Any], *, tissue: Sequence[int]
) -> str:
    """One self-contained HTML page.

    Parameters
    ----------
    content : PopulationContent
    attributes : mapping
        Of the stored predictions of single variants.
    tissue : sequence of int
        Tracks whose mean is ``tissue_mean``.
    """
    shown = content.differences[content.differences["summary"] == TISSUE_MEAN]
    names = {"first": str(shown["first"].iloc[0]), "second": str(shown["second"].iloc[0])}
    weights = f"Weights: {attributes['weights']}."
    return render_page(
        "tables.html",
        title=f"Predicted expression of {names['first']} and of {names['second']}",
        facts=[*_counts(content, shown, names), tissue_fact(tissue), *prediction_facts(attributes)],
        notices=untrained_notices(attributes),
        headlines=_headlines(content, shown, names),
        figures=_figures(content, names, weights),
        tables=[
            ("genes", "Genes", _gene_table(shown, names, weights), "Find a gene"),
            ("variants", "Variants", _variant_table(content.effects, names, weights), "Find a gene or a variant"),
        ],
        reading=[*_READING[:3], EFFECT, *_READING[3:], NOT_PROVEN],
    )


def population_sizes(individuals: pd.DataFrame) -> dict[str, int]:
    """People of each population, largest first."""
    sizes = individuals["population"].dropna().value_counts()
    return {str(name): int(n) for name, n in sorted(sizes.items(), key=lambda item: (-item[1], str(item[0])))}


def describe_populations(sizes: Mapping[str, int]) -> str:
    """Which populations a cohort has, and of which continental group they are, where that is known."""
    told = ", ".join(f"{name} {n:,}" for name, n in sizes.items())
    groups = continental_groups(list(sizes))
    if len(groups) == 1 and sum(map(len, groups.values())) == len(sizes):
        group = next(iter(groups))
        return (
            f"The cohort's populations: {told}. All are {group}: the groups are close relatives among populations, and "
            "nothing here speaks of other ancestries."
        )
    return f"The cohort's populations: {told}."


def _headlines(content: PopulationContent, shown: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    largest = strongest_genes(shown, 1).iloc[0]
    parts = {name: float(shown[name].abs().sum()) for name in ("shared", "private_first", "private_second", "fixed")}
    background, total = float(shown["background"].abs().sum()), float(shown["exact_difference"].abs().sum())
    sentences = [
        describe_populations(population_sizes(content.individuals)),
        f"{int(largest['n_first']):,} people of {names['first']} against {int(largest['n_second']):,} of "
        f"{names['second']}.",
        f"The largest difference: {largest['gene_name']}, log2 fold change {largest['log2_fold_change']:.3g}, "
        f"{_driven(largest)}.",
    ]
    if total > 0:
        private = parts["private_first"] + parts["private_second"] + parts["fixed"]
        sentences.append(
            f"Over {len(shown):,} genes, sizes of the parts relative to the sizes of the exact differences: alleles that "
            f"both groups carry {parts['shared'] / total:.2f}, alleles of one group only {private / total:.2f}, background "
            f"{background / total:.2f}."
        )
    return sentences


def _driven(gene: pd.Series) -> str:
    if not isinstance(gene["driver"], str):
        return "to which no variant adds anything"
    added, difference = gene["driver_contribution"], gene["exact_difference"]
    return f"to which {gene['driver']} adds most ({added:.3g}; the difference is {difference:.3g})"


def _figures(content: PopulationContent, names: Mapping[str, str], weights: str) -> list[ReportFigure]:
    boxes, n_left_out = plot_population_means(content.summaries, content.individuals, content.differences)
    left_out = f" Populations of fewer than {MIN_PEOPLE} people have no box ({n_left_out})." if n_left_out else ""
    return [
        ReportFigure(
            "Genes taken apart",
            plot_contributions(content.differences),
            f"Bars add up to the exact difference of the mean predictions of {names['first']} and {names['second']}: "
            f"variants by who carries their alleles, and the background, which is not their sum. {weights}",
        ),
        ReportFigure(
            "Effect and difference of frequency",
            plot_frequency_effects(content.effects),
            "Each point is a variant in a gene's window: its effect alone on the tissue's mean coverage at the centre "
            f"bins. Those in the upper right and lower left raise the prediction of {names['first']}. {weights}",
        ),
        ReportFigure(
            "Predictions by population",
            boxes,
            "Median, quartiles, and 5th to 95th percentile of people's predicted coverage, mean of both copies; dotted "
            f"inside, the mean. The dashed line is the reference genome's.{left_out} {weights}",
            min_width=720,
        ),
    ]


def _counts(content: PopulationContent, shown: pd.DataFrame, names: Mapping[str, str]) -> list[tuple[str, str]]:
    allele = ["contig", "pos", "ref", "alt"]
    distinct = content.effects.drop_duplicates(allele)["carried"].value_counts()
    labels = _carried(names)
    return [
        ("Genes", f"{len(shown):,}"),
        ("Variants", f"{int(distinct.sum()):,}"),
        *((f"of these, {labels[part]}", f"{int(distinct.get(part, 0)):,}") for part in labels if part in distinct),
    ]


def _carried(names: Mapping[str, str]) -> dict[str, str]:
    """Who carries the alleles of a variant, in words."""
    return {**part_labels(**names), SAME: "the same allele in everybody", UNCALLED: "nobody called in one group"}


def _gene_table(shown: pd.DataFrame, names: Mapping[str, str], weights: str) -> tables.Table:
    labels = {name: label.format(**names) for name, label in _GENES.items()}
    rows = strongest_genes(shown, len(shown))[list(labels)]
    caption = f"Coverage of the tissue's mean at the centre bins, the largest log fold change first. {weights}"
    return tables.plain_table(rows.rename(columns=labels), caption=caption)


def _variant_table(effects: pd.DataFrame, names: Mapping[str, str], weights: str) -> tables.Table:
    labels = {name: label.format(**names) for name, label in _VARIANTS.items()}
    tissue = effects[effects["summary"] == TISSUE_MEAN]
    order = tissue["contribution"].abs().fillna(-1.0).sort_values(ascending=False, kind="stable").index
    rows = tissue.loc[order].head(MAX_ROWS)
    place = rows["contig"].astype(str) + ":" + rows["pos"].map("{:,}".format) + " " + rows["ref"] + ">" + rows["alt"]
    rows = rows.assign(
        place=place, carried=rows["carried"].map({part: text.format(**names) for part, text in _WORDS.items()})
    )
    caption = f"What adds most to a difference stands first. {weights}"
    if len(tissue) > len(rows):
        caption += f" The first {len(rows):,} of {len(tissue):,} rows; the Parquet table has all."
    return tables.plain_table(rows[list(labels)].rename(columns=labels), caption=caption)
