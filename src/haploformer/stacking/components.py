"""Principal components of Enformer's tracks, from the training people alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: A component with less than this share of the largest one's variance is rounding.
_RANK_TOLERANCE = 1e-10


def principal_components(
    tracks: NDArray[np.float64], train: NDArray[np.bool_], n_components: int
) -> tuple[NDArray[np.float64], float]:
    """Scores of everybody on the first components of the training people.

    Parameters
    ----------
    tracks : float64 (n_individuals, n_tracks)
        Finite, mean 0 over the training people, as residuals are. Not scaled: a track in which people hardly differ
        counts little.
    train : bool (n_individuals,)
    n_components : int

    Returns
    -------
    scores : float64 (n_individuals, n_components)
        The largest component first; its sign is such that the track with the largest weight has a positive one. 0 for
        components beyond the rank.
    size : float
        Largest training value of ``tracks``, against which a score is rounding or not.

    References: the components are those of the covariance matrix, found by the smaller Gram matrix over people.
    """
    loadings = component_loadings(tracks, train, n_components)
    scores = np.zeros((len(tracks), n_components))
    for i, of_component in enumerate(loadings.T):
        scores[:, i] = tracks @ of_component
    return scores, float(np.abs(tracks[train]).max(initial=0.0))


def component_loadings(tracks: NDArray[np.float64], train: NDArray[np.bool_], n_components: int) -> NDArray[np.float64]:
    """Weight of each track in the components of `principal_components`, float64 (n_tracks, n_components)."""
    training = tracks[train]
    values, vectors = np.linalg.eigh(training @ training.T)  # (n_train,), (n_train, n_train), smallest first
    loadings = np.zeros((tracks.shape[1], n_components))
    for i in range(min(n_components, len(values))):
        variance = values[-1 - i]
        if variance <= max(_RANK_TOLERANCE * values[-1], 0.0):
            break
        of_component = training.T @ vectors[:, -1 - i] / np.sqrt(variance)  # (n_tracks,)
        loadings[:, i] = of_component * np.sign(of_component[np.abs(of_component).argmax()])
    return loadings
