"""Predicted against measured expression of any gene by any model: a figure, and the numbers from which a page fills it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from haploformer.figures.predictions import (
    SCORED_COLUMNS,
    best_and_median_genes,
    group_marker,
    populations_of,
)
from haploformer.figures.style import (
    check_columns,
    model_colours,
    model_label,
    new_figure,
    order_models,
    plain_text,
    plain_texts,
)

#: Steps per SD in which values are stored, unless a value needs a coarser one to fit 16 bits.
STEPS = 1_000

#: Short, for a telephone.
_AXES = ("Measured (SD within the fold)", "Predicted (SD within the fold)")

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Explorer:
    """Every gene and model of a figure that shows one of each.

    Attributes
    ----------
    figure : plotly.graph_objects.Figure
        Axes, and a trace without points per group of people; the title is the page's.
    genes, models : tuple of (key, name)
        In the order in which they are offered; a key is what a link holds.
    gene, model : str
        The keys of what is shown first.
    values : mapping
        What the page's script reads, in JSON: ``people``, ``groups`` (places of each trace's people), ``folds`` (places
        of each fold's people), ``colours`` (one per model, or none where groups have theirs), ``steps``, ``seed``,
        ``n_seeds``, ``mean_r`` (models x genes), and as little-endian int16 in base64 ``measured`` (genes x people) and
        ``predicted`` (models x genes x people), in steps of an SD within the fold.
    """

    figure: go.Figure
    genes: tuple[tuple[str, str], ...]
    models: tuple[tuple[str, str], ...]
    gene: str
    model: str
    values: Mapping[str, Any]


def explore_predictions(
    scored_predictions: pd.DataFrame,
    gene_scores: pd.DataFrame,
    *,
    model: str,
    individuals: pd.DataFrame | None = None,
) -> Explorer:
    """All genes and models of the first fold seed, both sides standardised within the fold.

    Parameters
    ----------
    scored_predictions : DataFrame
        ``schemas.scored_predictions``.
    gene_scores : DataFrame
        ``schemas.gene_scores``; gives names, and the r that is the mean over all fold seeds.
    model : str
        The model that is shown first, with the gene that it predicts best.
    individuals : DataFrame, optional
        ``schemas.individuals``. Points are coloured by ``population`` where it is known for somebody.

    Raises
    ------
    ValueError
        If a column is missing, the model has no score, or somebody has no prediction of a gene by a model.
    """
    check_columns("scored_predictions", scored_predictions.columns, SCORED_COLUMNS)
    check_columns("gene_scores", gene_scores.columns, ["gene_id", "gene_name", "model", "pearson_r", "n_fold_seeds"])
    best, _ = best_and_median_genes(gene_scores, model=model)
    seed = scored_predictions["fold_seed"].min()
    first = scored_predictions[scored_predictions["fold_seed"] == seed]
    genes = gene_scores.drop_duplicates("gene_id").sort_values(["gene_name", "gene_id"])[["gene_id", "gene_name"]]
    gene_ids, models = genes["gene_id"].tolist(), order_models(gene_scores["model"])
    people = first["individual_id"].unique().tolist()
    predicted, measured, folds = _lay_out(first, models, gene_ids, people)
    members = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    sides = [_z_scores(values, members) for values in (predicted, measured[None])]
    largest = max(1.0, *(float(np.abs(side).max()) for side in sides))
    steps = min(STEPS, int(np.iinfo(np.int16).max / largest))
    population = populations_of(pd.Series(people, dtype=object), individuals)
    groups = sorted(population.dropna().unique()) or [None]
    of_group = [np.arange(len(people)) if group is None else np.flatnonzero(population == group) for group in groups]
    colours = model_colours(models)
    mean_r = gene_scores.pivot(index="model", columns="gene_id", values="pearson_r").loc[models, gene_ids]
    names = [f"{name}, {gene}" if many else str(name) for gene, name, many in _named(genes)]
    values = {
        "people": plain_texts(people),
        "groups": [places.tolist() for places in of_group],
        "folds": [places.tolist() for places in members],
        "colours": [colours[name] for name in models] if groups == [None] else None,
        "steps": steps,
        "seed": int(seed),
        "n_seeds": int(gene_scores["n_fold_seeds"].max()),
        "mean_r": mean_r.round(6).to_numpy().tolist(),
        "measured": _encode(sides[1][0], steps),
        "predicted": _encode(sides[0], steps),
    }
    return Explorer(
        _shell(groups, of_group, people, colour=colours[model]),
        tuple(zip(gene_ids, names, strict=True)),
        tuple((model_key(name), model_label(name)) for name in models),
        best,
        model_key(model),
        values,
    )


def model_key(model: str) -> str:
    """What a link calls a model: its name without its remark."""
    return model.split(" (", 1)[0]


def _named(genes: pd.DataFrame) -> list[tuple[str, str, bool]]:
    """Id and name of each gene, and whether others have the same name."""
    return list(zip(genes["gene_id"], genes["gene_name"], genes["gene_name"].duplicated(keep=False), strict=True))


def _lay_out(
    rows: pd.DataFrame, models: list[str], gene_ids: list[str], people: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Predicted (models, genes, people), measured (genes, people) and folds (people,)."""
    shape = (len(models), len(gene_ids), len(people))
    axes = [pd.Index(axis) for axis in (models, gene_ids, people)]
    place = [
        axis.get_indexer(rows[name]) for axis, name in zip(axes, ("model", "gene_id", "individual_id"), strict=True)
    ]
    known = np.all([index >= 0 for index in place], axis=0)
    place = [index[known] for index in place]
    predicted, measured = np.full(shape, np.nan), np.full(shape[1:], np.nan)
    folds = np.full(len(people), -1, dtype=np.int64)
    predicted[tuple(place)] = rows["predicted"].to_numpy(dtype=np.float64)[known]
    measured[place[1], place[2]] = rows["measured"].to_numpy(dtype=np.float64)[known]
    folds[place[2]] = rows["fold"].to_numpy(dtype=np.int64)[known]
    holes = np.isnan(predicted).any(axis=2)
    if holes.any():
        i, j = np.argwhere(holes)[0]
        raise ValueError(f"scored_predictions lacks people of gene {gene_ids[j]} by {models[i]} in the first fold seed")
    return predicted, measured, folds


def _z_scores(values: NDArray[np.float64], members: list[NDArray[np.intp]]) -> NDArray[np.float64]:
    """Mean 0 and SD 1 within each fold (divisor n, so that the mean product is r); zeros where all are equal."""
    scores = np.zeros(values.shape)
    for people in members:
        side = values[..., people]
        varies = np.ptp(side, axis=-1, keepdims=True) > _ROUNDING * np.abs(side).max(axis=-1, keepdims=True)
        sd = np.where(varies, side.std(axis=-1, keepdims=True), 1.0)
        scores[..., people] = np.where(varies, (side - side.mean(axis=-1, keepdims=True)) / sd, 0.0)
    return scores


def _encode(values: NDArray[np.float64], steps: int) -> str:
    return base64.b64encode(np.rint(values * steps).astype("<i2").tobytes()).decode("ascii")


def _shell(groups: list[str | None], of_group: list[NDArray[np.intp]], people: list[str], *, colour: str) -> go.Figure:
    """Axes and a trace per group, without points."""
    figure = new_figure(height=500)
    for place, (group, members) in enumerate(zip(groups, of_group, strict=True)):
        name = "people" if group is None else plain_text(group)
        figure.add_trace(
            go.Scatter(
                x=[],
                y=[],
                mode="markers",
                name=name,
                customdata=plain_texts(people[i] for i in members),
                hovertemplate="%{customdata}<br>measured %{x:.2f}<br>predicted %{y:.2f}",
                marker=group_marker(place, None if group is not None else colour) | {"size": 7},
                showlegend=group is not None,
            )
        )
    axis = {"range": [-1, 1], "zeroline": True, "zerolinewidth": 1, "nticks": 9}
    figure.update_xaxes(title_text=_AXES[0], **axis)
    figure.update_yaxes(title_text=_AXES[1], **axis)
    return figure.update_layout(
        legend={"orientation": "h", "itemsizing": "constant", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"},
    )
