"""Predictions of a few genes or people: coverage from a person's own genome, beside that of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from haploformer.enformer.summaries import TISSUE_MEAN
from haploformer.figures.style import (
    GROUP_COLOURS,
    GROUP_SYMBOLS,
    INK,
    ZERO,
    check_columns,
    new_figure,
    plain_text,
    plain_texts,
)

#: More panels, or more people in one, are not drawn: the table has them all.
MAX_GENES, MAX_INDIVIDUALS = 8, 8
PANEL_HEIGHT, GAP, TOP, BOTTOM = 260, 84, 72, 56
_NEEDED = ["gene_id", "gene_name", "individual_id", "population", "summary", "personal", "reference", "measured"]


def plot_people_of_gene(predictions: pd.DataFrame) -> go.Figure:
    """Predicted coverage of every person, by population, with the reference genome's; beside it against measured.

    Parameters
    ----------
    predictions : DataFrame
        ``schemas.selected_predictions``; the tissue's mean is drawn, of the first `MAX_GENES` genes.

    Returns
    -------
    plotly.graph_objects.Figure
        A row per gene; a second column where somebody's expression is measured.
    """
    check_columns("selected_predictions", predictions.columns, _NEEDED)
    tissue = predictions[predictions["summary"] == TISSUE_MEAN]
    genes = list(dict.fromkeys(tissue["gene_id"]))[:MAX_GENES]
    tissue = tissue[tissue["gene_id"].isin(genes)].assign(group=_groups(tissue["population"]))
    measured = bool(tissue["measured"].notna().any())
    names = tissue.drop_duplicates("gene_id").set_index("gene_id")["gene_name"]
    height = TOP + BOTTOM + PANEL_HEIGHT * len(genes) + GAP * (len(genes) - 1)
    figure = new_figure(
        make_subplots(
            rows=len(genes),
            cols=2 if measured else 1,
            shared_yaxes=True,
            column_widths=[0.6, 0.4] if measured else [1.0],
            horizontal_spacing=0.03,
            vertical_spacing=GAP / (height - TOP - BOTTOM) if len(genes) > 1 else 0.0,
            row_titles=[plain_text(names[gene]) for gene in genes],
        ),
        height=height,
    )
    groups = list(dict.fromkeys(sorted(tissue["group"])))
    for row, gene in enumerate(genes, start=1):
        of_gene = tissue[tissue["gene_id"] == gene]
        for i, group in enumerate(groups):
            people = of_gene[of_gene["group"] == group]
            style = _points(people, i, name=group, showlegend=row == 1)
            # A fixed scatter within the group: a person stands at the same place in every run.
            x = i + 0.32 * np.sin(2.4 * np.arange(len(people)))
            figure.add_trace(go.Scatter(x=x.tolist(), **style), row=row, col=1)
            if measured:
                style["showlegend"] = False
                figure.add_trace(go.Scatter(x=people["measured"].tolist(), **style), row=row, col=2)
        figure.add_hline(
            y=float(of_gene["reference"].iloc[0]), line={"color": INK, "dash": "dash", "width": 1}, row=row, col="all"
        )
        figure.update_yaxes(title_text="Predicted coverage", row=row, col=1)
        places = {"tickvals": list(range(len(groups))), "ticktext": plain_texts(groups)}
        figure.update_xaxes(**places, range=[-0.6, len(groups) - 0.4], zeroline=False, row=row, col=1)
        if measured:
            figure.update_xaxes(title_text="Measured, as in the file", row=row, col=2)
    figure.update_layout(
        margin={"t": TOP, "b": BOTTOM}, legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top"}
    )
    return figure


def plot_genes_of_individual(predictions: pd.DataFrame) -> go.Figure:
    """log2 of personal over reference coverage of every gene, in the order of their places on the genome.

    Parameters
    ----------
    predictions : DataFrame
        ``schemas.selected_predictions``; the tissue's mean is drawn, of the first `MAX_INDIVIDUALS` people.

    Returns
    -------
    plotly.graph_objects.Figure
        A trace per person.
    """
    check_columns("selected_predictions", predictions.columns, [*_NEEDED, "contig", "tss", "log2_fold_change"])
    tissue = predictions[predictions["summary"] == TISSUE_MEAN].sort_values(["contig", "tss", "gene_id"], kind="stable")
    figure = new_figure(height=460)
    place = {gene: i for i, gene in enumerate(dict.fromkeys(tissue["gene_id"]))}
    names = tissue.drop_duplicates("gene_id")["gene_name"]
    for i, (individual, of_person) in enumerate(tissue.groupby("individual_id", sort=False)):
        if i == MAX_INDIVIDUALS:
            break
        figure.add_trace(
            go.Scatter(
                x=of_person["gene_id"].map(place).tolist(),
                y=of_person["log2_fold_change"].tolist(),
                mode="markers",
                name=plain_text(individual),
                customdata=list(
                    zip(
                        plain_texts(of_person["gene_name"]),
                        of_person["personal"].tolist(),
                        of_person["reference"].tolist(),
                        strict=True,
                    )
                ),
                hovertemplate="%{customdata[0]}<br>personal %{customdata[1]:.4g}<br>reference %{customdata[2]:.4g}"
                "<br>log2 fold change %{y:.4f}",
                marker=_marker(i, size=8),
            )
        )
    figure.add_hline(y=0, line={"color": ZERO, "width": 1})
    figure.update_xaxes(
        tickvals=list(range(len(place))), ticktext=plain_texts(names), tickangle=-60, tickfont_size=10, title_text=""
    )
    figure.update_yaxes(title_text="log2(personal + 1) - log2(reference + 1)")
    figure.update_layout(showlegend=True, legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top"})
    return figure


def plot_sequences(predictions: pd.DataFrame) -> go.Figure:
    """Predicted coverage of each sequence: the tissue's mean.

    Parameters
    ----------
    predictions : DataFrame
        ``schemas.sequence_predictions``.
    """
    check_columns("sequence_predictions", predictions.columns, ["sequence", "summary", "coverage"])
    tissue = predictions[predictions["summary"] == TISSUE_MEAN]
    figure = new_figure(height=TOP + BOTTOM + max(160, min(18 * len(tissue), 1200)))
    figure.add_trace(
        go.Scatter(
            x=tissue["coverage"].tolist(),
            y=list(range(len(tissue))),
            mode="markers",
            customdata=plain_texts(tissue["sequence"]),
            hovertemplate="%{customdata}<br>%{x:.4g}",
            marker=_marker(0, size=9),
        )
    )
    figure.update_xaxes(title_text="Predicted coverage, mean over the tissue's tracks and the centre bins")
    figure.update_yaxes(
        tickvals=list(range(len(tissue))), ticktext=plain_texts(tissue["sequence"]), autorange="reversed"
    )
    return figure


def _groups(population: pd.Series) -> pd.Series:
    """Population of each row, in words where there is none."""
    return population.astype(object).fillna("not given" if population.notna().any() else "people")


def _points(people: pd.DataFrame, group: int, *, name: str, showlegend: bool) -> dict[str, Any]:
    return {
        "y": people["personal"].tolist(),
        "mode": "markers",
        "name": plain_text(name),
        "legendgroup": name,
        "showlegend": showlegend,
        "customdata": plain_texts(people["individual_id"]),
        "hovertemplate": "%{customdata}<br>personal %{y:.4g}",
        "marker": _marker(group),
    }


def _marker(group: int, *, size: int = 6) -> dict[str, Any]:
    symbols: Sequence[str] = GROUP_SYMBOLS
    return {
        "color": GROUP_COLOURS[group % len(GROUP_COLOURS)],
        "symbol": symbols[group % len(symbols)],
        "size": size,
        "opacity": 0.7,
    }
