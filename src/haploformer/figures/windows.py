"""How many different haplotypes a window has: what the network has to compute, beside what was asked for."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from haploformer.figures.style import MODEL_COLOURS, MUTED, PALE, check_columns, new_figure, plain_texts

#: Beyond this many genes their names no longer fit under the bars; the hover still has them.
MOST_NAMES = 60


def plot_distinct_haplotypes(window_audit: pd.DataFrame, *, genes: pd.DataFrame | None = None) -> go.Figure:
    """Haplotypes and distinct haplotypes in the window of each gene, the most varied first.

    Parameters
    ----------
    window_audit : DataFrame
        ``schemas.window_audit``.
    genes : DataFrame, optional
        ``schemas.genes``, or any table with ``gene_id`` and ``gene_name``; without it genes are shown by id.

    Returns
    -------
    plotly.graph_objects.Figure
        Two traces of bars, one over the other: all haplotypes, distinct haplotypes.

    Raises
    ------
    ValueError
        If a column is missing or there is no window.
    """
    check_columns("window_audit", window_audit.columns, ["gene_id", "n_haplotypes", "n_distinct"])
    if window_audit.empty:
        raise ValueError("window_audit has no row: there is nothing to draw")
    windows = window_audit.sort_values(["n_distinct", "gene_id"], ascending=[False, True])
    names = plain_texts(window_names(windows["gene_id"], genes))
    positions = list(range(len(windows)))
    share = (windows["n_distinct"] / windows["n_haplotypes"].where(windows["n_haplotypes"] > 0)).fillna(0.0)

    figure = new_figure(height=420)
    figure.add_trace(
        go.Bar(
            x=positions,
            y=windows["n_haplotypes"].tolist(),
            name="haplotypes",
            marker={"color": PALE},
            customdata=names,
            hovertemplate="%{customdata}: %{y:,} haplotypes<extra></extra>",
        )
    )
    figure.add_trace(
        go.Bar(
            x=positions,
            y=windows["n_distinct"].tolist(),
            name="distinct haplotypes",
            marker={"color": MODEL_COLOURS["enformer"]},
            customdata=[[name, value] for name, value in zip(names, share.tolist(), strict=True)],
            hovertemplate="%{customdata[0]}: %{y:,} distinct, %{customdata[1]:.1%}<extra></extra>",
        )
    )
    total, distinct = int(windows["n_haplotypes"].sum()), int(windows["n_distinct"].sum())
    figure.add_annotation(
        text=f"{distinct:,} distinct of {total:,} haplotype windows" + (f" ({distinct / total:.1%})" if total else ""),
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
        yshift=30,
        showarrow=False,
        font={"size": 13, "color": MUTED},
    )
    figure.update_xaxes(
        tickvals=positions,
        ticktext=names,
        tickangle=-60,
        showticklabels=len(names) <= MOST_NAMES,
        title_text="gene" if len(names) <= MOST_NAMES else f"{len(names)} genes",
        showgrid=False,
    )
    figure.update_yaxes(title_text="haplotypes in the window", rangemode="tozero")
    figure.update_layout(
        barmode="overlay",
        bargap=0.25,
        margin={"t": 64},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
    )
    return figure


def window_names(gene_ids: pd.Series, genes: pd.DataFrame | None) -> list[str]:
    """The name of each gene by ``genes``; its id where there is no name."""
    if genes is None:
        return [str(gene) for gene in gene_ids]
    check_columns("genes", genes.columns, ["gene_id", "gene_name"])
    by_id = dict(zip(genes["gene_id"], genes["gene_name"], strict=True))
    return [str(by_id.get(gene, gene)) for gene in gene_ids]
