"""What predictions cost, in floating-point operations: multiplications and additions in matrix products."""

from __future__ import annotations

from collections.abc import Sequence

from enformer_pytorch.modeling_enformer import exponential_linspace_int

from haploformer.enformer.geometry import Geometry
from haploformer.enformer.tower_plan import FIRST_BASES
from haploformer.enformer.trunk import FEW_QUERIES, QUERIES

#: Numbers of a query or key of one head, as enformer-pytorch has them.
DIM_KEY = 64

#: Positions that the first convolution and the others see, of the level below.
_FIRST_WIDTH, _WIDTH = FIRST_BASES - 1, 5


def channels(geometry: Geometry) -> list[int]:
    """Width of each level of the tower, the stem's first (7)."""
    half = geometry.dim // 2
    widths = exponential_linspace_int(half, geometry.dim, num=6, divisible_by=geometry.channel_multiple)
    return [half, *(int(width) for width in widths)]


def _position_flops(geometry: Geometry) -> list[int]:
    """Of one position before the pooling of each level: a convolution, another over one position, logits of the pooling."""
    widths = channels(geometry)
    inputs = [4 * _FIRST_WIDTH, *(_WIDTH * width for width in widths)]
    return [2 * n * width + 4 * width * width for n, width in zip(inputs, widths, strict=False)]


def tower_flops(geometry: Geometry, n_entries: Sequence[int]) -> float:
    """Stem and tower on some positions.

    Parameters
    ----------
    n_entries : sequence of int (7,)
        Positions of each level, the first level first.
    """
    return float(sum(2 * n * flops for n, flops in zip(n_entries, _position_flops(geometry), strict=True)))


def trunk_flops(geometry: Geometry, n_wanted: int, n_tracks: int = 0) -> float:
    """One window behind the tower, as `haploformer.enformer.trunk` computes it.

    Parameters
    ----------
    n_wanted, n_tracks : int
        Bins and tracks wanted.
    """
    n, dim, key = geometry.n_tokens, geometry.dim, DIM_KEY * geometry.heads
    project = 2 * n * dim * (2 * key + dim)
    attend = 2 * n * n * key + 2 * n * (n + QUERIES - 1) * key + 2 * n * n * dim + 2 * n * dim * dim
    widen = 2 * 2 * n * dim * 2 * dim
    middle = geometry.depth - 1
    behind = 2 * dim * dim + 8 * dim * dim + 4 * dim * dim + 4 * dim * n_tracks
    if n_wanted < FEW_QUERIES:
        last = n_wanted * (4 * dim * key + 4 * geometry.heads * dim * n + 2 * n * key + 2 * dim * dim + behind)
    else:
        last = n_wanted * (4 * n * key + 2 * n * dim + behind) + (project if middle else 0)
    return middle * (attend + widen) + max(middle - 1, 0) * project + last


def library_flops(geometry: Geometry) -> float:
    """One window by enformer-pytorch's forward: everything, for all bins and tracks of the human head."""
    n, dim, key = geometry.n_tokens, geometry.dim, DIM_KEY * geometry.heads
    positions = [geometry.window >> (level + 1) for level in range(7)]
    layer = 2 * n * dim * (2 * key + dim) + 2 * n * n * key + 2 * n * (2 * n - 1) * key
    layer += 2 * (2 * n - 1) * (dim // geometry.heads) * key + 2 * n * n * dim + 2 * n * dim * dim + 8 * n * dim * dim
    head = 4 * geometry.n_bins * dim * dim + 4 * geometry.n_bins * dim * geometry.n_tracks
    return tower_flops(geometry, positions) + geometry.depth * layer + head
