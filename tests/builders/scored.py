"""Scored predictions of a small cohort with a known share of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tests.builders.dosages import deal_folds


def build_scored(
    rng: np.random.Generator,
    shares: Mapping[str, float],
    *,
    n: int = 80,
    n_genes: int = 12,
    seeds: Sequence[int] = (1, 2),
    n_folds: int = 5,
    same_in_seeds: bool = False,
) -> pd.DataFrame:
    """``schemas.scored_predictions``: each model correlates with the measurement by the share given.

    ``same_in_seeds``: a person's prediction is the same in every fold seed, as those of real models nearly are.
    """
    measured = rng.normal(size=(n_genes, n))
    noise_of = {model: rng.normal(size=measured.shape) for model in shares} if same_in_seeds else {}
    tables = []
    for seed in seeds:
        folds = deal_folds(rng, n, n_folds)
        for model, share in shares.items():
            noise = noise_of[model] if same_in_seeds else rng.normal(size=measured.shape)
            predicted = share * measured + np.sqrt(1 - share**2) * noise
            tables.append(
                pd.DataFrame(
                    {
                        "gene_id": np.repeat([f"G{g:03d}" for g in range(n_genes)], n),
                        "individual_id": np.tile([f"P{i:03d}" for i in range(n)], n_genes),
                        "model": model,
                        "fold_seed": seed,
                        "fold": np.tile(folds, n_genes),
                        "measured": measured.ravel(),
                        "predicted": predicted.ravel(),
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def genes_of(scored: pd.DataFrame, *, every: int = 700_000) -> pd.DataFrame:
    """``schemas.genes`` of these genes, one every so many bases."""
    ids = scored["gene_id"].unique()
    return pd.DataFrame(
        {
            "gene_id": ids,
            "gene_name": [f"N{name}" for name in ids],
            "contig": "1",
            "tss": np.arange(len(ids)) * every,
            "strand": "+",
        }
    )
