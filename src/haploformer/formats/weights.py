"""Weights of a network in safetensors files."""

from __future__ import annotations

from pathlib import Path

from enformer_pytorch.modeling_enformer import Enformer
from torch import Tensor

from haploformer.enformer.geometry import Geometry
from haploformer.enformer.model import build_module, load_state, untrained_module
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
