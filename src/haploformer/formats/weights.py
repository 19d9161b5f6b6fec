"""Weights of a network in safetensors files."""

from __future__ import annotations

from pathlib import Path

from enformer_pytorch.modeling_enformer import Enformer
from torch import Tensor

from haploformer.enformer.geometry import Geometry
from haploformer.enformer.model import build_module, canonical_state, load_state, untrained_module
from haploformer.errors import InputError
from haploformer.formats.files import require_file

UNTRAINED = "untrained"


def load_module(weights: str, geometry: Geometry, *, seed: int) -> Enformer:
    """An Enformer with the weights asked for.

    Parameters
    ----------
    weights : str
        ``untrained``, random from ``seed``; or the path of a safetensors file.

    Raises
    ------
    InputError
        If the file cannot be read, or is of another geometry.
    """
    if weights == UNTRAINED:
        return untrained_module(geometry, seed)
    module = build_module(geometry)
    try:
        load_state(module, read_weights(Path(weights)))
    except InputError:
        raise
    except ValueError as error:
        raise InputError(
            weights, str(error), "give weights of this geometry, or choose another enformer.preset"
        ) from error
    return module


def check_weights(path: Path, geometry: Geometry) -> None:
    """Raise InputError if a file has not the weights of this geometry; only its header is read."""
    import torch
    from safetensors import SafetensorError, safe_open

    require_file(path, what="weights file")
    try:
        with safe_open(path, framework="pt") as stored:
            shapes = {name: tuple(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(str(path), f"no safetensors file ({error})", "give weights as safetensors") from error
    with torch.device("meta"):
        expected = canonical_state(build_module(geometry))
    wrong = [name for name in expected if shapes.get(name) != tuple(expected[name].shape)]
    wrong += [name for name in shapes if name not in expected]
    if wrong:
        name = wrong[0]
        there = f"has shape {shapes[name]}" if name in shapes else "is missing"
        wanted = f"expected {tuple(expected[name].shape)}" if name in expected else "this model has no such weight"
        raise InputError(
            f"{path}:{name}",
            f"{there}, {wanted} ({len(wrong)} weights differ)",
            "give weights of this geometry, or choose another enformer.preset",
        )


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file by name.

    Raises
    ------
    InputError
        If the file is absent or no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    require_file(path, what="weights file")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(str(path), f"no safetensors file ({error})", "give weights as safetensors") from error


def write_weights(state: dict[str, Tensor], path: Path) -> None:
    """Write tensors to a safetensors file."""
    from safetensors.torch import save_file

    save_file(state, path)
