"""Transformer and head of Enformer for tokens of which many are shared, exactly as enformer-pytorch computes them.

The same algebra with less of it: the last layer has queries for the wanted bins only, the first layer's keys, queries and
values are computed once per distinct token, position features once per length, and LayerNorm's weights, the scale of
queries and biases are folded into the matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from enformer_pytorch.modeling_enformer import Attention, get_positional_embed
from torch import Tensor, nn
from torch.nn import functional

from haploformer.enformer.devices import in_batches
from haploformer.enformer.geometry import Geometry
from haploformer.enformer.tower import Normalisation, gelu

#: Queries of which logits are held at once.
QUERIES = 128

#: With fewer wanted bins than these, the last layer's keys and values are not formed.
FEW_QUERIES = 96


def normalise(x: Tensor) -> Tensor:
    """LayerNorm without weight and bias, which are folded into what follows."""
    return functional.layer_norm(x, (x.shape[-1],))


@dataclass(frozen=True)
class _Linear:
    """A linear layer on LayerNorm's output, the norm's weight and bias folded in."""

    weight: Tensor
    bias: Tensor

    @staticmethod
    def of(norm: nn.LayerNorm, linear: nn.Linear, *, scale: float = 1.0) -> _Linear:
        assert norm.eps == 1e-5, "the folded norm has the default epsilon"
        # In float64: what is rounded here is wrong everywhere alike.
        weight, dtype = linear.weight.double(), linear.weight.dtype
        bias = weight @ norm.bias.double()
        if linear.bias is not None:
            bias = bias + linear.bias.double()
        return _Linear((weight * norm.weight.double() * scale).to(dtype), (bias * scale).to(dtype))


class Layer:
    """One layer of the transformer.

    Parameters
    ----------
    block : nn.Sequential
        enformer-pytorch's pair of residual blocks: attention, feed-forward.
    n_tokens : int
    """

    def __init__(self, block: Any, n_tokens: int) -> None:
        norm, attention, _ = block[0].fn
        assert isinstance(attention, Attention)
        self.heads = int(attention.heads)
        parts = [
            _Linear.of(norm, attention.to_q, scale=attention.scale),
            _Linear.of(norm, attention.to_k),
            _Linear.of(norm, attention.to_v),
        ]
        self.sizes = [len(part.bias) for part in parts]
        self.joined = _Linear(torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts]))
        # Views: nothing is held twice.
        self.query, self.key, self.value = (
            _Linear(weight, bias)
            for weight, bias in zip(
                self.joined.weight.split(self.sizes), self.joined.bias.split(self.sizes), strict=True
            )
        )
        # (heads, 1, dim_key)
        self.content_bias, self.position_bias = attention.rel_content_bias[0], attention.rel_pos_bias[0]
        features = get_positional_embed(
            n_tokens,
            attention.num_rel_pos_features,
            self.query.weight.device,
            attention.use_tf_gamma,
            dtype=self.query.weight.dtype,
        )
        # (heads, dim_key, 2 n_tokens - 1)
        self.distances = self.by_head(attention.to_rel_k(features)[None])[0].transpose(1, 2).contiguous()
        self.out = attention.to_out
        norm, first, _, _, second, _ = block[1].fn
        self.widen, self.narrow = _Linear.of(norm, first), second

    def project(self, x: Tensor) -> Tensor:
        """Queries, keys and values of tokens (..., dim), side by side."""
        return functional.linear(normalise(x), self.joined.weight, self.joined.bias)

    def forward(self, x: Tensor, projected: Tensor, wanted: Sequence[int] | None = None) -> Tensor:
        """The next layer's tokens.

        Parameters
        ----------
        x : Tensor (n_windows, n_tokens, dim)
        projected : Tensor (n_windows, n_tokens, sum of sizes)
            What `project` gives.
        wanted : sequence of int, optional
            The only tokens that are wanted.
        """
        query, key, value = (self.by_head(part) for part in projected.split(self.sizes, dim=-1))
        if wanted is None:
            attended = self._attend(query, key.transpose(2, 3), value)
        else:
            attended = self._attend_some(query[:, :, wanted], wanted, key, value)
            x = x[:, wanted]
        return self._finish(x, attended.transpose(1, 2).flatten(2))

    def forward_few(self, x: Tensor, wanted: Sequence[int]) -> Tensor:
        """Few wanted tokens: their queries meet the normalised tokens, and no key or value is formed."""
        n_windows, n_tokens, dim = x.shape
        tokens = normalise(x)
        query = self.by_head(functional.linear(tokens[:, wanted], self.query.weight, self.query.bias))
        key = self.key.weight.view(self.heads, -1, dim)
        value = self.value.weight.view(self.heads, -1, dim)
        # A key's bias meets every token of a query alike, and falls out of the softmax.
        content = torch.matmul(query + self.content_bias, key)  # (n_windows, heads, n_wanted, dim)
        logits = content.flatten(1, 2) @ tokens.transpose(1, 2)
        logits = logits.view(n_windows, self.heads, len(wanted), n_tokens) + self._distance_logits(query, wanted)
        weights = torch.softmax(logits, -1)
        mean = (weights.flatten(1, 2) @ tokens).view(n_windows, self.heads, len(wanted), dim)
        attended = torch.matmul(mean, value.transpose(1, 2))  # (n_windows, heads, n_wanted, dim_value)
        attended = attended.transpose(1, 2).flatten(2) + self.value.bias
        return self._finish(x[:, wanted], attended)

    def _finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + functional.linear(attended, self.out.weight, self.out.bias)
        hidden = functional.linear(normalise(x), self.widen.weight, self.widen.bias).relu_()
        return x + functional.linear(hidden, self.narrow.weight, self.narrow.bias)

    def by_head(self, x: Tensor) -> Tensor:
        """(n_windows, n_tokens, heads * size) -> (n_windows, heads, n_tokens, size)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of all tokens, some queries at a time: (n_windows, heads, n_tokens, dim_value)."""
        n_windows, heads, n_tokens, _ = query.shape
        with_content, with_position = query + self.content_bias, query + self.position_bias
        key, value = key.flatten(0, 1), value.flatten(0, 1)
        out = torch.empty_like(value, memory_format=torch.contiguous_format)
        for start in range(0, n_tokens, QUERIES):
            n = min(QUERIES, n_tokens - start)
            shifted = self.shifted(with_position[:, :, start : start + n], self.distances, start)
            logits = torch.baddbmm(shifted, with_content[:, :, start : start + n].flatten(0, 1), key)
            out[:, start : start + n] = torch.bmm(torch.softmax(logits, -1), value)
        return out.unflatten(0, (n_windows, heads))

    @staticmethod
    def shifted(query: Tensor, distances: Tensor, start: int) -> Tensor:
        """Logits by distance of the queries from ``start`` on, (n_windows * heads, n, n_tokens).

        Parameters
        ----------
        query : Tensor (n_windows, heads, n, dim_key)
        distances : Tensor (heads, dim_key, 2 n_tokens - 1)
        """
        n_windows, heads, n, _ = query.shape
        n_tokens = (distances.shape[2] + 1) // 2
        # Query i and key j are a distance of j - i apart: of the block, n_tokens + n - 1 distances are met.
        width = n_tokens + n - 1
        first = n_tokens - 1 - (start + n - 1)
        by_distance = torch.matmul(query, distances[:, :, first : first + width])
        # Each query's row begins one distance further left: a view, no copy.
        return by_distance.flatten(0, 1).as_strided(
            (n_windows * heads, n, n_tokens), (n * width, width - 1, 1), by_distance.storage_offset() + n - 1
        )

    def logits(self, query: Tensor, key: Tensor) -> Tensor:
        """All logits of the attention (n_windows, heads, n_tokens, n_tokens)."""
        by_distance = self.shifted(query + self.position_bias, self.distances, 0).unflatten(0, query.shape[:2])
        return torch.matmul(query + self.content_bias, key.transpose(2, 3)) + by_distance

    def _attend_some(self, query: Tensor, wanted: Sequence[int], key: Tensor, value: Tensor) -> Tensor:
        logits = torch.matmul(query + self.content_bias, key.transpose(2, 3)) + self._distance_logits(query, wanted)
        return torch.matmul(torch.softmax(logits, -1), value)

    def _distance_logits(self, query: Tensor, wanted: Sequence[int]) -> Tensor:
        """Logits of queries (n_windows, heads, n_wanted, dim_key) by distance: (n_windows, heads, n_wanted, n_tokens)."""
        n_tokens = (self.distances.shape[2] + 1) // 2
        query = query + self.position_bias
        rows = [
            torch.matmul(query[:, :, i : i + 1], self.distances[:, :, n_tokens - 1 - token : 2 * n_tokens - 1 - token])
            for i, token in enumerate(wanted)
        ]
        return torch.cat(rows, dim=2)


class SharedTrunk:
    """Transformer, final convolution and head of a module.

    Parameters
    ----------
    module : Enformer
        An Enformer in evaluation mode.
    geometry : Geometry
    head : str
        Name of the head.
    """

    def __init__(self, module: Any, geometry: Geometry, head: str) -> None:
        self.geometry = geometry
        self.layers = [Layer(block, geometry.n_tokens) for block in module.transformer]
        norm, _, convolution = module.final_pointwise[1]
        self._norm = Normalisation.of(norm)
        self._pointwise = (convolution.weight[:, :, 0], convolution.bias)
        self._head = module.heads[head][0]

    def compute(
        self, tokens: Tensor, numbers: Tensor, *, bins: Sequence[int], tracks: Sequence[int], batch_size: int
    ) -> Tensor:
        """Predicted coverage.

        Parameters
        ----------
        tokens : Tensor (n_distinct, dim)
            The tower's output.
        numbers : int Tensor (n_windows, n_tokens)
            Which token is which.
        bins, tracks : sequence of int
            Outputs wanted.
        batch_size : int
            Windows at once, fewer where they do not fit the memory.

        Returns
        -------
        Tensor (n_windows, n_bins, n_tracks)
            On the CPU.
        """
        wanted = [self.geometry.cropped + b for b in bins]
        # Where there is one layer, it is the last.
        projected = self.layers[0].project(tokens) if len(self.layers) > 1 or len(wanted) >= FEW_QUERIES else None

        def predict(batch: Tensor) -> Tensor:
            return self._predict(tokens[batch], None if projected is None else projected[batch], wanted, tracks)

        return in_batches(predict, numbers.to(tokens.device), batch_size)

    def _predict(self, x: Tensor, projected: Tensor | None, wanted: Sequence[int], tracks: Sequence[int]) -> Tensor:
        for layer in self.layers[:-1]:
            x = layer.forward(x, layer.project(x) if projected is None else projected)
            projected = None
        return self._finish(x, projected, wanted, tracks)

    def forward(self, x: Tensor, *, bins: Sequence[int], tracks: Sequence[int]) -> Tensor:
        """Predicted coverage from tokens (n_windows, n_tokens, dim), which gradients may be taken by."""
        return self._predict(x, None, [self.geometry.cropped + b for b in bins], tracks)

    def finish(self, x: Tensor, *, bins: Sequence[int], tracks: Sequence[int]) -> Tensor:
        """Predicted coverage from the last layer's input (n_windows, n_tokens, dim)."""
        return self._finish(x, None, [self.geometry.cropped + b for b in bins], tracks)

    def _finish(self, x: Tensor, projected: Tensor | None, wanted: Sequence[int], tracks: Sequence[int]) -> Tensor:
        last = self.layers[-1]
        if len(wanted) < FEW_QUERIES:
            x = last.forward_few(x, wanted)
        else:
            x = last.forward(x, last.project(x) if projected is None else projected, wanted)
        x = gelu(functional.linear(self._norm.activate(x), *self._pointwise))
        every = len(tracks) == len(self._head.bias) and list(tracks) == list(range(len(tracks)))
        chosen = slice(None) if every else list(tracks)
        return functional.softplus(functional.linear(x, self._head.weight[chosen], self._head.bias[chosen]))
