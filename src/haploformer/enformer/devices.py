"""Where engines compute: the device, how many threads, in which precision, and how many windows fit its memory."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from haploformer.enformer.geometry import Geometry
from haploformer.errors import InputError

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")

#: Tokens of fewer numbers are computed by one thread: their products are shorter than the threads' meeting after each.
_ONE_THREAD_DIM = 256


def choose_device(name: str) -> torch.device:
    """The device that a parameter means: ``cpu``, ``cuda``, or ``auto`` for CUDA where there is one.

    Raises
    ------
    InputError
        If CUDA is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError(
            "parameters:enformer.device",
            f"torch {torch.__version__} finds no CUDA device",
            "set enformer.device: auto or cpu, or install torch for CUDA and check the driver (nvidia-smi)",
        )
    return torch.device(("cuda" if available else "cpu") if name == "auto" else name)


def module_on(module: nn.Module, device: torch.device) -> Any:
    """The module in evaluation mode: itself where its weights lie on ``device``, else a copy of it there."""
    module.eval()
    target = torch.empty(0, device=device).device
    held: list[Tensor] = [*module.parameters(), *module.buffers()]
    if all(value.device == target for value in held):
        return module
    moved: dict[int, Any] = {id(value): value.to(target) for value in held}
    for value in module.parameters():
        moved[id(value)] = nn.Parameter(moved[id(value)], requires_grad=value.requires_grad)
    # What is in the memo counts as copied: no weight is held twice on the host.
    return copy.deepcopy(module, moved)


@contextmanager
def threads_for(geometry: Geometry) -> Iterator[None]:
    """As many threads as the sizes are worth, and afterwards those of before."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if geometry.dim < _ONE_THREAD_DIM else before)
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def full_float32() -> Iterator[None]:
    """No TF32 in products of float32, whose 10 bits lose what haplotypes differ by; afterwards as before."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = False
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


@contextmanager
def inference(geometry: Geometry) -> Iterator[None]:
    """No gradients, float32 as it is, and as many threads as the sizes are worth."""
    with torch.inference_mode(), threads_for(geometry), full_float32():
        yield


def in_batches(compute: Callable[[Tensor], Tensor], rows: Tensor, batch_size: int) -> Tensor:
    """What ``compute`` gives for all rows, ``batch_size`` at a time, on the CPU.

    Where the device runs out of memory the batch is halved, and a warning says so.

    Raises
    ------
    torch.OutOfMemoryError
        If one row is too many.
    """
    parts: list[Tensor] = []
    start = 0
    while start < len(rows):
        batch = rows[start : start + batch_size]
        try:
            parts.append(compute(batch).cpu())
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            batch_size = len(batch) // 2
        else:
            start += len(batch)
            continue
        # Here, behind the handler, the error and what its frames hold are gone.
        torch.cuda.empty_cache()
        logger.warning("out of memory with %d windows at once: going on with %d", len(batch), batch_size)
    return torch.cat(parts)
