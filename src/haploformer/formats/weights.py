"""Weights of a network: safetensors files, and what is known of where they come from."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from enformer_pytorch.modeling_enformer import Enformer
from torch import Tensor

from haploformer.enformer.geometry import TABULATED_TOKENS, Geometry
from haploformer.enformer.model import (
    HEAD,
    build_module,
    canonical_name,
    canonical_state,
    module_with,
    untrained_module,
    weights_sha256,
)
from haploformer.errors import InputError
from haploformer.formats.files import publish_file, require_file

logger = logging.getLogger(__name__)

UNTRAINED = "untrained"
OFFICIAL = "official"

#: Where the published weights come from: 1 GB, CC-BY-4.0.
OFFICIAL_REPOSITORY = "EleutherAI/enformer-official-rough"

SAFETENSORS = "model.safetensors"
CHECKPOINT = "pytorch_model.bin"

#: What a file of weights says of its position features: ``tabulated`` or ``computed``.
GAMMA = "gamma"

TABULATED, COMPUTED = "tabulated", "computed"

#: Names that PyTorch's pickles go by.
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt")

_MAGIC_OF_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True)
class WeightsChoice:
    """Which weights a run asks for.

    Attributes
    ----------
    weights : str
        ``untrained``, ``official``, or the path of a safetensors file or of a folder that holds ``model.safetensors``.
    official_folder : Path
        Where the published weights lie.
    gamma : str, optional
        ``tabulated`` or ``computed`` position features, whatever the file says.
    """

    weights: str
    official_folder: Path
    gamma: str | None = None

    @property
    def path(self) -> Path | None:
        """The file that is meant, there or not; None for untrained weights."""
        if self.weights == UNTRAINED:
            return None
        place = self.official_folder if self.weights == OFFICIAL else Path(self.weights)
        return place / SAFETENSORS if self.weights == OFFICIAL or place.is_dir() else place


@dataclass(frozen=True)
class LoadedModel:
    """A network with its weights, and what to call them.

    Attributes
    ----------
    module : Enformer
    geometry : Geometry
        As used: ``tabulated_gamma`` is what the weights need.
    weights : str
        ``untrained``, ``official``, or the file's name with the first digits of the weights' sha256.
    sha256 : str
        Of the weights, whatever file they come from.
    """

    module: Enformer
    geometry: Geometry
    weights: str
    sha256: str


def load_model(choice: WeightsChoice, geometry: Geometry, *, seed: int) -> LoadedModel:
    """An Enformer with the weights asked for.

    Raises
    ------
    InputError
        If the file cannot be read, or is of another geometry.
    """
    path = choice.path
    if path is None:
        used = replace(geometry, tabulated_gamma=_tabulated(choice, {}, geometry))
        module = untrained_module(used, seed)
        return LoadedModel(module, used, UNTRAINED, weights_sha256(canonical_state(module)))
    with _opened(choice) as (stored, metadata):
        used = replace(geometry, tabulated_gamma=_tabulated(choice, metadata, geometry))
        state = _read_state(stored, path)
        if _needed_gamma(choice, metadata) == TABULATED and not used.tabulated_gamma:
            logger.warning(
                "%s needs tabulated position features, which there are for %d tokens only: for %d they are computed",
                *(path.name, TABULATED_TOKENS, used.n_tokens),
            )
    try:
        module = module_with(used, state)
    except ValueError as error:
        raise InputError(
            str(path), str(error), "give weights of this geometry, or choose another enformer.preset"
        ) from error
    sha256 = weights_sha256(state)
    name = OFFICIAL if choice.weights == OFFICIAL else f"{path.name} (sha256 {sha256[:12]})"
    return LoadedModel(module, used, name, sha256)


def check_weights(choice: WeightsChoice, geometry: Geometry) -> None:
    """Raise InputError if a file has not the weights of this geometry; only its header is read."""
    path = choice.path
    if path is None:
        _tabulated(choice, {}, geometry)
        return
    with _opened(choice) as (stored, metadata):
        _tabulated(choice, metadata, geometry)
        shapes = {}
        for name in stored.keys():  # noqa: SIM118 (not a mapping)
            if (own := canonical_name(name)) is not None:
                part = stored.get_slice(name)
                if part.get_dtype() != "F32":
                    raise _not_float32(path, name, part.get_dtype())
                shapes[own] = tuple(part.get_shape())
    with torch.device("meta"):
        expected = canonical_state(build_module(geometry))
    wrong = [name for name in expected if shapes.get(name) != tuple(expected[name].shape)]
    wrong += [name for name in shapes if name not in expected]
    if wrong:
        name = wrong[0]
        there = f"has shape {shapes[name]}" if name in shapes else "is missing"
        wanted = f"expected {tuple(expected[name].shape)}" if name in expected else "this model has no such weight"
        of_head = all(name.startswith(f"_heads.{HEAD}.") for name in wrong)
        raise InputError(
            f"{path}:{name}",
            f"{there}, {wanted} ({len(wrong)} weights differ)",
            f"give the table of these weights' tracks, this one has {geometry.n_tracks:,}"
            if of_head
            else "give weights of this geometry, or choose another enformer.preset",
        )


def write_weights(state: Mapping[str, Tensor], path: Path, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors to a safetensors file, whole or not at all.

    Raises
    ------
    InputError
        If there is no such folder, or no room.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        with publish_file(path) as building:
            save_file(_apart(state), building, metadata={"format": "pt", **(metadata or {})})
    except (OSError, SafetensorError) as error:
        size = sum(value.nbytes for value in state.values())
        raise InputError(
            str(path), f"the weights cannot be written ({error})", f"give a folder with room for {size:,} bytes"
        ) from error


def _apart(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights, none of which shares its memory with another: such ones cannot be stored."""
    seen: set[int] = set()
    apart = {}
    for name, value in state.items():
        place = value.untyped_storage().data_ptr()
        apart[name] = value.clone() if place in seen else value
        seen.add(place)
    return apart


