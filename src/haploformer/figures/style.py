"""One look for every figure: the Plotly template, the colour, order and label of each model, and text made safe.

Colours: Okabe and Ito 2008 (safe for the common forms of colour blindness), without the yellow, which is too light on
white. A model has the same colour in every figure and table of every run.
"""

from __future__ import annotations

import html
import re
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
    "genotype_pcs": "#7a7f87",
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
    "genotype_pcs": "Genotype PCs",
    "stack_without_enformer": "Stack without Enformer",
    "stack": "Stack",
    "covariates_only": "Covariates only",
    "genotype_pcs_unadjusted": "Genotype PCs",
    "shared_stack": "Stack, weights of other genes",
    "shared_stack_enformer": "Enformer, weights of other genes",
}
OTHER_MODEL_COLOURS = ("#7f3c2b", "#3d6b35", "#1b1f24", "#8f7a00", "#b0468a")

#: What the name of a model of a further cis window ends in: its reach on each side of the TSS.
_REACH = re.compile(r"(.+)_([1-9][0-9]*)(mb|kb|bp)")
_REACH_UNITS = {"mb": ("Mb", 1_000_000), "kb": ("kb", 1_000), "bp": ("bp", 1)}

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
    """The distinct models: known ones in the order of ``MODEL_COLOURS``, a wider cis window after, then others by name."""
    place = {model: i for i, model in enumerate(MODEL_COLOURS)}

    def key(model: str) -> tuple[int, int, str]:
        name, reach = split_reach(model)
        return place.get(name, len(place)), reach or 0, model

    return sorted(set(models), key=key)


def model_colours(models: Iterable[str]) -> dict[str, str]:
    """A colour for each model, in the order of ``order_models``; fixed for the models in ``MODEL_COLOURS``.

    A model of a wider cis window has a darker shade of its model's colour.
    """
    colours, n_others = {}, 0
    for model in order_models(models):
        name, reach = split_reach(model)
        if name in MODEL_COLOURS:
            colours[model] = MODEL_COLOURS[name] if reach is None else _darker(MODEL_COLOURS[name])
        else:
            colours[model] = OTHER_MODEL_COLOURS[n_others % len(OTHER_MODEL_COLOURS)]
            n_others += 1
    return colours


def model_label(model: str) -> str:
    """The model's name for a reader, its remark kept; an unknown model is called what it is called in the table."""
    bare, (name, reach) = _bare(model), split_reach(model)
    label = MODEL_LABELS.get(name, name)
    if reach is not None:
        unit, bases = next(unit for unit in _REACH_UNITS.values() if reach % unit[1] == 0)
        label += f", {reach // bases} {unit}"
    return label + model[len(bare) :]


def split_reach(model: str) -> tuple[str, int | None]:
    """A model's name without its remark and the reach of its cis window, and that reach in bases; None if not named.

    ``elastic_net_1mb`` is the elastic net of the TSS and 1 Mb on either side.
    """
    found = _REACH.fullmatch(_bare(model))
    if found is None or found[1] not in MODEL_LABELS:
        return _bare(model), None
    return found[1], int(found[2]) * _REACH_UNITS[found[3]][1]


def remark_model(model: str, remark: str) -> str:
    """The model's name with a remark, such as that its weights are untrained: ``enformer (untrained)``."""
    return f"{model} ({remark})"


def _bare(model: str) -> str:
    """The name without its remark."""
    return model.split(" (", 1)[0]


def _darker(colour: str) -> str:
    """Two thirds of each part of ``#rrggbb``."""
    return "#" + "".join(f"{int(colour[i : i + 2], 16) * 2 // 3:02x}" for i in (1, 3, 5))


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
