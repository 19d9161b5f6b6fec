"""Figures as PNG and SVG, drawn by the browser that would show them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import plotly.graph_objects as go

from haploformer.errors import InputError

#: Pixels across, of many panels side by side for each, and dots of a PNG per pixel.
WIDTH, PANEL, SCALE = 1_200, 190, 2
FORMATS = ("png", "svg")

_REMEDY = (
    "install Chromium (Debian package chromium) or Chrome, or name one: BROWSER_PATH=/path/to/chromium kedro run "
    "--pipelines figure_images; no other pipeline needs one"
)


def render_images(figures: Mapping[str, go.Figure]) -> dict[str, bytes]:
    """Each figure as PNG and as SVG.

    Parameters
    ----------
    figures : mapping of name to Figure
        ``layout.height`` in pixels.

    Returns
    -------
    dict of file name to bytes
        ``name.png``, `SCALE` times as many dots as the figure has pixels, and ``name.svg``, whose text is text.

    Raises
    ------
    InputError
        If no Chromium or Chrome is found, or it does not start.
    """
    from choreographer.errors import BrowserClosedError, BrowserDepsError, BrowserFailedError, ChromeNotFoundError

    try:
        # in a thread of its own: a notebook's has a loop that runs already
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _render(figures)).result()
    except ChromeNotFoundError:
        raise InputError("figure_images", "no Chromium or Chrome is found to draw with", _REMEDY) from None
    except (BrowserFailedError, BrowserClosedError, BrowserDepsError) as error:
        problem = f"the browser does not start ({type(error).__name__})"
        raise InputError("figure_images", problem, _REMEDY) from error


async def _render(figures: Mapping[str, go.Figure]) -> dict[str, bytes]:
    from kaleido import Kaleido

    images = {}
    # MathJax would come from the network
    async with Kaleido(mathjax=False) as browser:
        for name, figure in figures.items():
            for kind in FORMATS:
                images[f"{name}.{kind}"] = await browser.calc_fig(figure, _options(figure, kind))
    return images


def _options(figure: go.Figure, kind: str) -> dict[str, Any]:
    columns = {axis.domain for axis in figure.select_xaxes()}
    width = max(WIDTH, PANEL * len(columns))
    return {
        "format": kind,
        "width": width,
        "height": figure.layout.height or 450,
        "scale": SCALE if kind == "png" else 1,
    }