@contextmanager
def _opened(choice: WeightsChoice) -> Iterator[tuple[Any, dict[str, str]]]:
    """The file, and what it says of itself."""
    from safetensors import SafetensorError, safe_open

    path = choice.path
    assert path is not None, "untrained weights have no file"
    _require_safetensors(choice, path)
    try:
        with safe_open(path, framework="pt") as stored:
            yield stored, stored.metadata() or {}
    except SafetensorError as error:
        raise InputError(str(path), f"no safetensors file ({error})", "give weights as safetensors") from error


def _require_safetensors(choice: WeightsChoice, path: Path) -> None:
    checkpoint = path.parent / CHECKPOINT
    if not path.is_file() and path.name == SAFETENSORS and checkpoint.is_file():
        raise _pickle(checkpoint)
    if not path.is_file() and choice.weights == OFFICIAL:
        folder = choice.official_folder
        raise InputError(
            str(folder),
            "the official weights are not there",
            f"fetch {OFFICIAL_REPOSITORY} (1 GB, CC-BY-4.0), e.g. hf download {OFFICIAL_REPOSITORY} --local-dir "
            f"{folder}, then: kedro convert-weights {folder}",
        )
    require_file(path, what="weights file", remedy="check enformer.weights")
    with path.open("rb") as stream:
        begin = stream.read(9)
    # A safetensors file begins with the length of its header, which may look like a pickle's first bytes, and then "{".
    if path.suffix.lower() in PICKLE_SUFFIXES or (begin.startswith(_MAGIC_OF_PICKLES) and begin[4:] != b"\0\0\0\0{"):
        raise _pickle(path)


def _pickle(path: Path) -> InputError:
    return InputError(
        str(path),
        "a checkpoint in Python's pickle format, which may run code when it is opened",
        f"convert it once: kedro convert-weights {path}",
    )


def _not_float32(path: Path, name: str, kind: str) -> InputError:
    return InputError(
        f"{path}:{name}", f"the weight is {kind}, expected F32", "convert the checkpoint anew: kedro convert-weights"
    )


def _tabulated(choice: WeightsChoice, metadata: Mapping[str, str], geometry: Geometry) -> bool:
    """Whether gamma position features come from the table: where the weights need it and the length has it."""
    if choice.gamma == TABULATED and not geometry.has_table:
        raise InputError(
            "parameters:enformer.gamma",
            f"gamma position features are tabulated for {TABULATED_TOKENS:,} tokens and the published width only, this "
            f"model has {geometry.n_tokens:,} tokens",
            "leave it out, or choose enformer.preset: full",
        )
    return _needed_gamma(choice, metadata) == TABULATED and geometry.has_table


def _needed_gamma(choice: WeightsChoice, metadata: Mapping[str, str]) -> str:
    """Position features that the weights were trained with: as the user says, or the file; computed if neither does."""
    needed = choice.gamma or (TABULATED if choice.weights == OFFICIAL else metadata.get(GAMMA, COMPUTED))
    if needed not in (TABULATED, COMPUTED):
        raise InputError(
            f"{choice.path}:metadata",
            f"{GAMMA} is {needed!r}, expected {TABULATED} or {COMPUTED}",
            "convert the checkpoint anew, or set enformer.gamma",
        )
    return needed


def _read_state(stored: Any, path: Path) -> dict[str, Tensor]:
    """All weights under their own names; both listings of a weight must agree."""
    state: dict[str, Tensor] = {}
    for name in stored.keys():  # noqa: SIM118 (not a mapping)
        if (own := canonical_name(name)) is None:
            continue
        value = stored.get_tensor(name)
        if value.dtype != torch.float32:
            raise _not_float32(path, name, str(value.dtype))
        require_same(state.setdefault(own, value), value, f"{path}:{name}")
    return state


def require_same(first: Tensor, second: Tensor, where: str) -> None:
    """Raise InputError unless two listings of one weight are equal."""
    if first is not second and not torch.equal(first, second):
        raise InputError(where, "the weight is listed twice, with different values", "fetch or make the file again")
