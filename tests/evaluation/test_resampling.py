"""Intervals cover what they should, comparisons go the right way, and permuted people give 0."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, wilcoxon

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.evaluation.metrics import drawn_fold_r
from haploformer.evaluation.resampling import (
    assign_loci,
    bootstrap_loci,
    bootstrap_people,
    compare_models,
    permute_people,
)
from haploformer.evaluation.scored_cohort import lay_out_scored
from haploformer.evaluation.scores import score_genes
from tests.builders.scored import build_scored, genes_of
from tests.oracles.regression import within_fold_r

SHARES = {"enformer": 0.1, "elastic_net": 0.4, "stack": 0.5}


@pytest.fixture(scope="module")
def scored():
    return build_scored(np.random.default_rng(1), SHARES)


def test_lay_out_scored__keeps_every_value_and_refuses_a_hole(scored) -> None:
    cohort = lay_out_scored(scored.sample(frac=1, random_state=1))
    model, gene, person = (
        cohort.models.index("stack"),
        cohort.gene_ids.index("G003"),
        cohort.individual_ids.index("P007"),
    )
    row = scored.query("model == 'stack' and gene_id == 'G003' and individual_id == 'P007' and fold_seed == 2").iloc[0]
    seed = cohort.seeds[2]
    assert (seed.predicted[model, gene, person], seed.measured[gene, person], seed.folds[person]) == (
        row["predicted"],
        row["measured"],
        row["fold"],
    )
    with pytest.raises(InputError, match=r"fold_seed 1, gene_id G000, individual_id P000: no finite predicted value"):
        lay_out_scored(scored.iloc[1:])
    holed = scored.copy()
    holed.loc[5, "measured"] = np.nan
    with pytest.raises(InputError, match=r"individual_id P005: no finite measured value"):
        lay_out_scored(holed)


def test_drawn_fold_r__of_everybody_once_and_of_people_drawn_twice(scored) -> None:
    cohort = lay_out_scored(scored)
    seed, n = cohort.seeds[1], len(cohort.individual_ids)
    counts = np.ones((2, n), dtype=np.int64)
    drawn = np.random.default_rng(0).integers(0, n, n)
    counts[1] = np.bincount(drawn, minlength=n)
    found = drawn_fold_r(seed.predicted, seed.measured, seed.folds, counts).mean(axis=-1)
    once = [within_fold_r(seed.predicted[1, g], seed.measured[g], seed.folds) for g in range(12)]
    np.testing.assert_allclose(found[0, 1], np.mean(once), atol=1e-12)
    distinct = np.array([len(np.unique(drawn[seed.folds[drawn] == k])) for k in range(5)])
    assert (distinct < 16).all()
    expected = []
    for g in range(12):
        people = [drawn[seed.folds[drawn] == k] for k in range(5)]
        r = [np.corrcoef(seed.predicted[1, g, who], seed.measured[g, who])[0, 1] for who in people]
        expected.append(np.tanh(np.average(np.arctanh(r), weights=distinct - 3)))
    np.testing.assert_allclose(found[1, 1], np.mean(expected), atol=1e-12)


def test_drawn_fold_r__fewer_than_four_distinct_people_of_a_fold_do_not_count() -> None:
    cohort = lay_out_scored(build_scored(np.random.default_rng(4), {"m": 0.5}, n=24, n_genes=2, seeds=(1,), n_folds=4))
    seed = cohort.seeds[1]
    counts = np.ones((3, 24), dtype=np.int64)
    first = np.flatnonzero(seed.folds == 0)
    counts[1, first] = [3, 2, 1, 0, 0, 0]
    counts[2] = np.where(np.arange(24) == first[0], 24, 0)
    found = drawn_fold_r(seed.predicted, seed.measured, seed.folds, counts)
    others = seed.folds != 0
    expected = [
        within_fold_r(seed.predicted[0, g, others], seed.measured[g, others], seed.folds[others] - 1) for g in (0, 1)
    ]
    np.testing.assert_allclose(found[1, 0], expected, atol=1e-12)
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[2]).all()


@pytest.mark.parametrize(("n", "kept"), [(20, 0.4), (40, 1.0)])
def test_bootstrap_people__of_few_people_is_as_wide_as_cohorts_differ(n: int, kept: float) -> None:
    """Draws in which two people are all that is left of a fold would have an r of 1 or -1."""
    means, draws = [], []
    for number in range(40):
        rng = np.random.default_rng(number)
        cohort = lay_out_scored(build_scored(rng, {"m": 0.5}, n=n, n_genes=6, seeds=(1,)))
        means.append(drawn_fold_r(*sides_of(cohort), np.ones((1, n), dtype=np.int64)).mean())
        draws.append(bootstrap_people(cohort, rng, n_draws=200)[:, 0])
    low, high = np.array([np.quantile(of, [0.025, 0.975]) for of in draws]).T
    assert np.mean([len(of) for of in draws]) > kept * 200 - 1
    assert np.mean((low < np.mean(means)) & (np.mean(means) < high)) > 0.8
    assert np.mean(high - low) < 5.5 * np.std(means) + 0.1
    assert np.mean([of.mean() for of in draws]) == pytest.approx(np.mean(means), abs=0.12)


def sides_of(cohort) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    seed = cohort.seeds[1]
    return seed.predicted, seed.measured, seed.folds


def test_drawn_fold_r__a_constant_prediction_counts_as_0(scored) -> None:
    flat = scored.copy()
    flat.loc[flat["model"] == "enformer", "predicted"] = 3.7
    people = bootstrap_people(lay_out_scored(flat), np.random.default_rng(0), n_draws=20)
    assert not people[:, 0].any()
    assert np.isfinite(people).all()


def test_bootstrap_loci__whole_loci_are_drawn() -> None:
    rng = np.random.default_rng(0)
    level = rng.normal(size=40)
    r = np.repeat(level, 10)[:, None] + 1e-9 * rng.normal(size=(400, 1))
    loci = np.repeat([f"1:{i}" for i in range(40)], 10).astype(object)
    spread = bootstrap_loci(r, loci, rng).std()
    assert spread == pytest.approx(level.std() / np.sqrt(40), rel=0.1)
    alone = bootstrap_loci(r, np.arange(400).astype(object), rng).std()
    assert alone < 0.4 * spread  # genes drawn one by one would claim three times the certainty
    assert np.isnan(bootstrap_loci(r[:40], loci[:40], rng)).all()


def test_assign_loci__by_contig_and_megabase(scored) -> None:
    genes = genes_of(scored).assign(contig=["1"] * 6 + ["2"] * 6)
    loci = assign_loci(genes)
    assert loci["G000"] == loci["G001"] == "1:0"
    assert loci["G002"] == "1:1"
    assert loci["G006"] == "2:4"


def test_compare_models__covers_the_truth_and_tells_the_models_apart(scored) -> None:
    scores = score_genes(scored, genes_of(scored))
    table = compare_models(scores, lay_out_scored(scored), genes_of(scored), np.random.default_rng(2))
    table = schemas.model_comparison.validate(table)
    assert len(table) == 3 + 3
    means = table[table["other"].isna()].set_index("model")
    for model, share in SHARES.items():
        assert means.loc[model, "difference"] == pytest.approx(scores.query("model == @model")["pearson_r"].mean())
        assert means.loc[model, "low_people"] < share < means.loc[model, "high_people"]
        assert means.loc[model, "low_loci"] < means.loc[model, "difference"] < means.loc[model, "high_loci"]
    pair = table.query("model == 'stack' and other == 'enformer'").iloc[0]
    wide = scores.pivot(index="gene_id", columns="model", values="pearson_r")
    difference = wide["stack"] - wide["enformer"]
    assert pair["difference"] == pytest.approx(difference.mean())
    assert pair["win_rate"] == (difference > 0).mean()
    assert pair["wilcoxon_p"] == wilcoxon(difference).pvalue
    assert min(pair["low_loci"], pair["low_people"]) > 0.2


def test_compare_models__interval_over_people_holds_the_mean_95_times_in_100() -> None:
    """The spread over people of the mean r is what many cohorts would show."""
    means, widths = [], []
    for seed in range(60):
        cohort = lay_out_scored(build_scored(np.random.default_rng(seed), {"m": 0.3}, n_genes=4, seeds=(1,)))
        means.append(drawn_fold_r(*sides_of(cohort), np.ones((1, 80), dtype=np.int64)).mean())
        widths.append(bootstrap_people(cohort, np.random.default_rng(seed), n_draws=100)[:, 0].std())
    assert np.mean(widths) == pytest.approx(np.std(means), rel=0.25)


def test_permute_people__is_around_0_and_below_what_is_observed(scored) -> None:
    null = permute_people(lay_out_scored(scored), np.random.default_rng(3), n_permutations=100)
    null = schemas.permutation_null.validate(null).set_index("model")
    standard_error = (null["high"] - null["low"]) / 3.92 / np.sqrt(100)
    assert (null["mean"].abs() < 3 * standard_error).all()
    assert null.loc["stack", "p_value"] == 1 / 101
    scores = score_genes(scored, genes_of(scored)).groupby("model")["pearson_r"].mean()
    np.testing.assert_allclose(null["observed"], scores[null.index])
    assert (null["observed"] > null["high"]).all()


@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3, 4, 5)])
def test_permute_people__predictions_of_nothing_are_inside_their_null(seeds: tuple[int, ...]) -> None:
    p = []
    for number in range(100):
        rng = np.random.default_rng(number)
        scored = build_scored(rng, {"m": 0.0}, n=60, n_genes=3, seeds=seeds, same_in_seeds=True)
        p.append(permute_people(lay_out_scored(scored), rng, n_permutations=19)["p_value"][0])
    assert 0.4 < np.mean(p) < 0.65
    for share in (0.05, 0.5):
        low, high = binom.interval(0.999, len(p), share)
        assert low <= np.sum(np.array(p) <= share) <= high
