"""Shapes of an Enformer: what is fixed by the architecture, and the three presets.

Sources: Avsec et al. 2021, Methods; enformer-pytorch 0.8.12, ``modeling_enformer.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Bases per output bin: seven levels, each of which halves the length.
BIN_SIZE = 128

#: The only shape for which enformer-pytorch has the table of gamma position features, that of the published weights:
#: tokens, and position features of a head.
TABULATED_TOKENS, TABULATED_FEATURES = 1_536, 192


@dataclass(frozen=True)
class Geometry:
    """Sizes of one Enformer.

    Attributes
    ----------
    dim, depth, heads : int
        Width of a token, transformer layers, attention heads.
    window : int
        Input length in bases, a multiple of 128.
    n_bins : int
        Output bins, those in the middle; the rest of the tokens is cropped, half on each side.
    n_tracks : int
        Outputs of the human head.
    channel_multiple : int
        The widths of the convolution tower are rounded to a multiple of this.
    tabulated_gamma : bool
        Whether the gamma position features come from the table that the published weights need
        (1,536 tokens only) instead of being computed.
    """

    dim: int
    depth: int
    heads: int
    window: int
    n_bins: int
    n_tracks: int
    channel_multiple: int = 128
    tabulated_gamma: bool = False

    def __post_init__(self) -> None:
        if self.window % BIN_SIZE:
            raise ValueError(f"window is {self.window} bases, not a multiple of {BIN_SIZE}")
        if not 0 < self.n_bins <= self.n_tokens or (self.n_tokens - self.n_bins) % 2:
            raise ValueError(f"{self.n_bins} bins do not lie in the middle of {self.n_tokens} tokens")
        if self.tabulated_gamma and not self.has_table:
            raise ValueError(
                f"gamma position features are tabulated for {TABULATED_TOKENS:,} tokens and {TABULATED_FEATURES} features "
                f"a head, not for {self.n_tokens:,} and {self.dim // self.heads}"
            )

    @property
    def n_tokens(self) -> int:
        """Positions of the transformer, one per 128 bases."""
        return self.window // BIN_SIZE

    @property
    def has_table(self) -> bool:
        """Whether gamma position features are tabulated for this shape."""
        return (self.n_tokens, self.dim // self.heads) == (TABULATED_TOKENS, TABULATED_FEATURES)

    @property
    def position_features(self) -> str:
        """Where the attention's position features come from, in words."""
        return f"gamma {'tabulated' if self.tabulated_gamma else 'computed'}"

    @property
    def cropped(self) -> int:
        """Tokens cropped on each side of the output."""
        return (self.n_tokens - self.n_bins) // 2

    def centre_bins(self, n: int) -> range:
        """The ``n`` bins in the middle of the output.

        The TSS base is the first of the right half: it lies in bin ``n_bins / 2``, and in the bin before it in the
        reverse complement, so that a set is symmetric when ``n`` is even (443..452 of 896 for ten).

        Raises
        ------
        ValueError
            If ``n`` is not an even number from 2 to ``n_bins``.
        """
        if not 2 <= n <= self.n_bins or n % 2:
            raise ValueError(f"{n} centre bins of {self.n_bins}: must be even, from 2 to {self.n_bins}")
        middle = self.n_bins // 2
        return range(middle - n // 2, middle + n // 2)

    def check_bins(self, bins: Sequence[int]) -> None:
        """Raise ValueError if ``bins`` is empty or has a bin outside the output."""
        if len(bins) == 0:
            raise ValueError("no output bin given")
        outside = [b for b in bins if not 0 <= b < self.n_bins]
        if outside:
            raise ValueError(f"bin {outside[0]} lies outside the output of {self.n_bins} bins")


#: ``tiny`` runs a cohort in a minute on a laptop; ``small`` has the published window; ``full`` is the published model.
PRESETS = {
    "tiny": Geometry(dim=96, depth=2, heads=4, window=16_384, n_bins=96, n_tracks=64, channel_multiple=8),
    "small": Geometry(dim=384, depth=4, heads=8, window=196_608, n_bins=896, n_tracks=5_313),
    "full": Geometry(dim=1_536, depth=11, heads=8, window=196_608, n_bins=896, n_tracks=5_313),
}
