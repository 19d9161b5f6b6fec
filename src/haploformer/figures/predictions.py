"""Predicted against measured expression of single genes, one panel per gene and model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from haploformer.figures.style import (
    GROUP_COLOURS,
    GROUP_SYMBOLS,
    MUTED,
    check_columns,
    model_colours,
    model_label,
    new_figure,
    order_models,
    plain_text,
    plain_texts,
    three_decimals,
)

MEASURED_AXIS = "Measured expression (SD within the fold)"
PREDICTED_AXIS = "Predicted expression (SD within the fold)"
#: What is read of ``scored_predictions``.
SCORED_COLUMNS = ["gene_id", "individual_id", "model", "fold_seed", "fold", "measured", "predicted"]
PANEL_HEIGHT, ROW_GAP, TOP, BOTTOM = 210, 92, 104, 68


def best_and_median_genes(gene_scores: pd.DataFrame, *, model: str) -> tuple[str, str]:
    """The gene that ``model`` predicts best, and the one in the middle.

    Parameters
    ----------
    gene_scores : DataFrame
        ``schemas.gene_scores``.
    model : str
        The model whose ``pearson_r`` ranks the genes.

    Returns
    -------
    tuple of two gene ids
        The highest r, and the median r: a gene that exists, so the lower of the two middle ones of an even number.
        Equal r are ordered by gene id. With one gene both are the same.

    Raises
    ------
    ValueError
        If the model has no score.
    """
    check_columns("gene_scores", gene_scores.columns, ["gene_id", "model", "pearson_r"])
    scores = gene_scores[gene_scores["model"] == model]
    if scores.empty:
        raise ValueError(f"gene_scores has no model {model}; it has {', '.join(order_models(gene_scores['model']))}")
    ranked = scores.sort_values(["pearson_r", "gene_id"], ascending=[False, True])["gene_id"].tolist()
    return ranked[0], ranked[len(ranked) // 2]


def plot_predicted_against_measured(
    scored_predictions: pd.DataFrame,
    gene_scores: pd.DataFrame,
    *,
    model: str,
    genes: Sequence[str] | None = None,
    individuals: pd.DataFrame | None = None,
) -> go.Figure:
    """Predicted against measured expression of held-out people, first fold seed: a row per gene, a column per model.

    Both sides are standardised within the fold (mean 0, SD 1), because r is taken within the fold: the cloud of a panel
    then shows the r above it, up to the averaging over fold seeds. A prediction that is constant in a fold lies at 0.

    Parameters
    ----------
    scored_predictions : DataFrame
        ``schemas.scored_predictions``.
    gene_scores : DataFrame
        ``schemas.gene_scores``; gives the r of the panel titles, the mean over all fold seeds.
    model : str
        The model by whose r the best and the median gene are chosen.
    genes : sequence of gene ids, optional
        These genes instead.
    individuals : DataFrame, optional
        ``schemas.individuals``. Points are coloured by ``population`` where it is known for somebody.

    Returns
    -------
    plotly.graph_objects.Figure
        One trace per gene, model and population.

    Raises
    ------
    ValueError
        If a column is missing, or a gene or the model has no score or no prediction.
    """
    check_columns("scored_predictions", scored_predictions.columns, SCORED_COLUMNS)
    check_columns("gene_scores", gene_scores.columns, ["gene_id", "gene_name", "model", "pearson_r"])
    rows = _rows(gene_scores, model=model, genes=genes)
    points = _standardised(scored_predictions, [gene_id for gene_id, _ in rows])
    points["population"] = populations_of(points["individual_id"], individuals)
    scores = gene_scores.set_index(["gene_id", "model"])
    models = order_models(points["model"])
    colours = model_colours(order_models(gene_scores["model"]))

    height = TOP + BOTTOM + PANEL_HEIGHT * len(rows) + ROW_GAP * (len(rows) - 1)
    figure = new_figure(
        make_subplots(
            rows=len(rows),
            cols=len(models),
            shared_xaxes=True,
            shared_yaxes=True,
            horizontal_spacing=0.012,
            vertical_spacing=ROW_GAP / (height - TOP - BOTTOM) if len(rows) > 1 else 0.0,
            subplot_titles=[_panel_title(scores, gene_id, name) for gene_id, _ in rows for name in models],
            x_title=MEASURED_AXIS,
            y_title=PREDICTED_AXIS,
        ),
        height=height,
    )
    figure.update_annotations(font_size=13)
    populations = sorted(points["population"].dropna().unique()) or [None]
    for row, (gene_id, heading) in enumerate(rows, start=1):
        for column, name in enumerate(models, start=1):
            panel = points[(points["gene_id"] == gene_id) & (points["model"] == name)]
            for group, population in enumerate(populations):
                people = panel if population is None else panel[panel["population"] == population]
                trace = _points(people, population, group, colours[name])
                trace.showlegend = population is not None and row == column == 1
                figure.add_trace(trace, row=row, col=column)
        _add_row_heading(figure, heading, row=row, n_columns=len(models))
    limit = 1.08 * float(np.abs(points[["measured", "predicted"]].to_numpy()).max()) or 1.0
    figure.update_xaxes(range=[-limit, limit], zeroline=True, zerolinewidth=1, nticks=5)
    figure.update_yaxes(range=[-limit, limit], zeroline=True, zerolinewidth=1, nticks=5)
    figure.update_layout(
        margin={"l": 76, "r": 12, "t": TOP, "b": BOTTOM},
        legend={
            "orientation": "h",
            "itemsizing": "constant",
            "x": 0,
            "xanchor": "left",
            "yref": "container",
            "y": 1,
            "yanchor": "top",
        },
    )
    return figure


def _rows(gene_scores: pd.DataFrame, *, model: str, genes: Sequence[str] | None) -> list[tuple[str, str]]:
    """Gene id and heading of each row of panels."""
    names = gene_scores.drop_duplicates("gene_id").set_index("gene_id")["gene_name"]
    if genes is not None:
        unknown = [gene for gene in genes if gene not in names.index]
        if unknown or not genes:
            raise ValueError(f"{len(unknown)} of {len(genes)} genes have no score (first: {', '.join(unknown[:2])})")
        return [(gene, f"<b>{plain_text(names[gene])}</b>") for gene in genes]
    best, median = best_and_median_genes(gene_scores, model=model)
    label = plain_text(model_label(model))
    rows = [(best, f"<b>{plain_text(names[best])}</b>: the best gene of {label}")]
    if median != best:
        rows.append((median, f"<b>{plain_text(names[median])}</b>: the median gene of {label}"))
    return rows


def _standardised(scored_predictions: pd.DataFrame, genes: list[str]) -> pd.DataFrame:
    """Points of the first fold seed, both sides with mean 0 and SD 1 within gene, model and fold."""
    chosen = scored_predictions["gene_id"].isin(genes)
    first = scored_predictions["fold_seed"] == scored_predictions["fold_seed"].min()
    points = scored_predictions[chosen & first].copy()
    absent = [gene for gene in genes if gene not in set(points["gene_id"])]
    if absent:
        raise ValueError(f"scored_predictions has no row of gene {absent[0]} in the first fold seed")
    groups = points.groupby(["gene_id", "model", "fold"], sort=False)
    for column in ("measured", "predicted"):
        points[column] = groups[column].transform(lambda values: _z_scores(values.to_numpy(dtype=float)))
    return points


def _z_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean 0 and SD 1 (divisor n, so that the mean product is r); zeros where all values are equal."""
    if values.max() == values.min():
        return np.zeros_like(values)
    return np.asarray((values - values.mean()) / values.std())


