"""Two groups of people: effects against differences of frequency, each gene's difference taken apart, and predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from haploformer.effects.populations import FIXED, PRIVATE_FIRST, PRIVATE_SECOND, SHARED
from haploformer.enformer.summaries import TISSUE_MEAN
from haploformer.figures.style import (
    GROUP_COLOURS,
    GROUP_SYMBOLS,
    INK,
    MUTED,
    PALE,
    ZERO,
    check_columns,
    new_figure,
    plain_text,
    plain_texts,
    plot_nothing,
)

#: Points that are drawn, those that add most; the table has all.
MAX_POINTS = 20_000

#: Genes that are drawn, those that differ most.
MAX_GENES, MAX_PANELS = 20, 6

#: People below whose number a population has no box: quartiles of a few would show them one by one.
MIN_PEOPLE = 5

_STYLES = {SHARED: 0, PRIVATE_FIRST: 1, PRIVATE_SECOND: 2, FIXED: 3}


def part_labels(first: str, second: str) -> dict[str, str]:
    """What the parts of a difference are called."""
    return {
        SHARED: "both alleles in both groups",
        PRIVATE_FIRST: f"an allele only in {first}",
        PRIVATE_SECOND: f"an allele only in {second}",
        FIXED: "one allele in each",
    }


def plot_frequency_effects(effects: pd.DataFrame) -> go.Figure:
    """Each pair of gene and variant: effect against the difference of frequency, by who carries the alleles.

    Parameters
    ----------
    effects : DataFrame
        ``schemas.population_effects``; the tissue's mean is drawn.
    """
    needed = ["gene_name", "variant_id", "summary", "first", "second", "first_frequency", "second_frequency"]
    needed += ["frequency_difference", "carried", "effect", "contribution"]
    check_columns("population_effects", effects.columns, needed)
    tissue = effects[(effects["summary"] == TISSUE_MEAN) & effects["carried"].isin(list(_STYLES))]
    if tissue.empty:
        return plot_nothing("No variant differs between the groups.")
    n_all = len(tissue)
    tissue = tissue.loc[tissue["contribution"].abs().sort_values(ascending=False, kind="stable").index[:MAX_POINTS]]
    first, second = tissue["first"].iloc[0], tissue["second"].iloc[0]
    figure = new_figure(height=480)
    for part, label in part_labels(first, second).items():
        rows = tissue[tissue["carried"] == part]
        if rows.empty:
            continue
        told = zip(
            plain_texts(rows["variant_id"]),
            plain_texts(rows["gene_name"]),
            rows["first_frequency"],
            rows["second_frequency"],
            rows["contribution"],
            strict=True,
        )
        figure.add_trace(
            go.Scatter(
                x=rows["frequency_difference"].tolist(),
                y=rows["effect"].tolist(),
                mode="markers",
                name=plain_text(label),
                customdata=list(told),
                hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>effect %{y:.3g}<br>ALT frequency "
                "%{customdata[2]:.3f} and %{customdata[3]:.3f}<br>adds %{customdata[4]:.3g}<extra></extra>",
                marker=_marker(_STYLES[part]),
            )
        )
    figure.add_hline(y=0, line={"color": ZERO, "width": 1})
    figure.add_vline(x=0, line={"color": ZERO, "width": 1, "dash": "dash"})
    figure.update_xaxes(title_text=plain_text(f"ALT frequency in {first} less that in {second}"))
    figure.update_yaxes(title_text="Effect of ALT on predicted coverage")
    figure.update_layout(**_LEGEND)
    if n_all > len(tissue):
        figure.add_annotation(
            text=f"the {len(tissue):,} of {n_all:,} pairs that add most", showarrow=False, xref="paper", yref="paper",
            x=1, y=1, xanchor="right", yanchor="bottom", font={"color": MUTED},
        )  # fmt: skip
    return figure


def plot_contributions(differences: pd.DataFrame) -> go.Figure:
    """The genes that differ most: what shared and private alleles and the background add to the exact difference.

    Parameters
    ----------
    differences : DataFrame
        ``schemas.population_differences``; the tissue's mean is drawn, in percent of the reference's coverage.

    Returns
    -------
    plotly.graph_objects.Figure
        Bars that add up to the exact difference (diamond); the sum of effects is a line.
    """
    check_columns("population_differences", differences.columns, [*_STYLES, "background", "additive_difference"])
    tissue = strongest_genes(differences, MAX_GENES)
    if tissue.empty:
        return plot_nothing("No gene is predicted in both groups.")
    first, second = tissue["first"].iloc[0], tissue["second"].iloc[0]
    percent = 100 / tissue["reference"].where(tissue["reference"] > 0)
    rows = list(range(len(tissue)))
    figure = new_figure(height=150 + 28 * len(tissue))
    parts = {**part_labels(first, second), "background": "background: not the sum of effects"}
    for part, label in parts.items():
        if part == FIXED and not tissue[part].any():
            continue
        figure.add_trace(
            go.Bar(
                x=(tissue[part] * percent).tolist(),
                y=rows,
                orientation="h",
                name=plain_text(label),
                hovertemplate="%{x:.3g} %<extra>" + plain_text(label) + "</extra>",
                marker={"color": PALE if part == "background" else GROUP_COLOURS[_STYLES[part]], "line_width": 0},
            )
        )
    for name, label, symbol in (
        ("additive_difference", "sum of effects", "line-ns-open"),
        ("exact_difference", "exact difference", "diamond"),
    ):
        figure.add_trace(
            go.Scatter(
                x=(tissue[name] * percent).tolist(),
                y=rows,
                mode="markers",
                name=label,
                hovertemplate="%{x:.3g} %<extra>" + label + "</extra>",
                marker={"color": INK, "symbol": symbol, "size": 16 if symbol != "diamond" else 8, "line": {"width": 2}},
            )
        )
    figure.add_vline(x=0, line={"color": ZERO, "width": 1})
    figure.update_layout(barmode="relative", bargap=0.35, **_LEGEND)
    figure.update_xaxes(
        title_text=plain_text(f"Predicted coverage of {first} less that of {second}, % of the reference's")
    )
    figure.update_yaxes(tickvals=rows, ticktext=plain_texts(tissue["gene_name"]), autorange="reversed")
    return figure


def plot_population_means(
    summaries: pd.DataFrame, individuals: pd.DataFrame, differences: pd.DataFrame
) -> tuple[go.Figure, int]:
    """Predictions by population of the genes that differ most: median, quartiles, and 5th to 95th percentile.

    Parameters
    ----------
    summaries : DataFrame
        ``schemas.enformer_summaries``.
    individuals : DataFrame
        ``individual_id, population``.
    differences : DataFrame
        ``schemas.population_differences``.

    Returns
    -------
    figure : plotly.graph_objects.Figure
        A panel per gene; no person stands alone.
    n_left_out : int
        Populations of fewer than `MIN_PEOPLE` people, which have no box.
    """
    genes = strongest_genes(differences, MAX_PANELS)
    population = individuals.set_index("individual_id")["population"]
    tissue = summaries[(summaries["summary"] == TISSUE_MEAN) & summaries["gene_id"].isin(genes["gene_id"])]
    tissue = tissue.assign(population=tissue["individual_id"].map(population)).dropna(subset="population")
    sizes = tissue.groupby("population")["individual_id"].nunique()
    names = sorted(sizes.index[sizes >= MIN_PEOPLE])
    if genes.empty or not names:
        return plot_nothing(f"No population has {MIN_PEOPLE} people."), len(sizes) - len(names)
    n_rows = -(-len(genes) // 3)
    figure = new_figure(
        make_subplots(
            rows=n_rows,
            cols=min(3, len(genes)),
            horizontal_spacing=0.09,
            vertical_spacing=0.28 / n_rows,
            subplot_titles=plain_texts(genes["gene_name"]),
        ),
        height=70 + 250 * n_rows,
    )
    for place, gene in enumerate(genes.itertuples()):
        at = {"row": place // 3 + 1, "col": place % 3 + 1}
        of_gene = tissue[tissue["gene_id"] == gene.gene_id]
        for i, name in enumerate(names):
            values = of_gene.loc[of_gene["population"] == name, "personal"]
            low, q1, median, q3, high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist()
            box = go.Box(
                x=[i], q1=[q1], median=[median], q3=[q3], lowerfence=[low], upperfence=[high], mean=[float(values.mean())],
                name=plain_text(name), showlegend=False, boxpoints=False, boxmean=True, width=0.55, line={"width": 1.5},
                marker={"color": GROUP_COLOURS[i % len(GROUP_COLOURS)]},
            )  # fmt: skip
            figure.add_trace(box, **at)
        figure.add_hline(y=gene.reference, line={"color": INK, "dash": "dash", "width": 1}, **at)
        figure.update_xaxes(tickvals=list(range(len(names))), ticktext=plain_texts(names), zeroline=False, **at)
    figure.update_yaxes(title_text="Predicted coverage", col=1, title_standoff=4)
    return figure, len(sizes) - len(names)


def strongest_genes(differences: pd.DataFrame, n: int) -> pd.DataFrame:
    """The genes whose tissue's mean differs most between the groups, by log fold change."""
    tissue = differences[differences["summary"] == TISSUE_MEAN]
    return tissue.loc[tissue["log2_fold_change"].abs().sort_values(ascending=False, kind="stable").index[:n]]


_LEGEND = {
    "showlegend": True,
    "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
    "margin": {"t": 76},
}


def _marker(group: int) -> dict[str, object]:
    return {"color": GROUP_COLOURS[group], "symbol": GROUP_SYMBOLS[group], "size": 7, "opacity": 0.6}
