"""Figures of r per gene: each model's distribution, and one model against another."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from haploformer.figures.style import (
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
    three_decimals,
)
from haploformer.figures.summary import MEAN_R, expected_intervals

R_AXIS = "r across people, per gene"


def plot_scores_by_model(
    gene_scores: pd.DataFrame, *, known_answer_check: pd.DataFrame | None = None, quantity: str = MEAN_R
) -> go.Figure:
    """The r of every gene, as points over a box per model, with the mean over genes marked.

    Parameters
    ----------
    gene_scores : DataFrame
        ``schemas.gene_scores``.
    known_answer_check : DataFrame, optional
        ``schemas.known_answer_check``. The interval of ``quantity`` is drawn behind each model that has one.
    quantity : str

    Returns
    -------
    plotly.graph_objects.Figure
        One box per model at x = 0, 1, ...; then one trace "mean over genes".

    Raises
    ------
    ValueError
        If a column is missing or there is no score.
    """
    check_columns("gene_scores", gene_scores.columns, ["gene_id", "gene_name", "model", "pearson_r"])
    if gene_scores.empty:
        raise ValueError("gene_scores has no row: there is nothing to draw")
    models = order_models(gene_scores["model"])
    colours = model_colours(models)
    means = gene_scores.groupby("model")["pearson_r"].mean()

    figure = new_figure(height=460)
    for position, model in enumerate(models):
        figure.add_trace(_box(gene_scores[gene_scores["model"] == model], position, colours[model]))
    figure.add_trace(
        go.Scatter(
            x=list(range(len(models))),
            y=[float(means[model]) for model in models],
            mode="markers",
            name="mean over genes",
            marker={"symbol": "diamond", "size": 12, "color": INK, "line": {"color": "white", "width": 1.5}},
            customdata=plain_texts(map(model_label, models)),
            hovertemplate="%{customdata}: mean r %{y:.3f}<extra></extra>",
        )
    )
    if known_answer_check is not None:
        _add_expected(figure, models, expected_intervals(known_answer_check, quantity=quantity))
    figure.update_xaxes(
        tickvals=list(range(len(models))),
        ticktext=[f"{narrow_label(model)}<br>mean {three_decimals(means[model])}" for model in models],
        tickangle=0,
        range=[-0.6, len(models) - 0.4],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(title_text=R_AXIS, rangemode="tozero", zeroline=True, zerolinewidth=1.5)
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "itemclick": False}
    )
    return figure


def _box(scores: pd.DataFrame, position: int, colour: str) -> go.Box:
    return go.Box(
        x=[position] * len(scores),
        y=scores["pearson_r"].tolist(),
        name=plain_text(model_label(str(scores["model"].iloc[0]))),
        customdata=plain_texts(scores["gene_name"]),
        hovertemplate="%{customdata}: r %{y:.3f}",
        hoveron="points",
        boxpoints="all",
        jitter=0.7,
        pointpos=0,
        width=0.55,
        marker={"color": colour, "size": 6, "opacity": 0.65},
        line={"color": colour, "width": 1.5},
        fillcolor="rgba(255,255,255,0)",
        showlegend=False,
    )


def _add_expected(figure: go.Figure, models: list[str], expected: pd.DataFrame) -> None:
    named = False
    for position, model in enumerate(models):
        if model not in expected.index:
            continue
        figure.add_shape(
            type="rect",
            x0=position - 0.42,
            x1=position + 0.42,
            y0=float(expected.loc[model, "low"]),
            y1=float(expected.loc[model, "high"]),
            layer="below",
            fillcolor=PALE,
            opacity=0.6,
            line={"color": MUTED, "width": 1, "dash": "dot"},
            name="mean expected by the known answer",
            showlegend=not named,
        )
        named = True


def narrow_label(model: str) -> str:
    """The model's label on lines of its own: after a comma, for what it is without, and for its remark."""
    return (
        plain_text(model_label(model)).replace(" (", "<br>(").replace(", ", ",<br>").replace(" without", "<br>without")
    )


def plot_model_against_model(gene_scores: pd.DataFrame, *, x: str, y: str) -> go.Figure:
    """The r of each gene by model ``y`` against its r by model ``x``, with the line where both are equal.

    Parameters
    ----------
    gene_scores : DataFrame
        ``schemas.gene_scores``.
    x, y : str
        Two names in the column ``model``.

    Returns
    -------
    plotly.graph_objects.Figure
        A trace of the genes that do better in ``y``, one of those better in ``x`` and, if there are any, one of those
        that are equal. Genes with a score by only one of the two are not drawn; their number is written under the axis.

    Raises
    ------
    ValueError
        If a column is missing, a model has no score, or no gene is scored by both.
    """
    check_columns("gene_scores", gene_scores.columns, ["gene_id", "gene_name", "model", "pearson_r"])
    models = order_models(gene_scores["model"])
    for model in (x, y):
        if model not in models:
            raise ValueError(f"gene_scores has no model {model}; it has {', '.join(models)}")
    columns = gene_scores.set_index("gene_id")[["gene_name", "model", "pearson_r"]]
    first = columns[columns["model"] == x][["gene_name", "pearson_r"]]
    second = columns[columns["model"] == y]["pearson_r"]
    both = first.join(second.rename("other_r"), how="inner")
    if both.empty:
        raise ValueError(f"no gene is scored by both {x} and {y}")
    n_left_out = len(first) + len(second) - 2 * len(both)

    figure = new_figure(height=540)
    low = min(0.0, float(both[["pearson_r", "other_r"]].min().min())) - 0.05
    high = max(0.0, float(both[["pearson_r", "other_r"]].max().max())) + 0.05
    figure.add_shape(
        type="line", x0=low, y0=low, x1=high, y1=high, layer="between", line={"color": ZERO, "dash": "dash"}
    )
    colours = model_colours(models)
    difference = both["other_r"] - both["pearson_r"]
    name_x, name_y = plain_text(model_label(x)), plain_text(model_label(y))
    parts = [
        (difference > 0, f"higher by {name_y}", colours[y]),
        (difference < 0, f"higher by {name_x}", colours[x]),
        (difference == 0, "equal", MUTED),
    ]
    for chosen, name, colour in parts:
        genes = both[chosen]
        if genes.empty and name == "equal":
            continue
        figure.add_trace(
            go.Scatter(
                x=genes["pearson_r"].tolist(),
                y=genes["other_r"].tolist(),
                mode="markers",
                name=f"{name}: {len(genes)} {'gene' if len(genes) == 1 else 'genes'}",
                marker={"color": colour, "size": 9, "opacity": 0.8, "line": {"color": "white", "width": 0.5}},
                customdata=plain_texts(genes["gene_name"]),
                hovertemplate=f"%{{customdata}}<br>{name_x} %{{x:.3f}}<br>{name_y} %{{y:.3f}}<extra></extra>",
                showlegend=True,
            )
        )
    title_x = f"r of {name_x}"
    if n_left_out:
        title_x += f"<br>{n_left_out} {'gene' if n_left_out == 1 else 'genes'} scored by only one of the two: not drawn"
    square = {"range": [low, high], "constrain": "domain"}
    figure.update_xaxes(title_text=title_x, constraintoward="left", **square)
    figure.update_yaxes(title_text=f"r of {name_y}", scaleanchor="x", constraintoward="top", **square)
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "itemclick": False}
    )
    return figure
