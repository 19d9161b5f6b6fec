"""The page of disease variants: a locus to choose, the ranked table, and what became of the files' rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from haploformer.enformer.summaries import TISSUE_MEAN
from haploformer.figures import tables
from haploformer.figures.cohort import prediction_facts, untrained_notices
from haploformer.figures.disease import short, shown_loci
from haploformer.figures.effects_page import EFFECT, NOT_PROVEN
from haploformer.figures.page import ReportFigure, render_page
from haploformer.figures.prediction_page import MAX_ROWS, tissue_fact

_RISK = (
    "Risk allele",
    "Of an association, the allele that goes with the trait, on the forward strand; not told where the file has none, or "
    "where the strand cannot be told (A/T and C/G). Of ClinVar, ALT. The effect of the risk allele is that of ALT or, "
    "where REF is the risk allele, its opposite.",
)
_FOUND = (
    "Which variants",
    "Associations about variants of the cohort, found by rsid, or by place where the file's places are of this build. "
    "Variants of ClinVar whose REF is the reference's, typed or not. Both in the model's window round the TSS of a "
    "protein-coding gene; a variant in several windows stands in several rows.",
)
_NO_CAUSE = (
    "Association and effect",
    "A variant of the GWAS catalog marks a stretch of the genome; another one near it may be the cause, and the gene may "
    "be another. Many of ClinVar's act on the protein, of which this model knows nothing.",
)

_AUDIT = (
    "Associations and variants add up to the rows of the files. Places and risk alleles are those of the associations that "
    "are about a variant of the cohort."
)

_COLUMNS = {
    "rank": "Rank",
    "gene_name": "Gene",
    "named": "Variant",
    "place": "Place",
    "evidence": "Trait or significance",
    "log_fold_change": "log2 fold change",
    "allele": "Risk allele",
    "risk_log_fold_change": "of the risk allele",
    "tss_distance": "To the TSS",
    "alt_frequency": "ALT frequency",
    "neg_log10_pvalue": "\N{MINUS SIGN}log10\N{NO-BREAK SPACE}p",
    "coverage_ref": "Coverage, REF",
    "coverage_alt": "Coverage, ALT",
}


def build_disease_page(
    effects: pd.DataFrame,
    audit: pd.DataFrame,
    figure: go.Figure,
    attributes: Mapping[str, Any],
    *,
    tissue: Sequence[int],
) -> str:
    """One self-contained HTML page.

    Parameters
    ----------
    effects : DataFrame
        ``schemas.disease_variant_effects``.
    audit : DataFrame
        ``schemas.audit`` of the files' rows.
    figure : plotly.graph_objects.Figure
        `haploformer.figures.disease.plot_disease_loci`.
    attributes : mapping
        Of the stored predictions.
    tissue : sequence of int
        Tracks whose mean is ``tissue_mean``.
    """
    shown = effects[effects["summary"] == TISSUE_MEAN].sort_values("rank", kind="stable")
    n_loci, n_genes = shown_loci(shown), shown["gene_id"].nunique()
    caption = (
        "Choose a gene above the figure: each point is a disease variant in its window, log2 fold change of the tissue's "
        f"mean coverage at the centre bins when it alone is applied to the reference. Weights: {attributes['weights']}."
    )
    if n_loci < n_genes:
        caption += f" The list holds the {n_loci:,} genes with the strongest effects of {n_genes:,}."
    more = (
        f" The first {MAX_ROWS:,} of {len(shown):,} rows; the Parquet table has all." if len(shown) > MAX_ROWS else ""
    )
    ranked = _ranked_table(shown.head(MAX_ROWS), f"By the size of the effect. Weights: {attributes['weights']}.{more}")
    return render_page(
        "tables.html",
        title="Effects of disease variants",
        facts=[*_counts(shown), tissue_fact(tissue), *prediction_facts(attributes)],
        notices=untrained_notices(attributes),
        headlines=_headlines(shown, audit),
        figures=[ReportFigure("A locus", figure, caption, min_width=640)],
        tables=[
            ("effects", "Ranked variants", ranked, "Find a gene, a variant or a trait"),
            ("audit", "What became of the rows", replace(tables.variant_audit_table(audit), caption=_AUDIT), ""),
        ],
        reading=[EFFECT, _FOUND, _RISK, _NO_CAUSE, NOT_PROVEN],
    )


def _ranked_table(shown: pd.DataFrame, caption: str) -> tables.Table:
    is_gwas = shown["source"] == "gwas"
    # A name that is made of place and alleles tells no more than they do.
    own = shown["contig"] + "_" + shown["pos"].astype(str) + "_" + shown["ref"] + "_" + shown["alt"]
    name = shown["rsid"].where(shown["rsid"].notna(), shown["variant_id"].where(shown["variant_id"] != own))
    alleles = shown["ref"].map(short) + ">" + shown["alt"].map(short)
    told = shown.assign(
        named=name,
        allele=shown["allele"].map(short, na_action="ignore"),
        place=shown["contig"].astype(str) + ":" + shown["pos"].map("{:,}".format) + " " + alleles,
        evidence=shown["trait"].where(is_gwas, shown["significance"]),
    )
    return tables.plain_table(told[list(_COLUMNS)].rename(columns=_COLUMNS), caption=caption)


def _counts(shown: pd.DataFrame) -> list[tuple[str, str]]:
    allele = ["contig", "pos", "ref", "alt"]
    numbers = {
        "Variants": len(shown.drop_duplicates(allele)),
        "of the GWAS catalog": len(shown[shown["source"] == "gwas"].drop_duplicates(allele)),
        "of ClinVar": len(shown[shown["source"] == "clinvar"].drop_duplicates(allele)),
        "Protein-coding genes": shown["gene_id"].nunique(),
        "Pairs of gene and variant": len(shown.drop_duplicates(["gene_id", *allele])),
    }
    return [(label, f"{n:,}") for label, n in numbers.items()]


def _headlines(shown: pd.DataFrame, audit: pd.DataFrame) -> list[str]:
    sentences = []
    for source, kind in (("GWAS catalog", "association"), ("ClinVar", "variant")):
        rows = audit[(audit["source"] == source) & (audit["record_class"] == kind)]
        if rows.empty:
            sentences.append(f"{source}: no file is given.")
            continue
        used = int(rows.loc[rows["outcome"] == "kept", "count"].sum())
        refused = int(rows.loc[rows["reason"] == "REF differs from the reference", "count"].sum())
        words = f"; {refused:,} refused because REF differs from the reference" if kind == "variant" else ""
        sentences.append(f"{source}: {used:,} of {int(rows['count'].sum()):,} rows are used{words}.")
    first = shown.iloc[0]
    sentences.append(
        f"The largest effect: {first['variant_id']} on {first['gene_name']}, log2 fold change "
        f"{first['log_fold_change']:.3g} at {first['tss_distance']:+,} bases from its TSS."
    )
    return sentences
