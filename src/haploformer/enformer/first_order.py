"""The transformer linearised round a reference: a backward pass per track, then a dot product per distinct token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from haploformer.enformer.trunk import SharedTrunk

#: Differing tokens whose differences are held at once.
CHUNK = 4096


class FirstOrderTrunk:
    """Coverage of a reference window, and the gradient of its mean over some bins by the reference's tokens.

    Parameters
    ----------
    trunk : SharedTrunk
        Its weights made outside of inference mode, as gradients pass through them.
    """

    def __init__(self, trunk: SharedTrunk) -> None:
        self.trunk = trunk
        #: Of the reference, (n_bins, n_tracks).
        self.coverage = torch.empty(0)
        #: (n_tracks, n_tokens, dim)
        self.gradients = torch.empty(0)

    def set_reference(self, tokens: Tensor, *, bins: Sequence[int], tracks: Sequence[int]) -> None:
        """Run the reference's tokens (n_tokens, dim) forward once, and backward once per track."""
        with torch.inference_mode(False), torch.enable_grad():
            x = tokens.clone().requires_grad_()
            coverage = self.trunk.forward(x[None], bins=bins, tracks=tracks)[0]
            means = coverage.mean(0)
            last = len(means) - 1
            gradients = [torch.autograd.grad(mean, x, retain_graph=i < last)[0] for i, mean in enumerate(means)]
        self.coverage, self.gradients = coverage.detach(), torch.stack(gradients)

    def differences(self, tokens: Tensor, numbers: Tensor) -> Tensor:
        """First-order difference of the mean over the bins between windows and the reference.

        Parameters
        ----------
        tokens : Tensor (n_distinct, dim)
            The tower's output.
        numbers : int Tensor (1 + n_windows, n_tokens)
            Which token is which, the reference before the windows.

        Returns
        -------
        float64 Tensor (n_windows, n_tracks)
        """
        window, place = torch.nonzero(numbers[1:] != numbers[0], as_tuple=True)
        n_tokens = numbers.shape[1]
        # The same token at the same place, in however many windows.
        distinct, which = torch.unique(numbers[1:][window, place] * n_tokens + place, return_inverse=True)
        entry, at = distinct // n_tokens, distinct % n_tokens
        found = tokens.new_zeros(len(distinct), len(self.gradients), dtype=torch.float64)
        for start in range(0, len(distinct), CHUNK):
            part = slice(start, start + CHUNK)
            changed = tokens[entry[part]] - tokens[numbers[0, at[part]]]  # (n, dim)
            for track, gradient in enumerate(self.gradients):
                found[part, track] = (changed * gradient[at[part]]).sum(1, dtype=torch.float64)
        total = found.new_zeros(len(numbers) - 1, len(self.gradients))
        return total.index_add_(0, window, found[which])
