"""Stem and convolution tower of Enformer on distinct positions only, exactly as enformer-pytorch computes them.

A convolution over five positions that are rows of a table is a matrix product over those rows, side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from haploformer.enformer.tower_plan import CHILDREN, FIRST_BASES, TowerPlan
from haploformer.genome.encoding import N_CODES, one_hot

#: Positions computed at once: the rows gathered for them stay in the cache.
CHUNK = 2048


def gelu(x: Tensor) -> Tensor:
    """enformer-pytorch's GELU, ``x * sigmoid(1.702 x)``."""
    gate = torch.sigmoid(1.702 * x)
    return gate * x if gate.requires_grad else gate.mul_(x)


@dataclass(frozen=True)
class Normalisation:
    """A BatchNorm in evaluation mode: ``scale * x + shift`` (n_channels,)."""

    scale: Tensor
    shift: Tensor

    @staticmethod
    def of(norm: nn.BatchNorm1d) -> Normalisation:
        """Fold mean, variance, weight and bias, in float64: what is rounded here is wrong everywhere alike."""
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        shift = norm.bias.double() - norm.running_mean.double() * scale
        return Normalisation(scale.to(norm.weight.dtype), shift.to(norm.weight.dtype))

    def activate(self, x: Tensor) -> Tensor:
        """GELU of the normalised rows (n, n_channels)."""
        return gelu(torch.addcmul(self.shift, x, self.scale))


@dataclass(frozen=True)
class _Level:
    """What turns two neighbouring positions into one.

    Attributes
    ----------
    weight : Tensor (n_inputs, n_channels)
        The convolution, its positions one after the other.
    bias : Tensor (n_channels,)
    norm, point_weight, point_bias
        The residual convolution over one position: (n_channels, n_channels).
    pool_weight : Tensor (n_channels, n_channels)
        Logits of the attention between the two.
    """

    weight: Tensor
    bias: Tensor
    norm: Normalisation
    point_weight: Tensor
    point_bias: Tensor
    pool_weight: Tensor

    @staticmethod
    def of(convolution: nn.Conv1d, residual: Any, pool: Any) -> _Level:
        norm, _, point = residual
        assert convolution.bias is not None
        return _Level(
            weight=convolution.weight.permute(2, 1, 0).flatten(0, 1).contiguous(),
            bias=convolution.bias,
            norm=Normalisation.of(norm),
            point_weight=point.weight[:, :, 0].T.contiguous(),
            point_bias=point.bias,
            pool_weight=pool.to_attn_logits.weight[:, :, 0, 0].T.contiguous(),
        )

    def compute(self, inputs: Tensor, shift: int) -> Tensor:
        """One position from the inputs of two neighbours, which lie ``shift`` numbers apart: (n, n_channels)."""
        n, width = len(inputs), len(self.weight)
        pair = inputs.new_empty(n, 2, len(self.bias))
        for i in range(2):
            pair[:, i] = torch.addmm(self.bias, inputs[:, i * shift : i * shift + width], self.weight)
        rows = pair.view(2 * n, -1)
        rows = torch.addmm(self.point_bias, self.norm.activate(rows), self.point_weight).add_(rows)
        logits = (rows @ self.pool_weight).view(n, 2, -1)
        pair = rows.view(n, 2, -1)
        # A softmax over two.
        return torch.lerp(pair[:, 1], pair[:, 0], torch.sigmoid(logits[:, 0] - logits[:, 1]))


class SharedTower:
    """Stem and tower of a module, for the entries of a plan.

    Parameters
    ----------
    module : Enformer
        An Enformer in evaluation mode.
    """

    def __init__(self, module: Any) -> None:
        convolution, residual, pool = module.stem
        self._levels = [_Level.of(convolution, residual.fn, pool)]
        #: What is done to the rows of each level's table before the next convolution.
        self._norms: list[Normalisation] = []
        for block, residual, pool in module.conv_tower:
            norm, _, convolution = block
            self._norms.append(Normalisation.of(norm))
            self._levels.append(_Level.of(convolution, residual.fn, pool))

    def compute(self, plan: TowerPlan) -> Tensor:
        """The distinct tokens, (n_entries of the last level, dim)."""
        first = self._levels[0]
        table = self._table(len(plan.first_bases), first)
        codes = torch.from_numpy(plan.first_bases).to(table.device)
        hot = torch.from_numpy(one_hot(np.arange(N_CODES, dtype=np.uint8))).to(table)
        for start in range(0, len(codes), CHUNK):
            bases = hot[codes[start : start + CHUNK].int()]
            rows = first.compute(bases.view(len(bases), 4 * FIRST_BASES), shift=4)
            table[start : start + len(rows)] = self._norms[0].activate(rows)
        for number, (level, children) in enumerate(zip(self._levels[1:], plan.children, strict=True), start=1):
            # What lies outside of the window is the last row: zeros after the activation, as the library pads.
            below = torch.from_numpy(children).to(table.device) % len(table)
            width = table.shape[1]
            last = number == len(self._norms)
            computed = self._table(len(below), level)
            for start in range(0, len(below), CHUNK):
                part = below[start : start + CHUNK]
                rows = table[part.flatten()].view(len(part), CHILDREN * width)
                rows = level.compute(rows, shift=width)
                computed[start : start + len(rows)] = rows if last else self._norms[number].activate(rows)
            table = computed
        return table[:-1]

    @staticmethod
    def _table(n: int, level: _Level) -> Tensor:
        """Room for ``n`` rows, and a last one of zeros."""
        table = level.bias.new_empty(n + 1, len(level.bias))
        table[n] = 0
        return table
