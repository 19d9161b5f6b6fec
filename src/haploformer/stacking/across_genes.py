"""Across genes on the reference genome: elastic net over Enformer's bins and tracks against mean expression."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.stacking.gene_folds import ENFORMER_TEST

#: Penalties, the strongest first, in units of standardised features and levels; over the first every weight is 0.
_N_LAMBDAS, _SMALLEST = 25, 0.01

#: Share of its size by which a feature must vary to count.
_VARIES = 1e-7


@dataclass(frozen=True, eq=False)
class LevelFit:
    """The elastic net of one training set of genes.

    Attributes
    ----------
    weights : float64 (n_features,)
        Level per training sd of the feature, 0 where it is not used.
    intercept : float
        Mean level of the training genes.
    penalty : float
        The chosen lambda.
    """

    weights: NDArray[np.float64]
    intercept: float
    penalty: float


@dataclass(frozen=True, eq=False)
class LevelPrediction:
    """Predicted levels of genes that were not trained on.

    Attributes
    ----------
    predicted : float64 (n_genes,)
        NaN for genes that are in no fold.
    fits : tuple of LevelFit (n_folds,)
        Without each fold.
    of_all : LevelFit
        Of the genes of all folds: what Enformer's test genes are predicted by.
    n_unfinished : int
        Penalties, over all training sets, at which coordinate descent had not converged.
    """

    predicted: NDArray[np.float64]
    fits: tuple[LevelFit, ...]
    of_all: LevelFit
    n_unfinished: int


def centre_features(coverage: NDArray[np.float32], strands: Sequence[str]) -> NDArray[np.float32]:
    """log1p of coverage of bins x tracks, bins counted in the gene's own direction.

    Parameters
    ----------
    coverage : float32 (n_genes, n_bins, n_tracks)
        Of windows that were read forward; the bins are symmetric round the TSS.
    strands : sequence of str (n_genes,)
        ``-`` turns the bins round.

    Returns
    -------
    float32 (n_genes, n_bins * n_tracks)
        Bin by bin.
    """
    minus = np.asarray(strands, dtype=object) == "-"
    turned = np.where(minus[:, None, None], coverage[:, ::-1], coverage)
    return np.log1p(turned).reshape(len(turned), -1)


def predict_levels(
    features: NDArray[np.floating], levels: NDArray[np.float64], folds: NDArray[np.int64], *, l1_ratio: float
) -> LevelPrediction:
    """Predict each gene's level by a net that saw neither the gene nor one that shares sequence with it.

    The penalty of a training set is the one of least squared error over its own folds, each left out in turn; scales
    and penalties rest on training genes alone. Genes of Enformer's test sequences are in no training set.

    Parameters
    ----------
    features : floating (n_genes, n_features)
    levels : float64 (n_genes,)
        On a log scale.
    folds : int (n_genes,)
        0 to n_folds - 1, at least three; ``ENFORMER_TEST``; any other negative number: left out.
    l1_ratio : float
        Share of the L1 penalty.

    Returns
    -------
    LevelPrediction

    Raises
    ------
    ValueError
        If shapes differ, a value is not finite, or there are too few folds.
    """
    n_folds = int(folds.max()) + 1
    if features.shape[:1] != levels.shape or folds.shape != levels.shape or n_folds < 3:
        raise ValueError(f"features {features.shape}, levels {levels.shape}, folds {folds.shape} with {n_folds} folds")
    if not (np.isfinite(features).all() and np.isfinite(levels).all()):
        raise ValueError("a feature or a level is not finite")
    lambdas = np.geomspace(1 / l1_ratio, _SMALLEST / l1_ratio, _N_LAMBDAS)
    paths: dict[frozenset[int], _Path] = {}
    for size in (0, 1, 2):
        for held_out in map(frozenset, combinations(range(n_folds), size)):
            train = (folds >= 0) & ~np.isin(folds, list(held_out))
            paths[held_out] = _fit_path(features, levels, train, lambdas, l1_ratio)
    chosen = {}
    for held_out in (frozenset[int](), *(frozenset({k}) for k in range(n_folds))):
        error = np.zeros(len(lambdas))
        for j in set(range(n_folds)) - held_out:
            out = folds == j
            error += ((levels[out, None] - paths[held_out | {j}].predict(features[out])) ** 2).sum(axis=0)
        chosen[held_out] = int(error.argmin())
    predicted = np.full(len(levels), np.nan)
    for fold, held_out in ((ENFORMER_TEST, frozenset[int]()), *((k, frozenset({k})) for k in range(n_folds))):
        out = folds == fold
        predicted[out] = paths[held_out].predict(features[out])[:, chosen[held_out]]
    fits = {held_out: paths[held_out].at(number, lambdas) for held_out, number in chosen.items()}
    return LevelPrediction(
        predicted,
        tuple(fits[frozenset({k})] for k in range(n_folds)),
        fits[frozenset()],
        sum(path.n_unfinished for path in paths.values()),
    )


def level_weight_rows(
    net: LevelPrediction, tracks: NDArray[np.int64], bins: Sequence[int], descriptions: pd.Series
) -> pd.DataFrame:
    """One row per net, bin and track with a weight.

    Parameters
    ----------
    net : LevelPrediction
    tracks : int64 (n_tracks,)
    bins : sequence of int (n_bins,)
    descriptions : Series of str
        By track.

    Returns
    -------
    DataFrame, schema ``across_genes_weights``
        ``fold`` is null for the net of all folds.
    """
    pieces = []
    for fold, fit in ((pd.NA, net.of_all), *enumerate(net.fits)):
        used = np.flatnonzero(fit.weights)
        number = tracks[used % len(tracks)]
        pieces.append(
            pd.DataFrame(
                {
                    "fold": pd.array([fold] * len(used), dtype="Int64"),
                    "track": number,
                    "description": descriptions.reindex(number).to_numpy(),
                    "bin": np.asarray(bins)[used // len(tracks)],
                    "weight": fit.weights[used],
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


@dataclass(frozen=True, eq=False)
class _Path:
    """The nets of one training set, one per penalty."""

    used: NDArray[np.int64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]  # (n_used, n_lambdas), level per sd
    intercept: float
    n_features: int
    n_unfinished: int

    def predict(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n_genes, n_lambdas)."""
        z = (features[:, self.used] - self.centre) / self.scale
        return np.asarray(self.intercept + z @ self.weights, dtype=np.float64)

    def at(self, number: int, lambdas: NDArray[np.float64]) -> LevelFit:
        weights = np.zeros(self.n_features)
        weights[self.used] = self.weights[:, number]
        return LevelFit(weights, self.intercept, float(lambdas[number]))


