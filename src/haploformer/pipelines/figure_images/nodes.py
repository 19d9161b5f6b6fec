"""The step of ``figure_images``."""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger(__name__)


def render_figures(figures: dict[str, Any]) -> dict[str, bytes]:
    """Every figure of a run as PNG and SVG."""
    from haploformer.figures.images import render_images

    images = render_images(figures)
    logger.info("%d figures drawn: %s", len(figures), ", ".join(figures))
    return images
