"""Weights of a network: safetensors files, and what is known of where they come from."""

from __future__ import annotations

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
    build_module,
    canonical_name,
    canonical_state,
    module_with,
    untrained_module,
    weights_sha256,
)
from haploformer.errors import InputError
from haploformer.formats.files import require_file

UNTRAINED = "untrained"
OFFICIAL = "official"

#: Where the published weights come from: 1 GB, CC-BY-4.0.
OFFICIAL_REPOSITORY = "EleutherAI/enformer-official-rough"

SAFETENSORS = "model.safetensors"
CHECKPOINT = "pytorch_model.bin"

#: What a file of weights says of its position features: ``tabulated`` or ``computed``.
GAMMA = "gamma"

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
    if choice.weights == OFFICIAL and not geometry.has_table:
        raise InputError(
            "parameters:enformer.weights",
            f"the official weights are those of preset full, this run has one of {geometry.window:,} bases",
            "set enformer.preset: full, or enformer.weights: untrained to try the chain with a small network",
        )
    with _opened(choice) as (stored, metadata):
        _tabulated(choice, metadata, geometry)
        shapes, kinds = {}, {}
        for name in stored.keys():  # noqa: SIM118 (not a mapping)
            if (own := canonical_name(name)) is not None:
                part = stored.get_slice(name)
                shapes[own], kinds[own] = tuple(part.get_shape()), part.get_dtype()
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
    for name, kind in kinds.items():
        if kind != "F32":
            raise _not_float32(path, name, kind)


def write_weights(state: Mapping[str, Tensor], path: Path, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors to a safetensors file, whole or not at all."""
    from safetensors.torch import save_file

    temporary = path.with_name(f".{path.name}.tmp")
    try:
        save_file(dict(state), temporary, metadata={"format": "pt", **(metadata or {})})
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
    require_file(path, what="weights file")
    with path.open("rb") as stream:
        begin = stream.read(4)
    if begin.startswith(_MAGIC_OF_PICKLES):
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
    if choice.gamma == "tabulated" and not geometry.has_table:
        raise InputError(
            "parameters:enformer.gamma",
            f"gamma position features are tabulated for {TABULATED_TOKENS:,} tokens and the published width only, this "
            f"model has {geometry.n_tokens:,} tokens",
            "leave it out, or choose enformer.preset: full",
        )
    needed = choice.gamma or ("tabulated" if choice.weights == OFFICIAL else metadata.get(GAMMA, "computed"))
    return needed == "tabulated" and geometry.has_table


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