def _fit_path(
    features: NDArray[np.floating],
    levels: NDArray[np.float64],
    train: NDArray[np.bool_],
    lambdas: NDArray[np.float64],
    l1_ratio: float,
) -> _Path:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import enet_path

    training = features[train]
    centre, scale = training.mean(axis=0, dtype=np.float64), training.std(axis=0, dtype=np.float64)
    used = np.flatnonzero(scale > _VARIES * np.abs(training).max(axis=0, initial=0.0))
    # In the features' own precision: thousands of genes by tens of thousands of bins and tracks.
    kind = features.dtype
    z = np.asfortranarray((training[:, used] - centre[used].astype(kind)) / scale[used].astype(kind))
    mean, sd = float(levels[train].mean()), float(levels[train].std())
    weights, n_unfinished = np.zeros((len(used), len(lambdas))), 0
    if len(used) and sd > 0:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ConvergenceWarning)
            scaled = ((levels[train] - mean) / sd).astype(kind)
            found = enet_path(z, scaled, l1_ratio=l1_ratio, alphas=lambdas, max_iter=5000)
        weights = sd * found[1]
        n_unfinished = sum(issubclass(warning.category, ConvergenceWarning) for warning in told)
    return _Path(used, centre[used], scale[used], weights, mean, features.shape[1], n_unfinished)
