"""The network itself: enformer-pytorch's module with a human head only, and untrained weights that do not hide errors."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import cache

import torch
from enformer_pytorch.modeling_enformer import Attention, AttentionPool, Enformer
from torch import Tensor, nn

from haploformer.enformer.geometry import Geometry

HEAD = "human"

#: Length and number of the random windows on which BatchNorm statistics of untrained weights are measured.
CALIBRATION_LENGTH = 16_384
CALIBRATION_WINDOWS = 2


def build_module(geometry: Geometry) -> Enformer:
    """An Enformer of this geometry in evaluation mode, its weights not yet set."""
    module = Enformer.from_hparams(
        dim=geometry.dim,
        depth=geometry.depth,
        heads=geometry.heads,
        output_heads={HEAD: geometry.n_tracks},
        target_length=geometry.n_bins,
        dim_divisible_by=geometry.channel_multiple,
        use_tf_gamma=geometry.tabulated_gamma,
    )
    return module.eval().requires_grad_(False)


def canonical_name(name: str) -> str | None:
    """A weight's own name, or None for what a checkpoint holds beside the weights of the human model.

    enformer-pytorch lists the trunk a second time under ``_trunk``; a checkpoint may hold either listing, or both. Other
    heads (mouse) and the counters of BatchNorm are not used.
    """
    if name.endswith("num_batches_tracked") or (name.startswith("_heads.") and not name.startswith(f"_heads.{HEAD}.")):
        return None
    for listed, own in _trunk_names().items():
        if name.startswith(listed):
            return own + name.removeprefix(listed)
    return name


@cache
def _trunk_names() -> dict[str, str]:
    """Prefix of each part in the trunk's listing, and its own prefix: ``_trunk.1.`` is ``stem.``, and so on."""
    with torch.device("meta"):
        module = build_module(Geometry(dim=12, depth=1, heads=1, window=128, n_bins=1, n_tracks=1, channel_multiple=1))
    own = {part: name for name, part in module.named_children() if name != "_trunk"}
    return {f"_trunk.{i}.": f"{own[part]}." for i, part in module._trunk.named_children() if part in own}


def canonical_state(module: nn.Module) -> dict[str, Tensor]:
    """The weights, each once and under its own name."""
    return {name: value.contiguous() for name, value in module.state_dict().items() if canonical_name(name) == name}


def module_with(geometry: Geometry, state: Mapping[str, Tensor]) -> Enformer:
    """An Enformer whose weights are the tensors of ``state`` themselves; errors as in `load_state`."""
    with torch.device("meta"):
        module = build_module(geometry)
    load_state(module, state, assign=True)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.num_batches_tracked = torch.zeros((), dtype=torch.long)
    return module


def load_state(module: nn.Module, state: Mapping[str, Tensor], *, assign: bool = False) -> None:
    """Set every weight of ``module`` from ``state``; the keys and shapes must be those of ``canonical_state``.

    Parameters
    ----------
    assign : bool
        Take the tensors themselves instead of copying what is in them.

    Raises
    ------
    ValueError
        If a key is missing, unknown or misshapen; the first of each is named.
    """
    expected = canonical_state(module)
    missing = [k for k in expected if k not in state]
    unknown = [k for k in state if k not in expected]
    if missing or unknown:
        raise ValueError(
            f"{len(missing)} weights missing (first: {missing[:1]}), {len(unknown)} unknown (first: {unknown[:1]})"
        )
    misshapen = [k for k in expected if expected[k].shape != state[k].shape]
    if misshapen:
        k = misshapen[0]
        raise ValueError(f"weight {k} has shape {tuple(state[k].shape)}, expected {tuple(expected[k].shape)}")
    # Not strict: the trunk's second listing shares its tensors with the first, so filling one fills both.
    module.load_state_dict(dict(state), strict=False, assign=assign)


def weights_sha256(state: Mapping[str, Tensor]) -> str:
    """sha256 of names, shapes and little-endian bytes of all weights, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def untrained_module(geometry: Geometry, seed: int) -> Enformer:
    """An Enformer with random weights that react to the sequence.

    A freshly initialised Enformer predicts nearly the same for everybody: its attention output is zero, and its
    BatchNorm statistics belong to no data, so that signals die in the tower. Here convolutions keep the variance,
    attention outputs are non-zero, and BatchNorm statistics are measured on random windows that come from ``seed``.
    They are rounded to 8 significant bits, so that all machines get the same bytes whatever order they sum in.

    Parameters
    ----------
    geometry : Geometry
    seed : int
        The only source of randomness; no global generator is touched.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build_module(geometry)
    with torch.no_grad():
        for part in module.modules():
            _randomise(part, generator)
        _calibrate_batch_norms(module, generator)
        # Softplus is curved but not flat around 1: tracks neither saturate nor vanish.
        module.heads[HEAD][0].bias.fill_(1.0)
    return module.eval()


def _randomise(part: nn.Module, generator: torch.Generator) -> None:
    """Variance-preserving convolutions, small linear layers, non-zero attention outputs."""
    if isinstance(part, nn.Conv1d):
        fan_in = part.in_channels * part.kernel_size[0]
        part.weight.normal_(0, math.sqrt(1.5 / fan_in), generator=generator)
        assert part.bias is not None, "every convolution of Enformer has a bias"
        part.bias.normal_(0, 0.1, generator=generator)
    elif isinstance(part, nn.Linear):
        part.weight.normal_(0, 1 / math.sqrt(part.in_features), generator=generator)
        if part.bias is not None:
            part.bias.normal_(0, 0.02, generator=generator)
    elif isinstance(part, AttentionPool):
        logits = part.to_attn_logits
        logits.weight.add_(torch.randn(logits.weight.shape, generator=generator), alpha=0.3 / logits.in_channels**0.5)
    elif isinstance(part, Attention):
        part.rel_content_bias.normal_(0, 1, generator=generator)
        part.rel_pos_bias.normal_(0, 1, generator=generator)


def _calibrate_batch_norms(module: Enformer, generator: torch.Generator) -> None:
    """Set each BatchNorm's statistics to those of random windows, rounded so that machines agree."""
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm1d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    target_length = module.trunk[-2].target_length
    tabulated = [part for part in module.modules() if isinstance(part, Attention) and part.use_tf_gamma]
    for attention in tabulated:
        attention.use_tf_gamma = False
    module.set_target_length(-1)
    bases = torch.randint(0, 4, (CALIBRATION_WINDOWS, CALIBRATION_LENGTH), generator=generator)
    module(nn.functional.one_hot(bases, 4).float())
    module.set_target_length(target_length)
    for attention in tabulated:
        attention.use_tf_gamma = True
    for norm in norms:
        norm.eval()
        norm.momentum = 0.1
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(_rounded(norm.running_mean, scale=norm.running_var.sqrt()))
        norm.running_var.copy_(_significant_bits(norm.running_var))


def _significant_bits(values: Tensor, bits: int = 8) -> Tensor:
    mantissa, exponent = torch.frexp(values)
    return torch.ldexp(torch.round(mantissa * 2**bits) / 2**bits, exponent)


def _rounded(values: Tensor, *, scale: Tensor, bits: int = 6) -> Tensor:
    """Round to a grid of ``scale`` (itself rounded to a power of two) over ``2**bits``."""
    grid = torch.exp2(torch.floor(torch.log2(scale)) - bits)
    return torch.round(values / grid) * grid
