"""Pages of variants' effects: what was run, a figure, and the strongest rows of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from haploformer.enformer.summaries import TISSUE_MEAN
from haploformer.figures.effects import fold_changes
from haploformer.figures.page import ReportFigure
from haploformer.figures.prediction_page import build_table_page, tissue_fact

EFFECT = (
    "Effect",
    "What one allele changes when it alone replaces the reference's: the model's coverage with ALT against that with REF. "
    "log2 fold change: of the mean over the centre bins, one added on both sides.",
)
NOT_PROVEN = (
    "What this cannot tell",
    "Whether a variant does this in a cell. An effect is what the model makes of the sequence; compare it with measured "
    "eQTLs before leaning on it.",
)
_SINGLE = (
    "Sum of single effects",
    "Each variant's effect alone on the reference, added up over those of the haplotype.",
)
_WITHIN = (
    "Variant within a haplotype",
    "The haplotype less the same haplotype without this variant, all others kept. Where it differs from the variant alone, "
    "effects do not add up.",
)
_LOGO = (
    "Importance",
    "A base is as high as what replacing it takes away: minus the mean of its three substitutions. Bases that hang below "
    "zero hold the prediction down. Letters are those of the forward strand.",
)

_NAMES = {"gene_name": "Gene", "variant_id": "Variant", "place": "Place", "tss_distance": "To the TSS"}
_VALUES = {
    "alt_frequency": "ALT frequency",
    "coverage_ref": "Coverage, REF",
    "coverage_alt": "Coverage, ALT",
    "effect": "log2 fold change",
}


def build_effects_page(
    effects: pd.DataFrame, figure: go.Figure, attributes: Mapping[str, Any], *, tissue: Sequence[int]
) -> str:
    """One page on the effects of single variants, the strongest first.

    Parameters
    ----------
    effects : DataFrame
        ``schemas.variant_effects`` with ``gene_name``.
    figure : plotly.graph_objects.Figure
        `haploformer.figures.effects.plot_effects_by_distance`.
    attributes : mapping
        Of the stored predictions.
    tissue : sequence of int
        Tracks whose mean is ``tissue_mean``.
    """
    shown = _strongest(effects)
    caption = (
        "Each point is a variant in the window of a gene: log2 fold change of the tissue's mean coverage at the centre "
        f"bins when it alone is applied to the reference. Weights: {attributes['weights']}."
    )
    return build_table_page(
        shown,
        {**_NAMES, **_VALUES},
        ReportFigure("Effect against distance", figure, caption),
        attributes,
        title="Effects of single variants",
        counts=[*_counts(shown), tissue_fact(tissue)],
        reading=[EFFECT, NOT_PROVEN],
    )


def build_mutagenesis_page(
    effects: pd.DataFrame, figure: go.Figure, attributes: Mapping[str, Any], *, tissue: Sequence[int]
) -> str:
    """One page on a mutated stretch; parameters as of `build_effects_page`, the figure that of ``plot_mutagenesis``."""
    shown = _strongest(effects)
    gene = str(effects["gene_name"].iloc[0]) if len(effects) else "no gene"
    caption = (
        f"Every base of the stretch replaced by each other one, in the window of {gene}: log2 fold change of the tissue's "
        f"mean coverage at the centre bins. Weights: {attributes['weights']}."
    )
    return build_table_page(
        shown,
        {**_NAMES, **{name: label for name, label in _VALUES.items() if name != "alt_frequency"}},
        ReportFigure("Substitutions", figure, caption, min_width=max(560, 8 * shown["pos"].nunique())),
        attributes,
        title=f"Mutagenesis of a stretch near {gene}",
        counts=[*_counts(shown), tissue_fact(tissue)],
        reading=[EFFECT, _LOGO, NOT_PROVEN],
    )


def build_haplotype_page(
    effects: pd.DataFrame,
    additivity: pd.DataFrame,
    figure: go.Figure,
    attributes: Mapping[str, Any],
    *,
    tissue: Sequence[int],
) -> str:
    """One page on haplotypes taken apart.

    Parameters
    ----------
    effects : DataFrame
        ``schemas.haplotype_effects`` with ``gene_name``.
    additivity : DataFrame
        ``schemas.additivity``.
    figure : plotly.graph_objects.Figure
        `haploformer.figures.effects.plot_additivity`.
    attributes, tissue
        As of `build_effects_page`.
    """
    shown = effects[(effects["summary"] == TISSUE_MEAN) & effects["variant_id"].notna()]
    order = shown["left_out_effect"].abs().sort_values(ascending=False, kind="stable").index
    shown = shown.loc[order].assign(place=_places(shown))
    names = effects.drop_duplicates("gene_id").set_index("gene_id")["gene_name"]
    of_tissue = additivity[additivity["summary"] == TISSUE_MEAN].dropna(subset="r")
    told = [
        (f"Sum against exact, {names[row.gene_id]}", f"r = {row.r:.4f} over {row.n:,} people")
        for row in of_tissue.itertuples()
    ]
    columns = {
        "gene_name": "Gene",
        "individual_id": "Person",
        "haplotype": "Copy",
        "variant_id": "Variant",
        "place": "Place",
        "exact_difference": "Haplotype less reference",
        "additive_sum": "Sum of single effects",
        "single_effect": "Variant alone",
        "left_out_effect": "Variant within",
    }
    caption = (
        "Left, each point is a chromosome copy; right, a variant of one. On the dashed line effects add up. Coverage of "
        f"the tissue's mean at the centre bins. Weights: {attributes['weights']}."
    )
    counts = [("People", f"{effects['individual_id'].nunique():,}"), ("Genes", f"{len(names):,}"), *told[:8]]
    return build_table_page(
        shown,
        columns,
        ReportFigure("Do effects add up?", figure, caption),
        attributes,
        title="Haplotypes taken apart",
        counts=[*counts, tissue_fact(tissue)],
        reading=[_SINGLE, _WITHIN, NOT_PROVEN],
    )


def _strongest(effects: pd.DataFrame) -> pd.DataFrame:
    shown = fold_changes(effects)
    order = shown["effect"].abs().sort_values(ascending=False, kind="stable").index
    return shown.loc[order].assign(place=_places(shown))


def _places(effects: pd.DataFrame) -> pd.Series:
    return (
        effects["contig"].astype(str) + ":" + effects["pos"].astype(str) + " " + effects["ref"] + ">" + effects["alt"]
    )


def _counts(effects: pd.DataFrame) -> list[tuple[str, str]]:
    n_variants = len(effects.drop_duplicates(["contig", "pos", "ref", "alt"]))
    return [
        ("Variants", f"{n_variants:,}"),
        ("Genes", f"{effects['gene_id'].nunique():,}"),
        ("Pairs of gene and variant", f"{len(effects):,}"),
    ]
