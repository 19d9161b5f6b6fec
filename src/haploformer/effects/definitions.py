"""What the effect of a variant is: numbers from the coverage predicted with it and without it.

Coverage is never negative and not log-transformed. SAD and SADR as Enformer's authors have them (Avsec et al. 2021).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAD, SADR, LOG_FOLD_CHANGE = "sad", "sadr", "log_fold_change"


def sad(alternate: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """SNP activity difference: coverage summed over bins, with ALT less with REF."""
    return np.asarray(alternate, np.float64) - np.asarray(reference, np.float64)


def sadr(alternate: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """SNP activity difference ratio: log2(sum with ALT + 1) - log2(sum with REF + 1), of sums over bins."""
    return np.log2(np.asarray(alternate, np.float64) + 1) - np.log2(np.asarray(reference, np.float64) + 1)


def log_fold_change(alternate: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """log2 of the mean over a gene's TSS bins, with ALT less with REF, one added on both sides.

    As ``log2_fold_change`` of people: silent genes have no fold change of their own.
    """
    return np.log2(np.asarray(alternate, np.float64) + 1) - np.log2(np.asarray(reference, np.float64) + 1)


def average_strands(forward: NDArray[np.floating], reverse: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean of both strands' coverage, the bins of the reverse complement mirrored: its bin i is bin n - 1 - i.

    Parameters
    ----------
    forward, reverse : floating (..., n_bins, n_tracks)
        The reverse complement's bins in the order in which the model gives them.
    """
    mirrored = np.asarray(reverse, np.float64)[..., ::-1, :]
    return (np.asarray(forward, np.float64) + mirrored) / 2
