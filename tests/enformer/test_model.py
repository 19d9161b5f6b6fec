"""Untrained weights that react to the sequence, and weights from files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from enformer_pytorch.modeling_enformer import Attention
from safetensors.torch import save_file
from torch import nn

from haploformer.enformer.geometry import Geometry
from haploformer.enformer.model import (
    HEAD,
    build_module,
    canonical_state,
    load_state,
    untrained_module,
    weights_sha256,
)
from haploformer.errors import InputError
from haploformer.formats.weights import check_weights, load_module, read_weights, write_weights

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
        dim=48, depth=1, heads=4, window=196_608, n_bins=896, n_tracks=2, channel_multiple=8, tabulated_gamma=True
    )
    made = untrained_module(tabulated, seed=0)
    assert all(part.use_tf_gamma for part in made.modules() if isinstance(part, Attention))
    assert not any(part.use_tf_gamma for part in module.modules() if isinstance(part, Attention))


def test_canonical_state__each_weight_once(module):
    state = canonical_state(module)
    assert not [name for name in state if name.startswith("_trunk") or name.endswith("num_batches_tracked")]
    assert sum(v.numel() for n, v in state.items() if "running" not in n) == sum(p.numel() for p in module.parameters())


def test_load_state__round_trip_through_safetensors(module, tmp_path):
    path = tmp_path / "weights.safetensors"
    write_weights(canonical_state(module), path)
    again = load_module(str(path), SMALL, seed=77)
    assert weights_sha256(canonical_state(again)) == weights_sha256(canonical_state(module))
    x = windows(2)
    assert torch.equal(predict(again, x), predict(module, x))
    assert not again.training


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


def test_load_module__weights_of_another_geometry(module, tmp_path):
    path = tmp_path / "weights.safetensors"
    write_weights(canonical_state(module), path)
    other = Geometry(dim=48, depth=2, heads=4, window=2048, n_bins=8, n_tracks=6, channel_multiple=8)
    with pytest.raises(InputError) as error:
        load_module(str(path), other, seed=0)
    assert str(error.value).startswith(
        f"{path}: weight _heads.human.0.weight has shape (5, 96), expected (6, 96); give"
    )


def test_load_module__untrained_comes_from_the_seed(module):
    assert weights_sha256(canonical_state(load_module("untrained", SMALL, seed=3))) == weights_sha256(
        canonical_state(module)
    )


def test_check_weights__reads_the_header_and_names_the_first_wrong_weight(module, tmp_path):
    path, name = tmp_path / "weights.safetensors", "transformer.0.0.fn.1.to_q.weight"
    state = canonical_state(module)
    write_weights(state, path)
    check_weights(path, SMALL)
    for changed, message in [
        ({k: v for k, v in state.items() if k != name}, "is missing, expected (256, 48) (1 weights differ); give"),
        (state | {name: torch.zeros(2, 2)}, "has shape (2, 2), expected (256, 48) (1 weights differ); give"),
    ]:
        write_weights(changed, path)
        with pytest.raises(InputError) as error:
            check_weights(path, SMALL)
        assert str(error.value).startswith(f"{path}:{name}: {message}")
    write_weights(state | {"more": torch.zeros(3)}, path)
    with pytest.raises(
        InputError, match=r"s:more: has shape \(3,\), this model has no such weight \(1 weights differ\)"
    ):
        check_weights(path, SMALL)
    path.write_bytes(b"hello")
    with pytest.raises(InputError, match="no safetensors file"):
        check_weights(path, SMALL)


def test_read_weights__no_safetensors_file(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(InputError, match=r"w.safetensors: the weights file is missing"):
        read_weights(path)
    for content in (b"hello", bytes(100), b"\x80\x02}q\x00."):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"w.safetensors: no safetensors file \(.*\); give weights as safetensors"):
            read_weights(path)
    save_file({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="no safetensors file"):
        read_weights(path)
