"""Effects of variants: against the distance to the TSS, added up within haplotypes, and base by base."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from haploformer.effects.definitions import LOG_FOLD_CHANGE
from haploformer.effects.tables import CENTRE
from haploformer.enformer.summaries import TISSUE_MEAN
from haploformer.figures.letters import BASE_COLOURS, letter_outlines
from haploformer.figures.style import (
    GROUP_COLOURS,
    GROUP_SYMBOLS,
    MUTED,
    PALE,
    ZERO,
    check_columns,
    new_figure,
    plain_text,
    plain_texts,
    plot_nothing,
)
from haploformer.genome.encoding import BASES

#: Points that are drawn, the strongest; the table has all.
MAX_POINTS = 20_000

#: Genes with a panel of their own.
MAX_GENES = 8

#: Of a longer stretch, bars stand for the letters.
MAX_LETTERS = 400

_FOLD = "log2 fold change of the tissue's mean"
_NEEDED = ["gene_id", "variant_id", "tss_distance", "alt_frequency", "bins", "summary", "effect_kind", "effect"]

#: Alternative allele frequency from which on a variant is common.
_COMMON = 0.05


def fold_changes(effects: pd.DataFrame) -> pd.DataFrame:
    """Of a table of effects, the log fold changes of the tissue's mean at the centre bins."""
    chosen = (effects["summary"] == TISSUE_MEAN) & (effects["bins"] == CENTRE)
    return effects[chosen & (effects["effect_kind"] == LOG_FOLD_CHANGE)]


def plot_effects_by_distance(effects: pd.DataFrame) -> go.Figure:
    """Each pair of gene and variant: log fold change of the tissue's mean against the distance to the TSS.

    Parameters
    ----------
    effects : DataFrame
        ``schemas.variant_effects``.

    Returns
    -------
    plotly.graph_objects.Figure
        A trace for common variants, for rare ones, and for those that the cohort does not have.
    """
    check_columns("variant_effects", effects.columns, _NEEDED)
    shown = fold_changes(effects)
    if shown.empty:
        return plot_nothing("No variant lies in a window.")
    n_all = len(shown)
    shown = shown.loc[shown["effect"].abs().sort_values(ascending=False, kind="stable").index[:MAX_POINTS]]
    frequency = shown["alt_frequency"]
    minor = np.minimum(frequency, 1 - frequency)
    groups = {
        f"minor allele in {100 * _COMMON:g} % or more": minor >= _COMMON,
        "rarer": minor < _COMMON,
        "not in the cohort": frequency.isna(),
    }
    figure = new_figure(height=460)
    for i, (name, chosen) in enumerate(groups.items()):
        rows = shown[chosen]
        if rows.empty:
            continue
        figure.add_trace(
            go.Scatter(
                x=(rows["tss_distance"] / 1000).tolist(),
                y=rows["effect"].tolist(),
                mode="markers",
                name=name,
                customdata=list(
                    zip(plain_texts(rows["variant_id"]), plain_texts(rows["gene_id"]), frequency[chosen], strict=True)
                ),
                hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{x:.3f} kb<br>log2 fold change %{y:.3g}"
                "<br>ALT frequency %{customdata[2]:.3f}",
                marker={"color": GROUP_COLOURS[i], "symbol": GROUP_SYMBOLS[i], "size": 6, "opacity": 0.6},
            )
        )
    figure.add_hline(y=0, line={"color": ZERO, "width": 1})
    figure.add_vline(x=0, line={"color": ZERO, "width": 1, "dash": "dash"})
    figure.update_xaxes(title_text="Distance to the TSS, kb (downstream positive)")
    figure.update_yaxes(title_text=_FOLD)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top"})
    if n_all > len(shown):
        _note(figure, f"the {len(shown):,} strongest of {n_all:,} pairs")
    return figure


def plot_additivity(effects: pd.DataFrame) -> go.Figure:
    """Each haplotype: the sum of its variants' single effects against its exact difference; and each variant's share.

    Parameters
    ----------
    effects : DataFrame
        ``schemas.haplotype_effects`` with ``gene_name``; the tissue's mean of the first `MAX_GENES` genes is drawn.

    Returns
    -------
    plotly.graph_objects.Figure
        A row per gene: haplotypes, then variants (effect alone against effect within the haplotype).
    """
    needed = ["gene_id", "gene_name", "individual_id", "haplotype", "exact_difference", "additive_sum", "single_effect"]
    check_columns("haplotype_effects", effects.columns, [*needed, "left_out_effect", "summary", "variant_id"])
    tissue = effects[effects["summary"] == TISSUE_MEAN]
    genes = list(dict.fromkeys(tissue["gene_id"]))[:MAX_GENES]
    figure = new_figure(
        make_subplots(
            rows=len(genes),
            cols=2,
            horizontal_spacing=0.12,
            vertical_spacing=0.3 / max(len(genes), 1) if len(genes) > 1 else 0.0,
            row_titles=[plain_text(tissue.loc[tissue["gene_id"] == gene, "gene_name"].iloc[0]) for gene in genes],
        ),
        height=90 + 340 * len(genes),
    )
    for row, gene in enumerate(genes, start=1):
        of_gene = tissue[tissue["gene_id"] == gene]
        whole = of_gene.drop_duplicates(["individual_id", "haplotype"])
        names = [f"{plain_text(i)}, copy {h}" for i, h in zip(whole["individual_id"], whole["haplotype"], strict=True)]
        _against(figure, whole["additive_sum"], whole["exact_difference"], names, 0, row, 1)
        variants = of_gene[of_gene["variant_id"].notna()].drop_duplicates(
            ["variant_id", "single_effect", "left_out_effect"]
        )
        _against(
            figure,
            variants["single_effect"],
            variants["left_out_effect"],
            plain_texts(variants["variant_id"]),
            1,
            row,
            2,
        )
        figure.update_xaxes(title_text="Sum of single effects", row=row, col=1)
        figure.update_yaxes(title_text="Haplotype less reference", row=row, col=1)
        figure.update_xaxes(title_text="Variant alone", row=row, col=2)
        figure.update_yaxes(title_text="Variant within a haplotype", row=row, col=2)
    figure.update_layout(showlegend=False)
    return figure


