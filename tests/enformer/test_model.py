"""Untrained weights that react to the sequence, and weights from files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from enformer_pytorch.modeling_enformer import Attention
from torch import nn

from haploformer.enformer.geometry import Geometry
from haploformer.enformer.model import (
    HEAD,
    build_module,
    canonical_name,
    canonical_state,
    load_state,
    module_with,
    untrained_module,
    weights_sha256,
)

SMALL = Geometry(dim=48, depth=2, heads=4, window=2048, n_bins=8, n_tracks=5, channel_multiple=8)


@pytest.fixture(scope="module")
def module():
    return untrained_module(SMALL, seed=3)


def windows(n: int, seed: int = 0) -> torch.Tensor:
    """Random one-hot windows (n, 2048, 4)."""
    bases = np.random.default_rng(seed).integers(0, 4, (n, SMALL.window))
    return torch.from_numpy(np.eye(4, dtype=np.float32)[bases])


def predict(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return module(x)[HEAD]


def test_build_module__output_of_the_geometry():
    module = build_module(SMALL)
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert predict(module, windows(2)).shape == (2, 8, 5)


def test_untrained_module__the_seed_decides_and_nothing_else(module):
    sha256 = weights_sha256(canonical_state(module))
    torch.manual_seed(99)
    assert weights_sha256(canonical_state(untrained_module(SMALL, seed=3))) == sha256
    torch.manual_seed(100)
    assert weights_sha256(canonical_state(untrained_module(SMALL, seed=3))) == sha256
    assert weights_sha256(canonical_state(untrained_module(SMALL, seed=4))) != sha256


def test_untrained_module__leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    untrained_module(SMALL, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_untrained_module__every_attention_puts_something_out(module):
    outputs = []
    hooks = [
        part.register_forward_hook(lambda part, given, output: outputs.append(output))
        for part in module.modules()
        if isinstance(part, Attention)
    ]
    predict(module, windows(1))
    for hook in hooks:
        hook.remove()
    assert len(outputs) == SMALL.depth
    for output in outputs:
        assert (output.abs() > 1e-4).float().mean() > 0.99


def test_build_module__a_fresh_attention_puts_out_nothing():
    # The failing example: what enformer-pytorch starts from.
    module = build_module(SMALL)
    attention = next(part for part in module.modules() if isinstance(part, Attention))
    assert (attention(torch.randn(1, 16, SMALL.dim)) == 0).all()


def test_untrained_module__batch_norms_know_the_data(module):
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm1d)]
    assert len(norms) > 10
    for norm in norms:
        assert not norm.training
        assert (norm.running_mean.abs() > 0).float().mean() > 0.9
        assert ((norm.running_var - 1).abs() > 1e-3).float().mean() > 0.9
        assert norm.momentum == 0.1


def test_untrained_module__signals_reach_the_output(module):
    x = windows(1)
    changed = x.clone()
    changed[0, SMALL.window // 2] = changed[0, SMALL.window // 2].roll(1)
    plain, other = predict(module, x), predict(module, changed)
    assert (plain - other).abs().max() > 1e-3
    # Far bins hear of it too, through attention.
    assert ((plain - other).abs() > 0).float().mean() > 0.9
    assert torch.isfinite(plain).all()
    assert (plain > 0).all()


def test_untrained_module__full_position_features(module):
    tabulated = Geometry(
        dim=192, depth=1, heads=1, window=196_608, n_bins=896, n_tracks=2, channel_multiple=8, tabulated_gamma=True
    )
    made = untrained_module(tabulated, seed=0)
    assert all(part.use_tf_gamma for part in made.modules() if isinstance(part, Attention))
    assert not any(part.use_tf_gamma for part in module.modules() if isinstance(part, Attention))


def test_canonical_state__each_weight_once(module):
    state = canonical_state(module)
    assert not [name for name in state if name.startswith("_trunk") or name.endswith("num_batches_tracked")]
    assert sum(v.numel() for n, v in state.items() if "running" not in n) == sum(p.numel() for p in module.parameters())


def test_load_state__fills_both_listings_of_the_trunk(module):
    other = build_module(SMALL)
    load_state(other, canonical_state(module))
    assert torch.equal(predict(other, windows(1)), predict(module, windows(1)))
    theirs = module.state_dict()
    differ = [name for name, value in other.state_dict().items() if not torch.equal(value, theirs[name])]
    assert all(name.endswith("num_batches_tracked") for name in differ)


def test_load_state__missing_unknown_and_misshapen_weights(module):
    state = canonical_state(module)
    name = "transformer.0.0.fn.1.to_q.weight"
    assert name in state
    target = build_module(SMALL)
    before = weights_sha256(canonical_state(target))
    without = {k: v for k, v in state.items() if k != name}
    with pytest.raises(ValueError, match=rf"1 weights missing \(first: \['{name}'\]\), 0 unknown \(first: \[\]\)"):
        load_state(target, without)
    with pytest.raises(ValueError, match=r"0 weights missing \(first: \[\]\), 1 unknown \(first: \['more'\]\)"):
        load_state(target, state | {"more": state[name]})
    with pytest.raises(ValueError, match=rf"weight {name} has shape \(2, 2\), expected \(256, 48\)"):
        load_state(target, state | {name: torch.zeros(2, 2)})
    assert weights_sha256(canonical_state(target)) == before


def test_weights_sha256__of_names_shapes_and_values(module):
    state = canonical_state(module)
    sha256 = weights_sha256(state)
    assert weights_sha256(dict(reversed(state.items()))) == sha256
    name = next(iter(state))
    changed = state[name].clone()
    changed.view(-1)[0] += 1e-3
    assert weights_sha256(state | {name: changed}) != sha256
    assert weights_sha256({f"{name}x": state[name]}) != weights_sha256({name: state[name]})
    assert weights_sha256({name: state[name].reshape(-1)}) != weights_sha256({name: state[name]})


def test_module_with__takes_the_tensors_themselves(module):
    state = canonical_state(module)
    other = module_with(SMALL, state)
    assert torch.equal(predict(other, windows(1)), predict(module, windows(1)))
    assert not any(parameter.requires_grad for parameter in other.parameters())
    assert not any(value.is_meta for value in other.state_dict().values())
    name = "final_pointwise.1.0.weight"
    assert name in state
    assert other.state_dict()[name].data_ptr() == state[name].data_ptr()


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("stem.0.weight", "stem.0.weight"),
        ("_trunk.1.0.weight", "stem.0.weight"),
        ("_trunk.2.0.0.0.running_mean", "conv_tower.0.0.0.running_mean"),
        ("_trunk.4.0.0.fn.1.to_q.weight", "transformer.0.0.fn.1.to_q.weight"),
        ("_trunk.6.1.0.bias", "final_pointwise.1.0.bias"),
        ("_heads.human.0.weight", "_heads.human.0.weight"),
        ("_heads.mouse.0.weight", None),
        ("conv_tower.0.0.0.num_batches_tracked", None),
        ("more", "more"),
    ],
)
def test_canonical_name__each_weight_has_one(name, own):
    assert canonical_name(name) == own


def test_canonical_name__covers_the_librarys_own_second_listing(module):
    names = [name for name in module.state_dict() if not name.endswith("num_batches_tracked")]
    assert any(name.startswith("_trunk.") for name in names)
    assert {canonical_name(name) for name in names} == set(canonical_state(module))


def test_geometry__the_table_of_gamma_features_is_for_one_length():
    with pytest.raises(ValueError, match="tabulated for 1,536 tokens and 192 features a head, not for 16 and 12"):
        replace(SMALL, tabulated_gamma=True)
