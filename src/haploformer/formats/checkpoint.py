"""Checkpoints of PyTorch (.bin, a pickle) made into safetensors: the one place where a pickle is opened."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from haploformer.enformer.model import canonical_name, weights_sha256
from haploformer.errors import InputError
from haploformer.formats.files import require_file, sha256_file
from haploformer.formats.weights import CHECKPOINT, GAMMA, SAFETENSORS, require_same, write_weights

_HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Conversion:
    """What a conversion did.

    Attributes
    ----------
    path : Path
        The safetensors file.
    gamma : str
        Position features that the file says the weights need.
    n_weights, n_listed_twice, n_left_out, n_widened : int
        Weights written; names that only repeat them; entries that the human model does not use; weights of half
        precision that are float32 now.
    sha256 : str
        Of the weights, as stored with every prediction.
    """

    path: Path
    gamma: str
    n_weights: int
    n_listed_twice: int
    n_left_out: int
    n_widened: int
    sha256: str

    def describe(self) -> str:
        """One line for a terminal."""
        widened = f", {self.n_widened} widened to float32" if self.n_widened else ""
        return (
            f"{self.path}: {self.n_weights} weights{widened}; {self.n_listed_twice} listed twice and "
            f"{self.n_left_out} of other heads and counters left out; gamma {self.gamma}; "
            f"sha256 of the weights {self.sha256}"
        )


def convert_checkpoint(source: Path, output: Path | None, *, gamma: str, overwrite: bool = False) -> Conversion:
    """Read a state dict without running any code of it, and write its weights as safetensors.

    Parameters
    ----------
    source : Path
        A .bin, or a folder that holds ``pytorch_model.bin``.
    output : Path, optional
        ``model.safetensors`` beside the source by default.
    gamma : str
        ``tabulated`` or ``computed``: which position features the weights were trained with; written into the file.

    Raises
    ------
    InputError
        If the source is no state dict, or the output is there already or cannot be written.
    """
    path = source / CHECKPOINT if source.is_dir() else source
    target = output or path.with_name(SAFETENSORS)
    require_file(path, what="checkpoint", remedy=f"give a .bin, or a folder that holds {CHECKPOINT}")
    if target.suffix != ".safetensors" or target.is_dir():
        raise InputError(
            str(target), "not the name of a safetensors file", "give an --output that ends in .safetensors"
        )
    if target.exists() and not overwrite:
        raise InputError(str(target), "the file is there already", "give another --output, or --force to replace it")
    entries = _read_state_dict(path)
    state: dict[str, Tensor] = {}
    n_widened = n_left_out = 0
    for name, value in entries.items():
        own = canonical_name(name)
        if own is None:
            n_left_out += 1
            continue
        if value.dtype not in (torch.float32, *_HALF) or value.layout != torch.strided:
            raise InputError(
                f"{path}:{name}",
                f"the weight is {value.dtype}, {value.layout}; expected dense float32 or half precision",
                "give a checkpoint of Enformer",
            )
        if own in state:
            require_same(state[own], value.float(), f"{path}:{name}")
            continue
        n_widened += value.dtype in _HALF
        state[own] = value.float().contiguous()
    if not state:
        raise InputError(
            str(path), "the checkpoint holds no weight of the human model", "give a checkpoint of Enformer"
        )
    sha256 = weights_sha256(state)
    metadata = {GAMMA: gamma, "source": path.name, "source_sha256": sha256_file(path), "weights_sha256": sha256}
    write_weights(state, target, metadata=metadata)
    n_twice = len(entries) - n_left_out - len(state)
    return Conversion(target, gamma, len(state), n_twice, n_left_out, n_widened, sha256)


def _read_state_dict(path: Path) -> dict[str, Tensor]:
    try:
        found = torch.load(path, weights_only=True, map_location="cpu", mmap=zipfile.is_zipfile(path))
    except Exception as error:  # torch and the unpickler below it raise errors of many kinds
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            str(path), f"no checkpoint of weights alone ({reason})", "give a PyTorch state dict"
        ) from error
    is_state = isinstance(found, dict) and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items())
    if not is_state or not found:
        raise InputError(
            str(path), "the checkpoint holds something else than named weights", "give a PyTorch state dict"
        )
    return dict(found)
