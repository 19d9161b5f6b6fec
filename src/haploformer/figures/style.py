"""One look for every figure: the Plotly template, the colour, order and label of each model, and text made safe.

Colours: Okabe and Ito 2008 (safe for the common forms of colour blindness), without the yellow, which is too light on
white. A model has the same colour in every figure and table of every run.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

INK = "#1b1f24"
MUTED = "#5b6470"
GRID = "#e7eaee"
ZERO = "#8a939e"
PALE = "#c9cfd6"

FONT_FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

#: The order in which models are shown: the network, then the baselines, then what is stacked of them.
MODEL_COLOURS = {
    "enformer": "#0072b2",
    "enformer_all_tracks": "#56b4e9",
    "enformer_all_bins": "#9ad1d4",
    "top_snp": "#e69f00",
    "prs": "#cc79a7",
    "elastic_net": "#009e73",
    "blup": "#5b4b8a",
    "stack_without_enformer": "#a6761d",
    "stack": "#d55e00",
}
MODEL_LABELS = {
    "enformer": "Enformer",
    "enformer_all_tracks": "Enformer, all tracks",
    "enformer_all_bins": "Enformer, all tracks and bins",
    "top_snp": "Top SNP",
    "prs": "PRS",
    "elastic_net": "Elastic net",
    "blup": "BLUP",
    "stack_without_enformer": "Stack without Enformer",
    "stack": "Stack",
}
OTHER_MODEL_COLOURS = ("#7f3c2b", "#3d6b35", "#1b1f24", "#8f7a00", "#7a7f87")

#: Groups of people differ in colour and in symbol, and in neither from a neighbour in the list.
GROUP_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5b4b8a", "#1b1f24")
GROUP_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "triangle-down", "star")

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT_FAMILY, "size": 13, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "colorway": list(MODEL_COLOURS.values()),
        "margin": {"l": 64, "r": 20, "t": 36, "b": 56},
        "xaxis": {
            "gridcolor": GRID,
            "linecolor": PALE,
            "zerolinecolor": ZERO,
            "ticks": "outside",
            "tickcolor": PALE,
            "title": {"standoff": 12},
            "automargin": True,
        },
        "yaxis": {
            "gridcolor": GRID,
            "linecolor": PALE,
            "zerolinecolor": ZERO,
            "ticks": "outside",
            "tickcolor": PALE,
            "title": {"standoff": 8},
            "automargin": True,
        },
        "legend": {"bgcolor": "rgba(255,255,255,0)", "font": {"size": 12}},
        "hoverlabel": {"font": {"family": FONT_FAMILY, "size": 12}, "align": "left"},
        "annotationdefaults": {"font": {"family": FONT_FAMILY, "color": INK}},
    }
)


def new_figure(base: go.Figure | None = None, *, height: int) -> go.Figure:
    """An empty figure (or ``base``) in the project's style; the width is the reader's.

    Parameters
    ----------
    base : plotly.graph_objects.Figure, optional
        A figure made elsewhere, such as by ``make_subplots``; changed in place.
    height : int
        Pixels.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure() if base is None else base
    figure.update_layout(template=TEMPLATE, height=height)
    return figure


def plot_nothing(reason: str) -> go.Figure:
    """A figure that says why it shows nothing."""
    figure = new_figure(height=120)
    figure.add_annotation(text=plain_text(reason), showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)


def order_models(models: Iterable[str]) -> list[str]:
    """The distinct models: known ones in the order of ``MODEL_COLOURS``, then others by name."""
    place = {model: i for i, model in enumerate(MODEL_COLOURS)}
    return sorted(set(models), key=lambda model: (place.get(_bare(model), len(place)), model))


def model_colours(models: Iterable[str]) -> dict[str, str]:
    """A colour for each model, in the order of ``order_models``; fixed for the models in ``MODEL_COLOURS``."""
    ordered = order_models(models)
    others = [model for model in ordered if _bare(model) not in MODEL_COLOURS]
    spare = {model: OTHER_MODEL_COLOURS[i % len(OTHER_MODEL_COLOURS)] for i, model in enumerate(others)}
    return {model: MODEL_COLOURS.get(_bare(model)) or spare[model] for model in ordered}


def model_label(model: str) -> str:
    """The model's name for a reader, its remark kept; an unknown model is called what it is called in the table."""
    bare = _bare(model)
    return MODEL_LABELS.get(bare, bare) + model[len(bare) :]


def remark_model(model: str, remark: str) -> str:
    """The model's name with a remark, such as that its weights are untrained: ``enformer (untrained)``."""
    return f"{model} ({remark})"


def _bare(model: str) -> str:
    """The name without its remark."""
    return model.split(" (", 1)[0]


def plain_text(value: object) -> str:
    """``value`` as text that Plotly shows as it is.

    Plotly reads a small HTML in titles, ticks and hovers (``<b>``, ``<a href>``); names of genes, people and models are
    data, not markup.
    """
    return html.escape(str(value), quote=False)


def plain_texts(values: Iterable[object]) -> list[str]:
    """``plain_text`` of each value."""
    return [plain_text(value) for value in values]


def three_decimals(value: float) -> str:
    """``value`` with three decimals, without the sign of a zero: "-0.000" reads like a number below zero."""
    return f"{round(float(value), 3) + 0.0:.3f}"


def check_columns(table_name: str, present: Iterable[str], needed: Sequence[str]) -> None:
    """Raise ValueError that names the table and the columns of ``needed`` that are not ``present``."""
    columns = list(present)
    missing = [column for column in needed if column not in columns]
    if missing:
        raise ValueError(f"{table_name} has no column {', '.join(missing)}; it has {', '.join(map(str, columns))}")
