"""Pages: one HTML file each, which opens anywhere, without a network.

``page.html`` is a Jinja template with the style and a few lines of script; each kind of page extends it. plotly.js is
embedded once; every figure is a block of JSON that the page's own script reads. Names of genes, people and models are
data: Jinja escapes them in the page, ``_json_block`` in the figures, and a content security policy lets nothing run but
the two scripts whose SHA-256 the file itself states, and nothing load at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from haploformer.figures.explorer import Explorer


@dataclass(frozen=True)
class ReportFigure:
    """A figure of a page.

    Attributes
    ----------
    title : str
    figure : plotly.graph_objects.Figure
        Without a title of its own; ``layout.height`` in pixels.
    caption : str
        What is drawn.
    min_width : int
        Pixels below which the figure is scrolled in its box instead of squeezed; about 150 for each of many panels
        side by side.
    conditions : str
        People, folds, windows, tracks and weights, in a smaller print under the caption.
    explorer : Explorer, optional
        What ``figure`` shows one gene and model of; the page has a list of each to choose from.
    """

    title: str
    figure: go.Figure
    caption: str
    min_width: int = 560
    conditions: str = ""
    explorer: Explorer | None = None


def render_page(
    template: str,
    *,
    title: str,
    facts: Sequence[tuple[str, str]],
    notices: Sequence[str],
    headlines: Sequence[str],
    figures: Sequence[ReportFigure],
    **sections: Any,
) -> str:
    """One self-contained HTML document.

    Parameters
    ----------
    template : str
        Which kind of page: a file beside this one.
    facts : sequence of (label, value)
    notices, headlines : sequence of str
        Warnings, and the result in sentences.
    sections
        What the template shows beside these.
    """
    page = (
        _templates()
        .get_template(template)
        .render(
            title=title,
            facts=facts,
            notices=notices,
            headlines=headlines,
            figures=[
                {
                    "title": figure.title,
                    "caption": figure.caption,
                    "conditions": figure.conditions,
                    "min_width": figure.min_width,
                    "height": figure.figure.layout.height or 450,
                    "json": _json_block(figure.figure.to_json()),
                    "explorer": figure.explorer,
                    "points": None if figure.explorer is None else _json_block(json.dumps(figure.explorer.values)),
                }
                for figure in figures
            ],
            plotly_script=_plotly_script() if figures else None,
            explores=any(figure.explorer is not None for figure in figures),
            **sections,
        )
    )
    return page.strip() + "\n"


def _json_block(value: str) -> Markup:
    """JSON that may stand in a script element: no character of it can end or open a tag."""
    escaped = value.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(escaped)  # noqa: S704 (escaped above; within a string of JSON these are the same characters)


@cache
def _plotly_script() -> Markup:
    script = get_plotlyjs()
    assert "</script" not in script.lower(), "plotly.js would end its own script element"
    return Markup(script)  # noqa: S704 (the library itself)


def _script_hash(script: str) -> str:
    """Source expression of a content security policy that allows this inline script."""
    # a browser hashes what it has parsed, and parsing turns every line end into \n
    normal = str(script).replace("\r\n", "\n").replace("\r", "\n")
    return f"'sha256-{base64.b64encode(hashlib.sha256(normal.encode()).digest()).decode()}'"


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("haploformer", "figures"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_hash"] = _script_hash
    return environment
