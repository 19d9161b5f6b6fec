"""The demo network's answers, by plain enformer-pytorch."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from enformer_pytorch import Enformer
from numpy.typing import NDArray

from demo.windows import PersonalWindows
from haploformer.enformer.geometry import PRESETS, Geometry
from haploformer.enformer.model import HEAD, untrained_module

BATCH = 8
BASES = "ACGT"


def demo_network(preset: str, seed: int) -> tuple[Enformer, Geometry]:
    """The untrained network of a preset and its sizes."""
    return untrained_module(PRESETS[preset], seed), PRESETS[preset]


def one_hot(sequences: Sequence[str]) -> NDArray[np.float32]:
    """float32 (n, length, 4), order A C G T; N is zeros."""
    letters = np.frombuffer("".join(sequences).encode(), dtype=np.uint8).reshape(len(sequences), -1)  # (n, length)
    return (letters[..., None] == np.frombuffer(BASES.encode(), dtype=np.uint8)).astype(np.float32)


def predict_coverage(
    module: Enformer, sequences: Sequence[str], *, bins: Sequence[int], tracks: Sequence[int]
) -> NDArray[np.float64]:
    """Mean coverage over bins and tracks, for each sequence.

    Parameters
    ----------
    module : Enformer
        Its parameters' dtype is that of the forward.
    sequences : sequence of str
        Forward strand, upper case, all of the model's length.
    bins, tracks : sequence of int
        Output bins and tracks to average over, on the coverage scale.

    Returns
    -------
    float64 (n,)
        The forward runs in the module's precision, the mean in float64.
    """
    dtype = next(module.parameters()).dtype
    coverage = []
    with torch.inference_mode():
        for i in range(0, len(sequences), BATCH):
            x = torch.from_numpy(one_hot(sequences[i : i + BATCH])).to(dtype)  # (batch, length, 4)
            y = module(x)[HEAD]  # (batch, n_bins, n_tracks)
            coverage.append(y[:, list(bins)][:, :, list(tracks)].double().mean((1, 2)).numpy())
    return np.concatenate(coverage)


def float32_error(module: Enformer, sequences: Sequence[str], *, bins: Sequence[int], tracks: Sequence[int]) -> float:
    """Largest difference of ``predict_coverage`` from that of the same weights in float64."""
    single = predict_coverage(module, sequences, bins=bins, tracks=tracks)
    double = predict_coverage(copy.deepcopy(module).double(), sequences, bins=bins, tracks=tracks)
    return float(np.abs(single - double).max())


def personal_coverage(coverage: NDArray[np.float64], windows: PersonalWindows) -> NDArray[np.float64]:
    """Mean over both haplotypes, float64 (n_genes, n_people)."""
    return coverage[windows.carried].mean(2)
