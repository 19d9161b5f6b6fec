"""The four bases as outlines that can be stretched to any height, for sequence logos."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: As usual in sequence logos, in the shades of the project's palette.
BASE_COLOURS = {"A": "#009e73", "C": "#0072b2", "G": "#e69f00", "T": "#d55e00"}

_Polygon = list[tuple[float, float]]


def _arc(radius: float, first: float, last: float, n: int = 14) -> _Polygon:
    angles = np.radians(np.linspace(first, last, n))
    return [(0.5 + radius * float(np.cos(a)), 0.5 + radius * float(np.sin(a))) for a in angles]


def _box(left: float, right: float, bottom: float, top: float) -> _Polygon:
    return [(left, bottom), (right, bottom), (right, top), (left, top)]


#: Polygons in the unit square. What overlaps runs in the same direction; the hole of A against it, reached by a bridge.
_LETTERS: dict[str, list[_Polygon]] = {
    "A": [
        [
            *[(0.0, 0.0), (0.39, 1.0), (0.61, 1.0), (1.0, 0.0), (0.8, 0.0), (0.7, 0.24), (0.3, 0.24)],
            *[(0.36, 0.4), (0.64, 0.4), (0.5, 0.78), (0.36, 0.4), (0.3, 0.24), (0.2, 0.0)],
        ]
    ],
    "C": [_arc(0.5, 45, 315) + _arc(0.32, 315, 45)],
    "G": [_arc(0.5, 45, 320) + _arc(0.32, 320, 45), _box(0.55, 0.98, 0.38, 0.53), _box(0.8, 0.98, 0.12, 0.53)],
    "T": [[(0.0, 1.0), (0.0, 0.83), (0.41, 0.83), (0.41, 0.0), (0.59, 0.0), (0.59, 0.83), (1.0, 0.83), (1.0, 1.0)]],
}

#: Share of its place that a letter fills.
_WIDTH = 0.9


def letter_outlines(
    base: str, centre: NDArray[np.float64], height: NDArray[np.float64]
) -> tuple[list[float | None], list[float | None]]:
    """Outlines of one base at several places, each closed, with a gap between them.

    Parameters
    ----------
    base : str
    centre, height : float64 (n,)
        Where the letters stand, and how high they are; one of negative height hangs below zero, upright.

    Returns
    -------
    x, y : list
        For a Plotly trace with ``fill="toself"``.
    """
    x: list[float | None] = []
    y: list[float | None] = []
    for middle, tall in zip(centre.tolist(), height.tolist(), strict=True):
        for polygon in _LETTERS[base]:
            for across, up in [*polygon, polygon[0]]:
                x.append(middle + _WIDTH * (across - 0.5))
                y.append(min(tall, 0.0) + up * abs(tall))
            x.append(None)
            y.append(None)
    return x, y