def populations_of(individual_ids: pd.Series, individuals: pd.DataFrame | None) -> pd.Series:
    """Population of each point; all null if it is known for nobody, and "not given" for the people without one."""
    unknown = pd.Series(None, index=individual_ids.index, dtype=object)
    if individuals is None:
        return unknown
    check_columns("individuals", individuals.columns, ["individual_id", "population"])
    known = individuals.dropna(subset=["population"]).set_index("individual_id")["population"].astype(object)
    found = individual_ids.astype(object).map(known)
    return found.fillna("not given") if found.notna().any() else unknown


def _panel_title(scores: pd.DataFrame, gene_id: str, model: str) -> str:
    label = plain_text(model_label(model))
    if (gene_id, model) not in scores.index:
        return f"{label}<br>not scored"
    score = scores.loc[(gene_id, model)]
    constant = ", constant" if score.get("n_constant_folds", 0) > 0 else ""
    return f"{label}<br>r = {three_decimals(score['pearson_r'])}{constant}"


def _points(people: pd.DataFrame, population: str | None, group: int, colour: str) -> go.Scatter:
    grouped = population is not None
    name = plain_text(population) if grouped else "people"
    return go.Scatter(
        x=people["measured"].tolist(),
        y=people["predicted"].tolist(),
        mode="markers",
        name=name,
        legendgroup=name,
        customdata=plain_texts(people["individual_id"]),
        hovertemplate="%{customdata}<br>measured %{x:.2f}<br>predicted %{y:.2f}",
        marker=group_marker(group, None if grouped else colour),
    )


def group_marker(group: int, colour: str | None) -> dict[str, Any]:
    """How people of a group are drawn; by ``colour`` alone where there are no groups."""
    return {
        "color": GROUP_COLOURS[group % len(GROUP_COLOURS)] if colour is None else colour,
        "symbol": GROUP_SYMBOLS[group % len(GROUP_SYMBOLS)] if colour is None else "circle",
        "size": 5,
        "opacity": 0.65,
    }


def _add_row_heading(figure: go.Figure, heading: str, *, row: int, n_columns: int) -> None:
    top = figure.layout[f"yaxis{(row - 1) * n_columns + 1}" if row > 1 else "yaxis"].domain[1]
    figure.add_annotation(
        text=heading,
        xref="paper",
        yref="paper",
        x=0,
        y=top,
        xanchor="left",
        yanchor="bottom",
        yshift=42,
        showarrow=False,
        font={"size": 14, "color": MUTED},
    )