def plot_mutagenesis(effects: pd.DataFrame) -> go.Figure:
    """All substitutions of a stretch as a heat map, the bases above as high as what their replacement takes away.

    Parameters
    ----------
    effects : DataFrame
        ``schemas.variant_effects`` of SNPs of one gene, all of a stretch.

    Returns
    -------
    plotly.graph_objects.Figure
        Above the logo: height of a base is minus the mean log fold change of its three substitutions. Below the log fold
        change of each; the reference's base is left blank.
    """
    check_columns("variant_effects", effects.columns, [*_NEEDED, "pos", "ref", "alt"])
    shown = fold_changes(effects)
    if shown.empty:
        return plot_nothing("No base of the stretch is known.")
    grid = shown.pivot(index="alt", columns="pos", values="effect").reindex(list(BASES))
    positions = list(range(int(grid.columns.min()), int(grid.columns.max()) + 1))
    grid = grid.reindex(columns=positions)
    reference = shown.drop_duplicates("pos").set_index("pos")["ref"].str.upper()
    height = -shown.groupby("pos")["effect"].mean()
    largest = float(np.nanmax(np.abs(grid.to_numpy()))) or 1.0
    figure = new_figure(
        make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.45, 0.55], vertical_spacing=0.06), height=460
    )
    _draw_logo(figure, reference, height)
    figure.add_trace(
        go.Heatmap(
            x=positions,
            y=list(BASES),
            z=[[None if np.isnan(v) else float(v) for v in row] for row in grid.to_numpy()],
            zmin=-largest,
            zmax=largest,
            colorscale=[[0, "#0072b2"], [0.5, "#ffffff"], [1, "#d55e00"]],
            colorbar={"title": {"text": "log2 fold<br>change"}, "len": 0.55, "y": 0.26},
            hovertemplate="%{x}: to %{y}<br>log2 fold change %{z:.3g}<extra></extra>",
            hoverongaps=False,
        ),
        row=2,
        col=1,
    )
    figure.update_yaxes(title_text="Importance", zeroline=True, row=1, col=1)
    figure.update_yaxes(title_text="Replaced by", autorange="reversed", showgrid=False, row=2, col=1)
    figure.update_xaxes(tickformat=",d", row=2, col=1, title_text=f"Position on contig {shown['contig'].iloc[0]}")
    figure.update_xaxes(range=[positions[0] - 0.5, positions[-1] + 0.5], showgrid=False)
    figure.update_layout(showlegend=False, bargap=0)
    # Blank cells of the heat map are the reference's bases.
    figure.add_shape(
        type="rect", xref="x2", yref="y2 domain", x0=positions[0] - 0.5, x1=positions[-1] + 0.5, y0=0, y1=1,
        fillcolor=PALE, line_width=0, layer="below",
    )  # fmt: skip
    return figure


def _draw_logo(figure: go.Figure, reference: pd.Series, height: pd.Series) -> None:
    for base in BASES:
        at = reference.index[reference == base]
        if len(at) == 0:
            continue
        style = {"name": base, "hovertemplate": base + " %{x:.0f}<extra></extra>"}
        if len(reference) > MAX_LETTERS:
            bars = go.Bar(
                x=at.tolist(), y=height[at].tolist(), marker={"color": BASE_COLOURS[base], "line_width": 0}, **style
            )
            figure.add_trace(bars, row=1, col=1)
            continue
        x, y = letter_outlines(base, at.to_numpy(np.float64), height[at].to_numpy(np.float64))
        outline = go.Scatter(
            x=x, y=y, mode="lines", fill="toself", fillcolor=BASE_COLOURS[base], line={"width": 0}, hoverinfo="skip",
            name=base,
        )  # fmt: skip
        figure.add_trace(outline, row=1, col=1)


def _against(figure: go.Figure, x: pd.Series, y: pd.Series, names: list[str], colour: int, row: int, col: int) -> None:
    """Points, and the line on which both are equal."""
    figure.add_trace(
        go.Scatter(
            x=x.tolist(),
            y=y.tolist(),
            mode="markers",
            customdata=names,
            hovertemplate="%{customdata}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
            marker={"color": GROUP_COLOURS[colour], "symbol": GROUP_SYMBOLS[colour], "size": 7, "opacity": 0.6},
        ),
        row=row,
        col=col,
    )
    both = pd.concat([x, y])
    if len(both):
        ends = [float(both.min()), float(both.max())]
        figure.add_trace(
            go.Scatter(
                x=ends, y=ends, mode="lines", line={"color": ZERO, "width": 1, "dash": "dash"}, hoverinfo="skip"
            ),
            row=row,
            col=col,
        )


def _note(figure: go.Figure, text: str) -> None:
    figure.add_annotation(
        text=text, showarrow=False, xref="paper", yref="paper", x=1, y=1, xanchor="right", yanchor="bottom",
        font={"color": MUTED},
    )  # fmt: skip
