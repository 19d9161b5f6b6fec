"""Pages on how effects, scans and linear weights stand beside what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from haploformer.figures import tables
from haploformer.figures.cohort import prediction_facts, untrained_notices
from haploformer.figures.concordance import (
    STATISTICS,
    distance_label,
    plot_concordance_by_distance,
    plot_effect_against_slope,
    plot_faithfulness,
    plot_roc,
    plot_sizes,
)
from haploformer.figures.page import ReportFigure, render_page
from haploformer.figures.tables import Table

#: Rows that a page shows; the Parquet table has all.
MAX_ROWS = 500

_MATCHED_SHARE = (
    "Matched share",
    "Of the table's rows inside the windows, those that are about one of our variants: the same place and alleles, as "
    "written, the other way round (the slope changes its sign), or on the other strand. A/T and C/G are set aside: both "
    "strands look alike. So is an indel the other way round where nothing says which allele is the reference's.",
)
_SIGN = (
    "Sign concordance",
    "Share of pairs of gene and variant whose effect has the sign of the slope, both of one more copy of ALT. 0.5 says "
    "nothing.",
)
_NULL = {
    "swapped": "Alleles swapped at random, all of a gene together, since its variants are linked.",
    "permuted": "Effects dealt anew among the variants of a gene.",
}
_AUROC = (
    "AUROC",
    "How often a fine-mapped variant has a larger effect, whatever its sign, than a control alike in distance to the TSS "
    "and allele frequency. Null: the fine-mapped one of each set dealt anew.",
)
_LINKED = (
    "What this cannot tell",
    "A slope is that of a variant and of all that is linked to it, an effect that of the variant alone: signs may differ "
    "though both are right. A strong agreement is evidence, a weak one is not evidence against.",
)
_SIZE_ONLY = (
    "Size only",
    "The other table names neither variant nor allele: nothing but the absolute r of each gene's strongest association can "
    "be compared. Both are the largest of many, hence above 0 by chance.",
)
_FAITHFUL = (
    "Faithful",
    "r between what the weights say of the cohort's people and what the model predicts for their genomes. Where it is low, "
    "effects do not add up, and a score made of these weights is not the model's prediction: the gene is marked in the "
    "database (linear.faithful = 0) and here.",
)
_FORMS = {
    "additive": "Weights are half of the predicted effect of each variant alone: a prediction is the mean of both copies.",
    "elastic_net": "Weights are an elastic net fitted to everybody's predictions; r is that of people left out of the fit.",
}


@dataclass(frozen=True)
class ComparedTable:
    """What a page on concordance is about.

    Attributes
    ----------
    title, heading : str
        Of the page, and of its first figure.
    source, form : str
        Of the table of slopes.
    effect : str
        What is compared with them.
    null : str
    summary : str
        `HarmoniseCounts.summary`: the matched share, and what became of the other rows.
    """

    title: str
    heading: str
    source: str
    form: str
    effect: str
    null: str
    summary: str


def build_concordance_page(
    compared: ComparedTable,
    pairs: pd.DataFrame,
    concordance: pd.DataFrame,
    matched: pd.DataFrame,
    audit: pd.DataFrame,
    *,
    attributes: Mapping[str, Any] | None = None,
    facts: Sequence[tuple[str, str]] = (),
) -> str:
    """One page: harmonisation first, then figures and numbers.

    Parameters
    ----------
    compared : ComparedTable
    pairs, concordance, matched, audit : DataFrame
        Schemas ``effect_pairs, effect_concordance, matched_variants, harmonise_audit``.
    attributes : mapping, optional
        Of the stored predictions, where effects are predicted.
    facts : sequence of (label, value)
        Further ones.
    """
    weights = "" if attributes is None else f" Weights: {attributes['weights']}."
    figures = [
        ReportFigure(
            compared.heading,
            plot_effect_against_slope(pairs, effect=compared.effect),
            f"Each point is a gene and a variant of one more copy of ALT. {compared.source}.{weights}",
        ),
        ReportFigure(
            "By distance to the TSS",
            plot_concordance_by_distance(concordance),
            f"Points: values; bars: 95 % of the null. {_NULL[compared.null]} Dashed: what knows nothing.{weights}",
            min_width=max(560, 74 * len(concordance)),
        ),
    ]
    if len(matched):
        n_cases = int(matched["is_case"].sum())
        caption = f"{n_cases:,} fine-mapped variants, {len(matched) - n_cases:,} controls matched to them.{weights}"
        figures.append(ReportFigure("Fine-mapped variants against controls", plot_roc(matched), caption))
    told = [("Table of slopes", f"{compared.source} ({compared.form})"), ("Compared with it", compared.effect)]
    told += [("Pairs of gene and variant", f"{len(pairs):,}"), ("Genes", f"{pairs['gene_id'].nunique():,}"), *facts]
    strongest = pairs.sort_values("pvalue", kind="stable").head(MAX_ROWS)
    return render_page(
        "concordance.html",
        title=compared.title,
        facts=[*told, *([] if attributes is None else prediction_facts(attributes))],
        notices=[] if attributes is None else untrained_notices(attributes),
        headlines=[f"{compared.summary}.", *concordance_headlines(concordance)],
        figures=figures,
        parts=[
            _part("harmonisation", "What became of the rows", _audit_table(audit)),
            _part("concordance", "Concordance", _concordance_table(concordance)),
        ],
        rows=_pair_table(strongest, len(pairs)) if len(pairs) else None,
        rows_title="Pairs",
        reading=[_MATCHED_SHARE, _SIGN, ("Null", _NULL[compared.null]), *([_AUROC] if len(matched) else []), _LINKED],
    )


def concordance_headlines(concordance: pd.DataFrame) -> list[str]:
    """Each statistic over all distances, in a sentence."""
    sentences = []
    for row in concordance[concordance["low"].isna()].itertuples():
        name = STATISTICS[row.statistic]
        if np.isfinite(row.value):
            left = f", {row.n_left_out:,} left out" if row.n_left_out else ""
            null = f"null {row.null_mean:.3f}, sd {row.null_sd:.3f}; p = {row.p_value:.2g}"
            sentences.append(f"{name} {row.value:.3f} of {row.n:,}{left} ({null}).")
        else:
            sentences.append(f"{name}: too few ({row.n:,}).")
    return sentences


def build_sizes_page(
    sizes: pd.DataFrame, *, pearson_r: float, spearman_r: float, n_only_ours: int, n_only_theirs: int, scan: str
) -> str:
    """One page on the sizes of strongest associations.

    Parameters
    ----------
    sizes : DataFrame, schema ``eqtl_sizes``
    pearson_r, spearman_r : float
        Over genes.
    n_only_ours, n_only_theirs : int
        Genes that one table lacks.
    scan : str
        How ours were found.
    """
    n = len(sizes)
    share = 100 * n / (n + n_only_ours) if n + n_only_ours else 0.0
    headlines = [f"{share:.1f} % of our genes are in the other table ({n:,} of {n + n_only_ours:,})."]
    if np.isfinite(pearson_r):
        headlines.append(f"|r| of both: Pearson {pearson_r:.3f}, Spearman {spearman_r:.3f} over genes.")
    names = {"gene_name": "Gene", "gene_id": "Id", "ours": "|r|, ours", "theirs": "|r|, theirs"}
    return render_page(
        "concordance.html",
        title="Strongest associations by size",
        facts=[
            ("Genes in both", f"{n:,}"),
            ("Genes only here", f"{n_only_ours:,}"),
            ("Genes only there", f"{n_only_theirs:,}"),
            ("Our scan", scan),
        ],
        notices=[],
        headlines=headlines,
        figures=[ReportFigure("Size against size", plot_sizes(sizes), f"Dashed: both alike. {scan}.")],
        parts=[],
        rows=tables.plain_table(sizes[list(names)].rename(columns=names), caption="Genes in both tables."),
        rows_title="Genes",
        reading=[_SIZE_ONLY],
    )


def build_linear_page(
    faithfulness: pd.DataFrame,
    audit: pd.DataFrame,
    attributes: Mapping[str, Any],
    *,
    form: str,
    floor: float,
    panel: str,
    build: str,
) -> str:
    """One page on linear weights.

    Parameters
    ----------
    faithfulness : DataFrame
        ``schemas.linear_faithfulness`` with ``gene_name``.
    audit : DataFrame, schema ``linear_audit``
    attributes : mapping
        Of the stored predictions.
    form, panel, build : str
    floor : float
        Under this r a gene is marked.
    """
    n, n_faithful = len(faithfulness), int(faithfulness["faithful"].sum())
    defined = faithfulness["r"].dropna()
    median = f" The median r is {defined.median():.3f}." if len(defined) else ""
    summed = audit.groupby(["outcome", "reason"], sort=False)["count"].sum().reset_index()
    summed = summed[summed["count"] > 0]
    names = {"gene_name": "Gene", "gene_id": "Id", "n_variants": "Variants", "r": "r", "slope": "Slope"}
    names |= {"largest_difference": "Largest difference, sd", "marked": "Marked"}
    rows = faithfulness.sort_values("r", kind="stable", na_position="first")
    rows = rows.assign(marked=np.where(rows["faithful"], "", "marked"))
    figure = plot_faithfulness(faithfulness, floor=floor)
    caption = f"Dashed: {floor:g}. {_FORMS[form]} Weights of the model: {attributes['weights']}."
    if n > len(defined):
        caption += f" Genes without an r, whose weights or predictions are the same in everybody: {n - len(defined):,}."
    return render_page(
        "concordance.html",
        title="Linear weights",
        facts=[
            ("Form", form.replace("_", " ")),
            ("Genes", f"{n:,}"),
            ("People", f"{int(faithfulness['n'].max()) if n else 0:,}"),
            ("Panel of the covariances", panel),
            ("Build", build),
            *prediction_facts(attributes),
        ],
        notices=untrained_notices(attributes),
        headlines=[
            f"{n_faithful:,} of {n:,} genes are faithful (r of {floor:g} or more); the others are marked.{median}"
        ],
        figures=[ReportFigure("Linear form against exact predictions", figure, caption)],
        parts=[
            _part(
                "audit",
                "Alleles kept and left out",
                tables.plain_table(
                    summed.rename(columns={"outcome": "Outcome", "reason": "Reason", "count": "Alleles"}),
                    caption="Each allele counts once for each gene.",
                ),
            )
        ],
        rows=tables.plain_table(rows[list(names)].rename(columns=names), caption="The least faithful first."),
        rows_title="Genes",
        reading=[_FAITHFUL, ("Form", _FORMS[form])],
    )


def _part(key: str, title: str, table: Table) -> dict[str, Any]:
    return {"key": key, "title": title, "table": table}


def _audit_table(audit: pd.DataFrame) -> Table:
    shown = audit[audit["count"] > 0]
    names = {"step": "Step", "outcome": "Outcome", "reason": "Reason", "count": "Rows"}
    caption = (
        "What is left out and what is used add up to the rows of the file; what was put right is among the matched."
    )
    return tables.plain_table(shown[list(names)].rename(columns=names), caption=caption)


def _concordance_table(concordance: pd.DataFrame) -> Table:
    shown = concordance.assign(
        statistic=concordance["statistic"].map(STATISTICS),
        distance=[distance_label(a, b) for a, b in zip(concordance["low"], concordance["high"], strict=True)],
    )
    names = {"statistic": "Statistic", "distance": "Distance to the TSS", "n": "n", "n_left_out": "Left out"}
    names |= {"value": "Value", "null_mean": "Null, mean", "null_sd": "Null, sd", "p_value": "p"}
    return tables.plain_table(
        shown[list(names)].rename(columns=names), caption="p is two-sided, over draws of the null."
    )


def _pair_table(pairs: pd.DataFrame, n_all: int) -> Table:
    place = pairs["contig"].astype(str) + ":" + pairs["pos"].astype(str) + " " + pairs["ref"] + ">" + pairs["alt"]
    names = {"gene_id": "Gene", "variant_id": "Variant", "place": "Place", "tss_distance": "To the TSS", "maf": "MAF"}
    names |= {"effect": "Effect", "slope": "Slope", "pvalue": "p of the slope"}
    more = "" if n_all == len(pairs) else f" The first {len(pairs):,} of {n_all:,}; the Parquet table has all."
    shown = pairs.assign(place=place)[list(names)].rename(columns=names)
    return tables.plain_table(shown, caption=f"The smallest p first.{more}")
