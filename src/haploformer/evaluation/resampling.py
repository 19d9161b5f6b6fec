"""How sure a mean over genes is: bootstrap over loci and over people, and people permuted."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from haploformer.evaluation.metrics import drawn_fold_r, fold_pearson
from haploformer.evaluation.scored_cohort import ScoredCohort

#: Bases of a locus: genes that lie closer share people, LD and eQTLs.
LOCUS = 1_000_000

#: Fewer loci give intervals that are far too narrow.
MIN_LOCI = 5

INTERVAL = (0.025, 0.975)


def assign_loci(genes: pd.DataFrame) -> pd.Series:
    """The 1-Mb locus of each gene: contig and megabase of its TSS.

    Parameters
    ----------
    genes : DataFrame, schema ``genes``

    Returns
    -------
    Series of str, index ``gene_id``
    """
    names = genes["contig"].astype(str) + ":" + (genes["tss"] // LOCUS).astype(str)
    return pd.Series(names.to_numpy(), index=genes["gene_id"].to_numpy())


def gene_matrix(gene_scores: pd.DataFrame) -> pd.DataFrame:
    """r of each gene (rows) by each model (columns), models in the order of their first rows."""
    wide = gene_scores.pivot(index="gene_id", columns="model", values="pearson_r")
    return wide[list(dict.fromkeys(gene_scores["model"]))]


def bootstrap_loci(
    r: NDArray[np.float64], loci: NDArray[np.object_], rng: np.random.Generator, *, n_draws: int = 2000
) -> NDArray[np.float64]:
    """Means over genes with whole loci drawn again and again.

    Parameters
    ----------
    r : float64 (n_genes, n_columns)
    loci : (n_genes,)
    rng : Generator
    n_draws : int

    Returns
    -------
    float64 (n_draws, n_columns)
        NaN throughout if there are fewer than five loci.
    """
    codes, names = pd.factorize(loci)
    if len(names) < MIN_LOCI:
        return np.full((n_draws, r.shape[1]), np.nan)
    sums = np.zeros((len(names), r.shape[1]))
    np.add.at(sums, codes, r)
    sizes = np.bincount(codes)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_draws)
    return np.asarray((drawn @ sums) / (drawn @ sizes)[:, None])


def bootstrap_people(cohort: ScoredCohort, rng: np.random.Generator, *, n_draws: int = 500) -> NDArray[np.float64]:
    """Mean r over genes and fold seeds of each model, with people drawn again and again.

    The models stay as they were fitted: what another set of training people would change is not in it. The same people
    are drawn for all fold seeds.

    Returns
    -------
    float64 (n_kept, n_models)
        Without draws that leave no fold four distinct people (`drawn_fold_r`): 4 in 10 of 20 people in five folds
        of one seed, none of 40.
    """
    n = len(cohort.individual_ids)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=n_draws)
    drawn = np.stack(
        [
            drawn_fold_r(seed.predicted, seed.measured, seed.folds, counts).mean(axis=-1)
            for seed in cohort.seeds.values()
        ]
    )  # (n_seeds, n_draws, n_models)
    kept = ~np.isnan(drawn[..., 0]).all(axis=0)
    return np.asarray(np.nanmean(drawn[:, kept], axis=0))


def compare_models(
    gene_scores: pd.DataFrame, cohort: ScoredCohort, genes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """The mean r of each model, and of each pair the mean difference, with both intervals.

    Parameters
    ----------
    gene_scores : DataFrame, schema ``gene_scores``
        ``weights`` is not needed.
    cohort : ScoredCohort
        The same models and genes.
    genes : DataFrame, schema ``genes``
    rng : Generator

    Returns
    -------
    DataFrame, schema ``model_comparison``
        ``other`` is null where ``difference`` is the model's mean r itself. Intervals are 2.5 % to 97.5 %: ``_loci``
        over 1-Mb loci (null with fewer than five), ``_people`` over people. ``win_rate`` (ties count half) and
        ``wilcoxon_p`` take genes for independent, which neighbours are not: they are descriptive.
    """
    r = gene_matrix(gene_scores)
    loci = assign_loci(genes).reindex(r.index)
    by_loci = bootstrap_loci(r.to_numpy(), loci.to_numpy(), rng)
    order = [cohort.models.index(model) for model in r.columns]
    by_people = bootstrap_people(cohort, rng)[:, order]
    columns = list(range(r.shape[1]))
    pairs: list[tuple[int, int | None]] = [(i, None) for i in columns]
    pairs += [(j, i) for i, j in combinations(columns, 2)]
    rows = []
    for a, b in pairs:
        values = r.iloc[:, a].to_numpy() - (0.0 if b is None else r.iloc[:, b].to_numpy())
        drawn = [draws[:, a] - (0.0 if b is None else draws[:, b]) for draws in (by_loci, by_people)]
        wins = (values > 0).mean() + 0.5 * (values == 0).mean()
        rows.append(
            {
                "model": r.columns[a],
                "other": None if b is None else r.columns[b],
                "n_genes": len(values),
                "n_loci": loci.nunique(),
                "difference": values.mean(),
                "low_loci": np.quantile(drawn[0], INTERVAL[0]),
                "high_loci": np.quantile(drawn[0], INTERVAL[1]),
                "low_people": np.quantile(drawn[1], INTERVAL[0]),
                "high_people": np.quantile(drawn[1], INTERVAL[1]),
                "win_rate": wins,
                "wilcoxon_p": wilcoxon(values).pvalue if values.any() else 1.0,
            }
        )
    return pd.DataFrame(rows)


def permute_people(cohort: ScoredCohort, rng: np.random.Generator, *, n_permutations: int = 200) -> pd.DataFrame:
    """Mean r over genes of each model when predictions are set beside other people's measurements.

    One permutation of everybody is drawn at a time and serves all genes, models and fold seeds: what genes of one region
    share stays, and so does what fold seeds share, whose predictions of a person are nearly the same. r is taken within
    folds, so that it does not matter that the measurements come from other folds. Populations are not kept apart: what
    their means share counts as something that predictions know. The models are not fitted again: this asks whether
    predictions have to do with people, not whether the fit leaks; that is what the tests of leakage are for.

    Returns
    -------
    DataFrame, schema ``permutation_null``
        ``observed``, and over permutations ``mean, low, high`` (2.5 % to 97.5 %) and ``p_value``: the share of
        permutations with a mean r at least as high, the observed one included.
    """
    names = list(cohort.models)
    n = len(cohort.individual_ids)
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(n_permutations))]
    mean_r = np.zeros((len(orders), len(names)))
    for seed in cohort.seeds.values():
        flat = seed.predicted.reshape(-1, n)
        tiled = np.tile(seed.measured, (len(names), 1))
        for i, order in enumerate(orders):
            mean_r[i] += _mean_r(flat, tiled[:, order], seed.folds, len(names)) / len(cohort.seeds)
    observed, null = mean_r[0], mean_r[1:]
    low, high = np.quantile(null, INTERVAL, axis=0)
    return pd.DataFrame(
        {
            "model": names,
            "n_permutations": n_permutations,
            "observed": observed,
            "mean": null.mean(axis=0),
            "low": low,
            "high": high,
            "p_value": (1 + (null >= observed).sum(axis=0)) / (1 + n_permutations),
        }
    )


def _mean_r(
    predicted: NDArray[np.float64], measured: NDArray[np.float64], folds: NDArray[np.int64], n_models: int
) -> NDArray[np.float64]:
    """Mean over genes of the within-fold r (n_models,), of models stacked one below the other."""
    return np.asarray(fold_pearson(predicted, measured, folds)[0].reshape(n_models, -1).mean(axis=1))
