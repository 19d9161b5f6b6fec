"""The report: one HTML file that opens anywhere, without a network.

The page is ``report.html``, a Jinja template with its style and its few lines of script. plotly.js is embedded once;
every figure is a block of JSON that the page's own script reads. Names of genes, people and models are data: Jinja
escapes them in the page, ``_json_block`` in the figures, and a content security policy lets nothing run but the two
scripts whose SHA-256 the file itself states, and nothing load at all.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from haploformer.figures import tables


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report.

    Attributes
    ----------
    title : str
    figure : plotly.graph_objects.Figure
        Without a title of its own; ``layout.height`` in pixels.
    caption : str
        Says people, folds, windows, tracks and weights.
    min_width : int
        Pixels below which the figure is scrolled in its box instead of squeezed; about 150 for each of many panels
        side by side.
    """

    title: str
    figure: go.Figure
    caption: str
    min_width: int = 560


@dataclass(frozen=True)
class ReportContent:
    """Everything that the report says. What is None or empty has no section.

    Attributes
    ----------
    title : str
    facts : sequence of (label, value)
        The run: data set, people, genes, contigs, window, tracks, bins, engine, weights and whether they are
        untrained, their sha256, code version, folds, covariates.
    model_summary : DataFrame
        ``haploformer.evaluation.summary.summarise_models``.
    gene_scores : DataFrame
        ``schemas.gene_scores``.
    notices : sequence of str
        What a reader must know before any number; shown first.
    headlines : sequence of str
        The result in sentences.
    figures : sequence of ReportFigure
    known_answer_check : DataFrame, optional
        ``schemas.known_answer_check``: every quantity, beside what is in ``model_summary``.
    stack_weights : DataFrame, optional
        ``schemas.stack_weights``.
    audit, individual_audit, window_audit : DataFrame, optional
        The tables of ``schemas`` with these names.
    genes : DataFrame, optional
        ``schemas.genes``: names of the windows; those of ``gene_scores`` if absent.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    model_summary: pd.DataFrame
    gene_scores: pd.DataFrame
    notices: Sequence[str] = ()
    headlines: Sequence[str] = ()
    figures: Sequence[ReportFigure] = ()
    known_answer_check: pd.DataFrame | None = None
    stack_weights: pd.DataFrame | None = None
    audit: pd.DataFrame | None = None
    individual_audit: pd.DataFrame | None = None
    window_audit: pd.DataFrame | None = None
    genes: pd.DataFrame | None = None


def build_report(content: ReportContent) -> str:
    """The report as one self-contained HTML document.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    str
        HTML of about 5 MB, nearly all of it plotly.js (left out if there is no figure). The same content gives the same
        text.

    Raises
    ------
    ValueError
        If a table lacks a column.
    """
    names = content.gene_scores if content.genes is None else content.genes
    page = _template().render(
        title=content.title,
        facts=content.facts,
        notices=content.notices,
        headlines=content.headlines,
        figures=[
            {
                "title": figure.title,
                "caption": figure.caption,
                "min_width": figure.min_width,
                "height": figure.figure.layout.height or 450,
                "json": _json_block(figure.figure),
            }
            for figure in content.figures
        ],
        plotly_script=_plotly_script() if content.figures else None,
        summary=tables.model_summary_table(content.model_summary),
        known_answer=_optional(tables.known_answer_table, content.known_answer_check),
        gene_table=tables.gene_table(content.gene_scores),
        stack=_optional(tables.stack_weight_table, content.stack_weights),
        variants=_optional(tables.variant_audit_table, content.audit),
        people_summary=_optional(tables.individual_summary_table, content.individual_audit),
        people=_optional(tables.individual_table, content.individual_audit),
        windows=_optional(tables.window_table, content.window_audit, names),
    )
    return page.strip() + "\n"


def _optional(
    make: Callable[..., tables.Table], table: pd.DataFrame | None, *more: pd.DataFrame
) -> tables.Table | None:
    return None if table is None or table.empty else make(table, *more)


def _json_block(figure: go.Figure) -> Markup:
    """The figure as JSON that may stand in a script element: no character of it can end or open a tag."""
    escaped = figure.to_json().replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
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
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["script_hash"] = _script_hash
    return environment.from_string(files("haploformer.figures").joinpath("report.html").read_text(encoding="utf-8"))
