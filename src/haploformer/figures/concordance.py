"""Effects beside measured slopes, fine-mapped variants beside controls, and how far linear weights can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from haploformer.figures.style import (
    GROUP_COLOURS,
    GROUP_SYMBOLS,
    INK,
    MUTED,
    PALE,
    ZERO,
    check_columns,
    new_figure,
    plain_texts,
    plot_nothing,
)

#: Points that are drawn, those of the smallest p-values; the table has all.
MAX_POINTS = 20_000

#: sds of a null's draws on each side of their mean: 95 % of a normal distribution.
_BAND = 1.96

STATISTICS = {"sign_concordance": "Sign concordance", "spearman": "Spearman", "auroc": "AUROC"}

#: Minus log10 of the p-value from which on a pair is drawn as strong.
_STRONG = 5.0


def plot_effect_against_slope(pairs: pd.DataFrame, *, effect: str) -> go.Figure:
    """Each pair of gene and variant: the slope of the external table against the effect.

    Parameters
    ----------
    pairs : DataFrame, schema ``effect_pairs``
    effect : str
        What the effect is, for the axis.

    Returns
    -------
    plotly.graph_objects.Figure
        A trace for pairs of small p-values, for the others, and for those without one.
    """
    check_columns("effect_pairs", pairs.columns, ["gene_id", "variant_id", "effect", "slope", "pvalue", "tss_distance"])
    if pairs.empty:
        return plot_nothing("No gene and variant has both an effect and a slope.")
    shown = pairs.sort_values("pvalue", kind="stable").head(MAX_POINTS)
    p = shown["pvalue"].to_numpy(np.float64)
    strong = p <= 10.0**-_STRONG
    groups = {"p over 1e-5": ~strong & np.isfinite(p), "p not told": ~np.isfinite(p), "p at most 1e-5": strong}
    figure = new_figure(height=460)
    for (name, chosen), colour, symbol in zip(
        groups.items(), (PALE, MUTED, GROUP_COLOURS[1]), GROUP_SYMBOLS, strict=False
    ):
        rows = shown[chosen]
        if rows.empty:
            continue
        told = [plain_texts(rows[column]) for column in ("variant_id", "gene_id", "tss_distance")]
        figure.add_trace(
            go.Scatter(
                x=rows["effect"].tolist(),
                y=rows["slope"].tolist(),
                mode="markers",
                name=name,
                customdata=list(zip(*told, strict=True)),
                hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]} bases from the TSS"
                "<br>effect %{x:.3g}, slope %{y:.3g}",
                marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.75},
            )
        )
    figure.add_hline(y=0, line={"color": ZERO, "width": 1})
    figure.add_vline(x=0, line={"color": ZERO, "width": 1})
    figure.update_xaxes(title_text=effect, zeroline=False)
    figure.update_yaxes(title_text="Slope of the table", zeroline=False)
    return figure.update_layout(
        showlegend=True, legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top"}
    )


def plot_concordance_by_distance(concordance: pd.DataFrame) -> go.Figure:
    """Each statistic over all pairs and by distance to the TSS, with the band in which its null lies.

    Parameters
    ----------
    concordance : DataFrame, schema ``effect_concordance``

    Returns
    -------
    plotly.graph_objects.Figure
        A panel per statistic: bars are the null's mean and 1.96 sds on each side, points the values.
    """
    needed = ["statistic", "low", "high", "n", "value", "null_mean", "null_sd", "p_value"]
    check_columns("effect_concordance", concordance.columns, needed)
    there = [name for name in STATISTICS if (concordance["statistic"] == name).any()]
    if not concordance["value"].notna().any():
        return plot_nothing("There are too few pairs to compare.")
    titles = [STATISTICS[name] for name in there]
    figure = new_figure(
        make_subplots(rows=1, cols=len(there), subplot_titles=titles, horizontal_spacing=0.09), height=420
    )
    for column, name in enumerate(there, start=1):
        rows = concordance[concordance["statistic"] == name]
        labels = [distance_label(*ends) for ends in zip(rows["low"], rows["high"], strict=True)]
        mean, sd = rows["null_mean"].to_numpy(np.float64), rows["null_sd"].to_numpy(np.float64)
        # Of few pairs the sds reach past what a statistic can be.
        smallest = -1.0 if name == "spearman" else 0.0
        low, high = np.maximum(mean - _BAND * sd, smallest), np.minimum(mean + _BAND * sd, 1.0)
        band = go.Bar(
            x=labels,
            y=_listed(high - low),
            base=_listed(low),
            name="95 % of the null",
            marker={"color": PALE, "line_width": 0},
            width=0.6,
            hoverinfo="skip",
            showlegend=column == 1,
        )
        points = go.Scatter(
            x=labels,
            y=_listed(rows["value"].to_numpy(np.float64)),
            mode="markers",
            name="value",
            customdata=np.column_stack([rows["n"], rows["p_value"]]).tolist(),
            hovertemplate="%{x}: %{y:.3f}<br>of %{customdata[0]:,}, p = %{customdata[1]:.2g}<extra></extra>",
            marker={"color": GROUP_COLOURS[0], "size": 10},
            showlegend=column == 1,
        )
        figure.add_trace(band, row=1, col=column)
        figure.add_trace(points, row=1, col=column)
        ticks = [f"{label}<br>n = {n:,}" for label, n in zip(labels, rows["n"], strict=True)]
        figure.update_xaxes(tickvals=labels, ticktext=ticks, tickangle=0, showgrid=False, row=1, col=column)
        middle = 0.0 if name == "spearman" else 0.5
        figure.add_hline(y=middle, line={"color": ZERO, "width": 1, "dash": "dash"}, row=1, col=column)
    figure.update_xaxes(tickfont={"size": 11})
    figure.update_layout(
        barmode="overlay", showlegend=True, margin={"t": 70},
        legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top"},
    )  # fmt: skip
    return figure


def distance_label(low: float, high: float) -> str:
    """A bin of distance in words; both ends null: all."""
    if np.isnan(low) and np.isnan(high):
        return "all"
    if high < 1000:
        return f"{low:g}\N{EN DASH}{high:g} bp"
    return f"{low / 1000:g}\N{EN DASH}{high / 1000:g} kb"


def plot_roc(matched: pd.DataFrame) -> go.Figure:
    """Share of fine-mapped variants against share of controls whose effect is at least as large.

    Parameters
    ----------
    matched : DataFrame, schema ``matched_variants``
    """
    check_columns("matched_variants", matched.columns, ["is_case", "effect"])
    if not matched["is_case"].any():
        return plot_nothing("The table tells no fine-mapped variant that has a control.")
    x, y = roc_points(np.abs(matched["effect"].to_numpy(np.float64)), matched["is_case"].to_numpy(bool))
    figure = new_figure(height=460)
    figure.add_trace(
        go.Scatter(
            x=x.tolist(),
            y=y.tolist(),
            mode="lines",
            line={"color": GROUP_COLOURS[0], "width": 2},
            hovertemplate="%{x:.3f} of controls, %{y:.3f} of fine-mapped variants<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": ZERO, "width": 1, "dash": "dash"}, hoverinfo="skip")
    )
    figure.update_xaxes(title_text="Share of controls", range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(title_text="Share of fine-mapped variants", range=[-0.02, 1.02], scaleanchor="x")
    return figure.update_layout(showlegend=False)


def roc_points(
    scores: NDArray[np.float64], is_case: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of controls and of cases with at least each score, from none to all; ties are one step."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    cases = np.cumsum(is_case[order])[last]
    controls = np.cumsum(~is_case[order])[last]
    return (np.append(0, controls) / max(controls[-1], 1), np.append(0, cases) / max(cases[-1], 1))


def plot_sizes(sizes: pd.DataFrame) -> go.Figure:
    """Absolute r of each gene's strongest association, ours against the other table's.

    Parameters
    ----------
    sizes : DataFrame, schema ``eqtl_sizes``
    """
    check_columns("eqtl_sizes", sizes.columns, ["gene_id", "gene_name", "ours", "theirs"])
    if sizes.empty:
        return plot_nothing("No gene is in both tables.")
    figure = new_figure(height=460)
    figure.add_trace(
        go.Scatter(
            x=sizes["theirs"].tolist(),
            y=sizes["ours"].tolist(),
            mode="markers+text",
            text=_where(plain_texts(sizes["gene_name"]), len(sizes) <= 30),
            # Away from the line, round which most of them lie.
            textposition=np.where(sizes["ours"] > sizes["theirs"], "top left", "bottom right").tolist(),
            textfont={"size": 11, "color": INK},
            customdata=plain_texts(sizes["gene_id"]),
            hovertemplate="%{customdata}<br>theirs %{x:.3f}, ours %{y:.3f}<extra></extra>",
            marker={"color": GROUP_COLOURS[0], "size": 8, "opacity": 0.8},
        )
    )
    top = 1.1 * float(max(sizes["ours"].max(), sizes["theirs"].max()))
    figure.add_trace(
        go.Scatter(
            x=[0, top], y=[0, top], mode="lines", line={"color": ZERO, "width": 1, "dash": "dash"}, hoverinfo="skip"
        )
    )
    figure.update_xaxes(title_text="|r| of the other table", range=[0, top])
    figure.update_yaxes(title_text="|r| of ours", range=[0, top])
    return figure.update_layout(showlegend=False)


def plot_faithfulness(faithfulness: pd.DataFrame, *, floor: float) -> go.Figure:
    """r between linear form and exact predictions of each gene, from the largest to the smallest.

    Parameters
    ----------
    faithfulness : DataFrame
        ``schemas.linear_faithfulness`` with ``gene_name``. Genes without an r are not drawn.
    floor : float
        Under it a gene is marked.
    """
    check_columns("linear_faithfulness", faithfulness.columns, ["gene_name", "r", "n_variants", "faithful"])
    shown = faithfulness.dropna(subset="r").sort_values("r", ascending=False, kind="stable").reset_index(drop=True)
    if shown.empty:
        return plot_nothing("No gene has an r: linear form or predictions are the same in everybody.")
    figure = new_figure(height=420)
    for name, chosen, colour, symbol in (
        ("faithful", shown["faithful"], GROUP_COLOURS[2], "circle"),
        ("marked", ~shown["faithful"], GROUP_COLOURS[1], "diamond"),
    ):
        rows = shown[chosen]
        if rows.empty:
            continue
        figure.add_trace(
            go.Scatter(
                x=(rows.index + 1).tolist(),
                y=rows["r"].tolist(),
                mode="markers",
                name=name,
                customdata=list(zip(plain_texts(rows["gene_name"]), rows["n_variants"], strict=True)),
                hovertemplate="%{customdata[0]}<br>r %{y:.4f}, %{customdata[1]:,} variants<extra></extra>",
                marker={"color": colour, "symbol": symbol, "size": 8},
            )
        )
    figure.add_hline(y=floor, line={"color": ZERO, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(title_text="Genes, by r", zeroline=False)
    figure.update_yaxes(
        title_text="r of linear form and exact predictions", range=[min(0.0, float(shown["r"].min())) - 0.06, 1.04]
    )
    return figure.update_layout(
        showlegend=True, legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top"}
    )


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _where(texts: Sequence[str], shown: bool) -> list[str]:
    return list(texts) if shown else [""] * len(texts)
