"""Figures of how sure a result is, and of what it depends on: intervals, permuted people, populations, heritability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from haploformer.figures.scores import R_AXIS, narrow_label
from haploformer.figures.style import (
    GROUP_COLOURS,
    GROUP_SYMBOLS,
    INK,
    MUTED,
    PALE,
    ZERO,
    check_columns,
    model_colours,
    model_label,
    new_figure,
    order_models,
    plain_text,
    plain_texts,
    split_reach,
)

ROW, MARGIN = 30, 150
_DESIGNS = {"seen": "in training", "held out": "held out"}
_LEGEND = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "itemclick": False}


def plot_model_differences(comparison: pd.DataFrame, *, model: str) -> go.Figure:
    """The difference in mean r of ``model`` from each other model, with both intervals.

    Parameters
    ----------
    comparison : DataFrame
        ``schemas.model_comparison``.
    model : str

    Returns
    -------
    plotly.graph_objects.Figure
        Two traces, by loci (only where there are several) and by people; a row per other model.

    Raises
    ------
    ValueError
        If a column is missing or the model is compared with nothing.
    """
    rows = differences_from(comparison, model=model)
    labels = plain_texts(map(model_label, rows["other"]))
    figure = new_figure(height=MARGIN + ROW * len(rows) + 20)
    figure.add_vline(x=0, line={"color": ZERO, "width": 1.5})
    kinds = [("loci", f"interval over {int(rows['n_loci'].iloc[0])} loci", INK, 0.14)]
    kinds += [("people", "interval over people", GROUP_COLOURS[0], -0.14)]
    for name, title, colour, shift in kinds:
        low, high = rows[f"low_{name}"], rows[f"high_{name}"]
        if low.isna().any():
            continue
        figure.add_trace(
            go.Scatter(
                x=rows["difference"].tolist(),
                y=[i + shift for i in range(len(rows))],
                mode="markers",
                name=title,
                marker={"color": colour, "size": 8},
                error_x={
                    "array": (high - rows["difference"]).tolist(),
                    "arrayminus": (rows["difference"] - low).tolist(),
                    "color": colour,
                    "thickness": 1.5,
                    "width": 4,
                },
                customdata=np.column_stack([labels, low.round(3), high.round(3)]).tolist(),
                hovertemplate="%{customdata[0]}: %{x:+.3f}<br>%{customdata[1]} to %{customdata[2]}<extra></extra>",
            )
        )
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=labels, range=[len(rows) - 0.4, -0.6], zeroline=False)
    figure.update_xaxes(title_text=f"mean r of {plain_text(model_label(model))} minus that of the model")
    return figure.update_layout(legend=_LEGEND, showlegend=True)


def differences_from(comparison: pd.DataFrame, *, model: str) -> pd.DataFrame:
    """The rows of ``schemas.model_comparison`` that compare ``model`` with another one, as model minus other.

    Raises
    ------
    ValueError
        If a column is missing or the model is compared with nothing.
    """
    intervals = ["low_loci", "high_loci", "low_people", "high_people"]
    check_columns("model_comparison", comparison.columns, ["model", "other", "n_loci", "difference", *intervals])
    pairs = comparison.dropna(subset=["other"])
    ours = pairs[pairs["model"] == model]
    turned = pairs[pairs["other"] == model].copy()
    swapped = {
        name: -turned[name.replace("low", "HIGH").replace("high", "low").replace("HIGH", "high")] for name in intervals
    }
    turned = turned.assign(
        **swapped,
        model=model,
        other=turned["model"],
        difference=-turned["difference"],
        win_rate=1 - turned["win_rate"] if "win_rate" in turned else np.nan,
    )
    rows = pd.concat([ours, turned]).set_index("other")
    if rows.empty:
        raise ValueError(f"model_comparison compares {model} with nothing")
    return rows.loc[order_models(rows.index)].reset_index()


def plot_permutation_null(null: pd.DataFrame) -> go.Figure:
    """The mean r of each model beside the interval in which it lies when people are permuted.

    Parameters
    ----------
    null : DataFrame
        ``schemas.permutation_null``.
    """
    check_columns("permutation_null", null.columns, ["model", "observed", "mean", "low", "high", "n_permutations"])
    rows = null.set_index("model").loc[order_models(null["model"])].reset_index()
    colours = model_colours(rows["model"])
    labels = plain_texts(map(model_label, rows["model"]))
    figure = new_figure(height=MARGIN + ROW * len(rows))
    figure.add_trace(
        go.Scatter(
            x=rows["mean"].tolist(),
            y=list(range(len(rows))),
            mode="markers",
            name=f"{int(rows['n_permutations'].iloc[0])} permutations: mean and interval",
            marker={"color": MUTED, "size": 7, "symbol": "line-ns-open"},
            error_x={
                "array": (rows["high"] - rows["mean"]).tolist(),
                "arrayminus": (rows["mean"] - rows["low"]).tolist(),
                "color": PALE,
                "thickness": 9,
                "width": 0,
            },
            hovertemplate="people permuted: mean r %{x:.3f}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=rows["observed"].tolist(),
            y=list(range(len(rows))),
            mode="markers",
            name="as measured",
            marker={"color": [colours[model] for model in rows["model"]], "size": 11, "symbol": "diamond"},
            customdata=labels,
            hovertemplate="%{customdata}: mean r %{x:.3f}<extra></extra>",
        )
    )
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=labels, range=[len(rows) - 0.4, -0.6], zeroline=False)
    figure.update_xaxes(title_text="mean r over genes", zeroline=True)
    return figure.update_layout(legend=_LEGEND)


def plot_populations(population_scores: pd.DataFrame) -> go.Figure:
    """The mean r over genes of each model within each population.

    Parameters
    ----------
    population_scores : DataFrame
        ``schemas.population_scores``. Filled symbols: trained on all populations; open ones: on the others only.
    """
    columns = ["gene_id", "model", "population", "design", "n", "pearson_r"]
    check_columns("population_scores", population_scores.columns, columns)
    models = order_models(population_scores["model"])
    labels = [narrow_label(model) for model in models]
    figure = new_figure(height=420)
    populations = sorted(population_scores["population"].unique())
    for i, population in enumerate(populations):
        for design, symbol in (("seen", GROUP_SYMBOLS[i % 8]), ("held out", f"{GROUP_SYMBOLS[i % 8]}-open")):
            chosen = (population_scores["population"] == population) & (population_scores["design"] == design)
            rows = population_scores[chosen]
            if rows.empty:
                continue
            means = rows.groupby("model")["pearson_r"].mean()
            there = [model for model in models if model in means.index]
            shift = 0.5 * ((i + 0.5) / len(populations) - 0.5) + (0.06 if design == "held out" else 0)
            figure.add_trace(
                go.Scatter(
                    x=[models.index(model) + shift for model in there],
                    y=[float(means[model]) for model in there],
                    mode="markers",
                    name=f"{plain_text(population)}, {int(rows['n'].max())} people, {_DESIGNS[design]}",
                    marker={"color": GROUP_COLOURS[i % 8], "symbol": symbol, "size": 10, "line": {"width": 1.5}},
                    customdata=plain_texts(map(model_label, there)),
                    hovertemplate=f"%{{customdata}}, {plain_text(population)}: mean r %{{y:.3f}}<extra></extra>",
                )
            )
    figure.update_xaxes(tickvals=list(range(len(models))), ticktext=labels, tickangle=0, showgrid=False, zeroline=False)
    figure.update_xaxes(range=[-0.6, len(models) - 0.4])
    figure.update_yaxes(title_text="mean r over genes, within", rangemode="tozero", zeroline=True, zerolinewidth=1.5)
    return figure.update_layout(legend=_LEGEND | {"itemclick": "toggle"})


def _of_own_window(heritability: pd.DataFrame, model: str) -> pd.DataFrame:
    """Estimates of the model's cis window, one for each gene that has one."""
    if "cis_window" in heritability:
        _, reach = split_reach(model)
        windows = heritability["cis_window"]
        heritability = heritability[windows == windows.min() if reach is None else windows // 2 == reach]
    return heritability.dropna(subset=["h2"])[["gene_id", "h2", "se", "root"]]


def plot_r_against_heritability(
    gene_scores: pd.DataFrame, heritability: pd.DataFrame, *, models: Sequence[str]
) -> go.Figure:
    """The r of each gene against the square root of its cis-heritability, the ceiling of an additive model.

    Parameters
    ----------
    gene_scores : DataFrame
        ``schemas.gene_scores``.
    heritability : DataFrame
        ``gene_id, h2, se``; of several cis windows (``cis_window``) the model's own is taken, which is the smallest where
        its name tells none. Genes without an estimate are not drawn, and their number is written under the axis.
    models : sequence of str
        Shown first to last; all but the first two are hidden until their name is clicked.

    Returns
    -------
    plotly.graph_objects.Figure
        One trace per model, then the line on which r is the square root of h2.

    Raises
    ------
    ValueError
        If a column is missing, or no gene has both.
    """
    check_columns("gene_scores", gene_scores.columns, ["gene_id", "gene_name", "model", "pearson_r"])
    check_columns("cis_heritability", heritability.columns, ["gene_id", "h2", "se"])
    known = heritability.assign(root=np.sqrt(heritability["h2"].clip(lower=0)))
    parts = [
        gene_scores[gene_scores["model"] == model].merge(_of_own_window(known, model), on="gene_id") for model in models
    ]
    both = pd.concat(parts, ignore_index=True)
    if both.empty:
        raise ValueError("no gene has an r and a heritability")
    colours = model_colours(gene_scores["model"])
    figure = new_figure(height=500)
    for place, model in enumerate(models):
        rows = both[both["model"] == model]
        se = rows["se"].fillna(np.inf).clip(upper=9)
        figure.add_trace(
            go.Scatter(
                x=rows["root"].tolist(),
                y=rows["pearson_r"].tolist(),
                mode="markers",
                name=plain_text(model_label(model)),
                visible=True if place < 2 else "legendonly",
                marker={"color": colours[model], "size": 9, "opacity": 0.75, "line": {"color": "white", "width": 0.5}},
                customdata=np.column_stack([plain_texts(rows["gene_name"]), rows["h2"].round(3), se.round(3)]).tolist(),
                hovertemplate="%{customdata[0]}: r %{y:.3f}<br>h2 %{customdata[1]}, se %{customdata[2]}<extra></extra>",
            )
        )
    top = max(0.1, float(both["root"].max()))
    figure.add_trace(
        go.Scatter(
            x=[0, top],
            y=[0, top],
            mode="lines",
            name="r = square root of h2",
            line={"color": ZERO, "dash": "dash"},
            hoverinfo="skip",
        )
    )
    n_left_out = gene_scores["gene_id"].nunique() - both["gene_id"].nunique()
    title = "square root of the cis-heritability (REML)"
    if n_left_out:
        title += f"<br>{n_left_out} {'gene' if n_left_out == 1 else 'genes'} without an estimate: not drawn"
    figure.update_xaxes(title_text=title, rangemode="tozero")
    figure.update_yaxes(title_text=R_AXIS, zeroline=True, zerolinewidth=1.5)
    return figure.update_layout(legend=_LEGEND | {"itemclick": "toggle"})
