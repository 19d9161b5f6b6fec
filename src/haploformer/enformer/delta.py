"""The transformer on differences from a reference: what people differ by, at half the width of its numbers.

Half-precision products of whole activations lose 8 to 38 % of what two haplotypes differ by, while the tracks look fine.
Here the reference runs in float32, and each layer's algebra is written for the difference d = x - x0, so that the products
in half precision are of d alone, and no difference of their rounded results is taken. In float64 it is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from haploformer.enformer.devices import in_batches
from haploformer.enformer.trunk import QUERIES, Layer, SharedTrunk, normalise


@dataclass(frozen=True)
class _Reference:
    """What one layer holds of the reference (all of one window).

    Attributes
    ----------
    x, normed : Tensor (n_tokens, dim)
        The layer's input, and its LayerNorm.
    query, key, value : Tensor (heads, n_tokens, size)
        Queries with the content bias.
    logits : Tensor (heads, n_tokens, n_tokens)
        Of the attention, in the reference's precision.
    middle, middle_normed : Tensor (n_tokens, dim)
        Behind the attention, and its LayerNorm.
    hidden, rectified : Tensor (n_tokens, 2 dim)
        Of the feed-forward part, before and behind its ReLU.
    """

    x: Tensor
    normed: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    logits: Tensor
    middle: Tensor
    middle_normed: Tensor
    hidden: Tensor
    rectified: Tensor


class _DeltaLayer:
    """A layer's weights in the precision of differences."""

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        self.layer = layer
        self.dtype = dtype
        self.joined = layer.joined.weight.to(dtype)
        self.distances = layer.distances.to(dtype)
        self.out = layer.out.weight.to(dtype)
        self.widen = layer.widen.weight.to(dtype)
        self.narrow = layer.narrow.weight.to(dtype)

    def reference(self, x: Tensor) -> tuple[_Reference, Tensor]:
        """What is held of the reference's tokens (n_tokens, dim), and the next layer's."""
        layer = self.layer
        query, key, value = (layer.by_head(part[None])[0] for part in layer.project(x).split(layer.sizes, dim=-1))
        logits = layer.logits(query[None], key[None])[0]
        weights = torch.softmax(logits, -1)
        attended = torch.bmm(weights, value).transpose(0, 1).flatten(1)
        middle = x + functional.linear(attended, layer.out.weight, layer.out.bias)
        middle_normed = normalise(middle)
        hidden = functional.linear(middle_normed, layer.widen.weight, layer.widen.bias)
        rectified = hidden.relu()
        held = _Reference(
            x=x,
            normed=normalise(x),
            query=(query + layer.content_bias).to(self.dtype),
            key=key.contiguous(),
            value=value.contiguous(),
            logits=logits,
            middle=middle,
            middle_normed=middle_normed,
            hidden=hidden,
            rectified=rectified,
        )
        return held, middle + functional.linear(rectified, layer.narrow.weight, layer.narrow.bias)

    def forward(self, held: _Reference, difference: Tensor) -> Tensor:
        """The next layer's differences (n_windows, n_tokens, dim)."""
        changed = (normalise(held.x + difference) - held.normed).to(self.dtype)
        projected = functional.linear(changed, self.joined)
        query, key, value = (self.layer.by_head(part) for part in projected.split(self.layer.sizes, dim=-1))
        attended = self._attend(held, query, key, value).transpose(1, 2).flatten(2)
        difference = difference + functional.linear(attended, self.out)
        changed = (normalise(held.middle + difference) - held.middle_normed).to(self.dtype)
        rectified = (held.hidden + functional.linear(changed, self.widen)).relu_() - held.rectified
        return difference + functional.linear(rectified.to(self.dtype), self.narrow)

    def _attend(self, held: _Reference, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Difference of what is attended to, from those of queries, keys and values."""
        n_windows, heads, n_tokens, _ = query.shape
        dtype = self.dtype
        new_key, new_value = (held.key + key).to(dtype), (held.value + value).to(dtype)
        # q1 k1 - q0 k0 = dq k1 + q0 dk
        left = torch.cat([query, held.query.expand(n_windows, -1, -1, -1)], dim=3).flatten(0, 1)
        right = torch.cat([new_key, key], dim=3).transpose(2, 3).flatten(0, 1)
        # A1 v1 - A0 v0 = dA v1 + A0 dv
        values = torch.cat([new_value, value], dim=2).flatten(0, 1)
        out = values.new_empty(n_windows * heads, n_tokens, values.shape[2])
        for start in range(0, n_tokens, QUERIES):
            n = min(QUERIES, n_tokens - start)
            shifted = self.layer.shifted(query[:, :, start : start + n], self.distances, start)
            logits = torch.baddbmm(shifted, left[:, start : start + n], right).unflatten(0, (n_windows, heads))
            # In the reference's precision. Written as A0 (exp(dl) - 1), normalised, the difference is not: the norm is near
            # 0 where a query turns to other keys.
            old = held.logits[:, start : start + n]
            weights = torch.softmax(old, -1)
            changed = (torch.softmax(old + logits, -1) - weights).to(dtype).flatten(0, 1)
            weights = weights.to(dtype).repeat(n_windows, 1, 1)
            out[:, start : start + n] = torch.bmm(torch.cat([changed, weights], dim=2), values)
        return out.unflatten(0, (n_windows, heads))


class DeltaTrunk:
    """A trunk for windows that differ little from a reference window.

    Parameters
    ----------
    trunk : SharedTrunk
        In float32 (or float64): the reference, the last layer and the head run through it.
    dtype : torch.dtype
        Of the products of differences.
    """

    def __init__(self, trunk: SharedTrunk, *, dtype: torch.dtype = torch.bfloat16) -> None:
        self.trunk = trunk
        self._layers = [_DeltaLayer(layer, dtype) for layer in trunk.layers[:-1]]
        self._held: list[_Reference] = []
        self._last = torch.empty(0)

    def set_reference(self, tokens: Tensor) -> None:
        """Run the reference's tokens (n_tokens, dim) through all layers but the last, and hold what comes out."""
        self._held = []
        x = tokens
        for layer in self._layers:
            held, x = layer.reference(x)
            self._held.append(held)
        self._first, self._last = tokens, x

    def compute(
        self, tokens: Tensor, numbers: Tensor, *, bins: Sequence[int], tracks: Sequence[int], batch_size: int
    ) -> Tensor:
        """As `haploformer.enformer.trunk.SharedTrunk.compute`, of windows that differ from the reference."""

        def predict(batch: Tensor) -> Tensor:
            difference = tokens[batch] - self._first
            for layer, held in zip(self._layers, self._held, strict=True):
                difference = layer.forward(held, difference)
            return self.trunk.finish(self._last + difference, bins=bins, tracks=tracks)

        return in_batches(predict, numbers.to(tokens.device), batch_size)
