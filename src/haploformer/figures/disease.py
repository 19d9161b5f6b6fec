"""Disease variants near genes: what each does to the prediction, by place; the locus is chosen from a list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from haploformer.enformer.summaries import TISSUE_MEAN
from haploformer.figures.style import (
    GROUP_COLOURS,
    GROUP_SYMBOLS,
    INK,
    MUTED,
    ZERO,
    check_columns,
    new_figure,
    plain_text,
    plain_texts,
    plot_nothing,
)
from haploformer.genome.disease import significance_group

#: Loci in the list, those of the strongest effects; the table has all.
MAX_LOCI = 200

#: Traits of one variant that the hover names, and letters of each.
MAX_TRAITS, MAX_LETTERS = 3, 60

#: Groups of variants, the last on top: label, colour and symbol by number, size.
_GROUPS = {
    "other": ("ClinVar, other", 7, 8),
    "benign": ("ClinVar, benign", 2, 7),
    "uncertain": ("ClinVar, uncertain or conflicting", 3, 9),
    "pathogenic": ("ClinVar, pathogenic", 1, 10),
    "gwas": ("GWAS catalog", 0, 10),
}

_NEEDED = [
    *("source", "variant_id", "contig", "pos", "ref", "alt", "gene_id", "gene_name", "tss_distance", "trait"),
    *("significance", "neg_log10_pvalue", "alt_frequency", "summary", "log_fold_change", "rank"),
]


def plot_disease_loci(effects: pd.DataFrame, windows: pd.DataFrame) -> go.Figure:
    """Each disease variant in a gene's window: log fold change of the tissue's mean against its place.

    Parameters
    ----------
    effects : DataFrame
        ``schemas.disease_variant_effects``.
    windows : DataFrame
        ``gene_id, contig, start, end, tss, strand`` of the genes.

    Returns
    -------
    plotly.graph_objects.Figure
        A trace per kind of variant; the list holds a locus per gene, the strongest effect first.
    """
    check_columns("disease_variant_effects", effects.columns, _NEEDED)
    tissue = effects[effects["summary"] == TISSUE_MEAN]
    if tissue.empty:
        return plot_nothing("No disease variant lies in a window.")
    variants = _merge_traits(tissue)
    genes = list(dict.fromkeys(variants.sort_values("rank", kind="stable")["gene_id"]))
    places = windows.set_index("gene_id")
    loci = [_locus(variants[variants["gene_id"] == gene], places.loc[gene]) for gene in genes[:MAX_LOCI]]
    figure = new_figure(height=560)
    data, layout, _ = loci[0]
    for i, (label, style, size) in enumerate(_GROUPS.values()):
        figure.add_trace(
            go.Scatter(
                x=data["x"][i],
                y=data["y"][i],
                customdata=data["customdata"][i],
                mode="markers",
                name=label,
                hovertemplate="%{customdata}<extra></extra>",
                marker={
                    "color": GROUP_COLOURS[style],
                    "symbol": GROUP_SYMBOLS[style],
                    "size": size,
                    "opacity": 0.75,
                    "line": {"color": "#ffffff", "width": 0.5},
                },
            )
        )
    figure.update_layout({name.replace(".", "_"): value for name, value in layout.items()})
    buttons = [{"method": "update", "label": plain_text(label), "args": [data, layout]} for data, layout, label in loci]
    figure.update_layout(
        updatemenus=[
            {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.2, "yanchor": "top", "bgcolor": "#ffffff"}
            | {"font": {"size": 13}, "pad": {"t": 0, "b": 0}}
        ],
        showlegend=True,
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
        | {"traceorder": "reversed"},
        margin={"t": 118},
    )
    figure.update_yaxes(title_text="log2 fold change of the tissue's mean")
    return figure


def shown_loci(effects: pd.DataFrame) -> int:
    """How many genes the list of `plot_disease_loci` holds."""
    return min(effects["gene_id"].nunique(), MAX_LOCI)


def _merge_traits(tissue: pd.DataFrame) -> pd.DataFrame:
    """A row per variant, gene and kind; its traits joined."""
    group = np.where(tissue["source"] == "gwas", "gwas", tissue["significance"].map(significance_group).astype(object))
    told = tissue.assign(group=group, trait=tissue["trait"].astype(object).where(tissue["trait"].notna(), ""))
    keys = ["gene_id", "contig", "pos", "ref", "alt", "group"]
    joined = told.groupby(keys, sort=False)["trait"].agg(list).map(_join_traits).rename("traits")
    strongest = told.groupby(keys, sort=False)["neg_log10_pvalue"].max().rename("strongest")
    return told.drop_duplicates(keys).merge(joined, on=keys).merge(strongest, on=keys)


def _join_traits(traits: Sequence[str]) -> str:
    distinct = [trait for trait in dict.fromkeys(traits) if trait]
    shown = [short(trait, MAX_LETTERS) for trait in distinct[:MAX_TRAITS]]
    more = len(distinct) - MAX_TRAITS
    return "; ".join(shown) + (f" and {more} more" if more > 0 else "")


def _locus(variants: pd.DataFrame, place: pd.Series) -> tuple[dict[str, Any], dict[str, Any], str]:
    """What a choice changes of the traces and of the layout, and what it is called."""
    data: dict[str, Any] = {"x": [], "y": [], "customdata": []}
    for group in _GROUPS:
        rows = variants[variants["group"] == group]
        data["x"].append((rows["pos"] / 1e6).tolist())
        data["y"].append(rows["log_fold_change"].tolist())
        data["customdata"].append([_hover(row) for row in rows.to_dict("records")])
    name = str(variants["gene_name"].iloc[0])
    largest = float(variants["log_fold_change"].abs().max()) or 1e-6
    tss = (place["tss"] + 1) / 1e6
    arrow = {"+": "\N{RIGHTWARDS ARROW}", "-": "\N{LEFTWARDS ARROW}"}.get(str(place["strand"]), "")
    n = len(variants.drop_duplicates(["pos", "ref", "alt"]))
    stretch = _stretch(variants["pos"], place)
    side = "left" if tss < sum(stretch) / 2 else "right"
    layout = {
        "xaxis.range": stretch,
        "xaxis.title.text": plain_text(f"Position on contig {place['contig']}, Mb"),
        "yaxis.range": [-1.15 * largest, 1.15 * largest],
        "shapes": [
            {"type": "line", "x0": tss, "x1": tss, "yref": "paper", "y0": 0, "y1": 1}
            | {"line": {"color": INK, "width": 1, "dash": "dash"}, "layer": "below"},
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0}
            | {"line": {"color": ZERO, "width": 1}, "layer": "below"},
        ],
        "annotations": [
            {"x": tss, "yref": "paper", "y": 1, "yanchor": "top", "xanchor": side, "showarrow": False}
            | {"text": plain_text(f" TSS of {name} {arrow} "), "font": {"color": MUTED}}
        ],
    }
    label = f"{name} ({n} variant{'' if n == 1 else 's'}, largest {largest:.2g})"
    return data, layout, label


def _stretch(pos: pd.Series, place: pd.Series) -> list[float]:
    """Where the TSS and all of the variants lie, with some room, in megabases; not beyond the window."""
    ends = int(min(pos.min(), place["tss"])), int(max(pos.max(), place["tss"]))
    room = max(0.06 * (ends[1] - ends[0]), 500)
    return [max(ends[0] - room, place["start"]) / 1e6, min(ends[1] + room, place["end"]) / 1e6]


def _hover(row: dict[str, Any]) -> str:
    lines = [f"{row['variant_id']}, {row['contig']}:{row['pos']:,} {short(row['ref'])}>{short(row['alt'])}"]
    lines += [row["traits"]] if row["traits"] else []
    if row["group"] == "gwas":
        lines += [] if np.isnan(row["strongest"]) else [f"p = {_p_value(row['strongest'])}"]
    elif not pd.isna(row["significance"]):
        lines.append(str(row["significance"]))
    frequency = row["alt_frequency"]
    lines.append(f"{row['gene_name']}, {row['tss_distance']:+,} bases from its TSS")
    lines.append("not typed in the cohort" if np.isnan(frequency) else f"ALT frequency {frequency:.3f}")
    lines.append(f"log2 fold change {row['log_fold_change']:.3g}")
    return "<br>".join(plain_texts(lines))


def _p_value(neg_log10: float) -> str:
    """A p-value of two digits, smaller than any float, too; 0 where the file says so."""
    if math.isinf(neg_log10):
        return "0"
    exponent = math.ceil(round(neg_log10, 2))
    return f"{10 ** (exponent - neg_log10):.2g}e-{exponent}" if exponent > 2 else f"{10**-neg_log10:.2g}"


def short(text: str, n: int = 12) -> str:
    """At most n letters."""
    return text if len(text) <= n else f"{text[: n - 1]}\N{HORIZONTAL ELLIPSIS}"
