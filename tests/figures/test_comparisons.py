"""Figures and sentences of how sure a result is say what the tables say."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from haploformer.evaluation.accuracy import gene_accuracy, summarise_accuracy
from haploformer.evaluation.populations import count_populations, score_populations
from haploformer.evaluation.published import published_table
from haploformer.evaluation.resampling import compare_models, permute_people
from haploformer.evaluation.scored_cohort import lay_out_scored
from haploformer.evaluation.scores import score_genes
from haploformer.figures import cohort
from haploformer.figures import comparison_tables as tables
from haploformer.figures.comparisons import (
    differences_from,
    plot_model_differences,
    plot_permutation_null,
    plot_populations,
    plot_r_against_heritability,
)
from haploformer.figures.style import order_models
from tests.builders.scored import build_scored, genes_of

SHARES = {"enformer": 0.15, "top_snp": 0.35, "elastic_net": 0.4, "stack_without_enformer": 0.4, "stack": 0.5}


class Study:
    """Every table of a small cohort."""

    def __init__(self, shares: dict[str, float], *, seed: int = 1, n_genes: int = 14) -> None:
        scored = build_scored(np.random.default_rng(seed), shares, n_genes=n_genes)
        self.genes, arrays, rng = genes_of(scored), lay_out_scored(scored), np.random.default_rng(2)
        self.scores = score_genes(scored, self.genes)
        self.comparison = compare_models(self.scores, arrays, self.genes, rng)
        self.null = permute_people(arrays, rng, n_permutations=25)
        self.accuracy = gene_accuracy(self.scores, arrays, set(shares) - {"enformer"})
        people = pd.DataFrame({"individual_id": arrays.individual_ids})
        people["population"] = ["A"] * 40 + ["B"] * 39 + ["C"]
        folds = scored.drop_duplicates(["individual_id", "fold_seed"])[["individual_id", "fold_seed", "fold"]]
        self.audit = count_populations(people, folds)
        self.populations = score_populations(arrays, people, self.audit)


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(SHARES)


def numbers(text: str) -> list[str]:
    return re.findall(r"[+-]?\d+\.\d+", text)


def test_cohort_headlines__are_recomputed_from_the_tables(study) -> None:
    first, second, third = cohort.cohort_headlines(study.comparison, study.scores)
    mean = study.scores.groupby("model")["pearson_r"].mean()
    interval = study.comparison[study.comparison["other"].isna()].set_index("model")
    best = mean[["top_snp", "elastic_net"]].idxmax()
    assert best == "elastic_net"
    assert first.startswith(
        "From genotype alone, the best of 2 models (Elastic net, chosen by this very r, so that it is "
    )
    assert ", of this model by itself)" in first
    assert "over 14 genes" in first
    expected = [mean[best], *interval.loc[best, ["low_people", "high_people"]]]
    expected += [mean["enformer"], *interval.loc["enformer", ["low_people", "high_people"]]]
    assert numbers(first) == [f"{value:.3f}" for value in expected]

    pair = study.comparison.query("model == 'stack' and other == 'stack_without_enformer'").iloc[0]
    told = [f"{mean['stack']:.3f}", f"{mean['stack_without_enformer']:.3f}"]
    told += [
        f"{v:+.3f}" for v in [mean["stack"] - mean["stack_without_enformer"], pair["low_people"], pair["high_people"]]
    ]
    told += [f"{pair['low_loci']:+.3f}", f"{pair['high_loci']:+.3f}"]
    assert numbers(second) == told
    assert second.startswith("Enformer adds to genotype: ")

    wide = study.scores.pivot(index="gene_name", columns="model", values="pearson_r")
    gain = (wide["stack"] - wide["stack_without_enformer"]).sort_values(ascending=False)
    assert f"rises in {(gain > 0.05).sum()} of 14 genes, most in {gain.index[0]} ({gain.iloc[0]:+.3f})" in third
    assert third.endswith(f"falls in {(gain < -0.05).sum()}.")


def test_cohort_headlines__a_single_model_of_dosages_was_not_chosen() -> None:
    study = Study({"enformer": 0.1, "elastic_net": 0.4})
    (only,) = cohort.cohort_headlines(study.comparison, study.scores)
    row = study.comparison.query("model == 'elastic_net' and other.isna()").iloc[0]
    assert only.startswith(
        "From genotype alone, Elastic net predicts the expression of held-out people with a mean r of "
    )
    assert f"{row['difference']:.3f} over 14 genes" in only
    assert "chosen" not in only
    assert "by itself" not in only


@pytest.mark.parametrize(
    ("with_it", "verdict"),
    [(0.1, "Enformer takes away from genotype"), (0.4, "Enformer does not demonstrably change what genotype tells")],
)
def test_cohort_headlines__the_verdict_follows_the_intervals(with_it: float, verdict: str) -> None:
    study = Study({"elastic_net": 0.4, "stack_without_enformer": 0.4, "stack": with_it}, seed=3)
    assert cohort.cohort_headlines(study.comparison, study.scores)[1].startswith(f"{verdict}: ")


def test_cohort_headlines__too_few_loci_leave_the_interval_over_people() -> None:
    study = Study({"elastic_net": 0.4, "stack_without_enformer": 0.4, "stack": 0.6}, n_genes=4)
    second = cohort.cohort_headlines(study.comparison, study.scores)[1]
    assert second.startswith("Enformer adds to genotype: ")
    assert "over people" in second
    assert "over loci" not in second
    assert second.endswith(" over people; too few loci to say so of other genes).")


@pytest.mark.parametrize(
    ("tested", "reasons", "sentence"),
    [
        ("nothing", ["alone"] * 3, "Relatedness was not tested, and duplicates were not looked for: there are too few"),
        (
            "duplicates, kinship (12,345 SNPs on 3 chromosomes), relatedness table",
            ["kinship", "kinship", "alone"],
            "(KING-robust, 12,345 SNPs on 3 chromosomes), or are in the relatedness table: 2 people share a fold with one.",
        ),
        ("duplicates", ["alone"] * 3, "Relatedness was not tested, but for duplicates: there are none."),
        ("duplicates", ["duplicates", "alone", "duplicates"], "for duplicates: 2 people share a fold with one."),
        ("relatedness table", ["alone"] * 3, "Duplicates were not looked for: too few common variants."),
        (
            "duplicates, relatedness table",
            ["alone"] * 3,
            "Relatives are those of the relatedness table, others were not",
        ),
    ],
)
def test_describe_relatives__says_what_was_tested(tested, reasons, sentence) -> None:
    groups = pd.DataFrame({"individual_id": ["P1", "P2", "P3"], "reason": reasons, "tested": tested})
    assert sentence in cohort.describe_relatives(groups)


def test_differences_from__turns_the_pairs_that_stand_the_other_way(study) -> None:
    rows = differences_from(study.comparison, model="elastic_net").set_index("other")
    means = study.scores.groupby("model")["pearson_r"].mean()
    np.testing.assert_allclose(rows["difference"], means["elastic_net"] - means[rows.index])
    for low, high in (("low_loci", "high_loci"), ("low_people", "high_people")):
        assert (rows[low] < rows["difference"]).all()
        assert (rows["difference"] < rows[high]).all()
    wide = study.scores.pivot(index="gene_id", columns="model", values="pearson_r")
    assert rows.loc["stack", "win_rate"] == pytest.approx((wide["elastic_net"] > wide["stack"]).mean())
    with pytest.raises(ValueError, match="compares prs with nothing"):
        differences_from(study.comparison, model="prs")


def test_plot_model_differences__draws_both_intervals(study) -> None:
    figure = plot_model_differences(study.comparison, model="stack")
    loci, people = figure.data
    rows = differences_from(study.comparison, model="stack")
    assert list(loci.x) == list(people.x) == rows["difference"].tolist()
    np.testing.assert_allclose(np.array(people.x) - people.error_x.arrayminus, rows["low_people"])
    np.testing.assert_allclose(np.array(loci.x) + loci.error_x.array, rows["high_loci"])
    without = study.comparison.assign(low_loci=np.nan, high_loci=np.nan)
    assert len(plot_model_differences(without, model="stack").data) == 1


def test_plot_permutation_null__draws_null_and_observed(study) -> None:
    null, observed = plot_permutation_null(study.null).data
    rows = study.null.set_index("model").loc[["enformer", "top_snp", "elastic_net", "stack_without_enformer", "stack"]]
    assert list(observed.x) == rows["observed"].tolist()
    np.testing.assert_allclose(np.array(null.x) + null.error_x.array, rows["high"])


def test_plot_populations__a_trace_for_each_population_and_design(study) -> None:
    held_out = study.populations[study.populations["population"] == "B"].assign(design="held out", pearson_r=0.1)
    figure = plot_populations(pd.concat([study.populations, held_out]))
    assert [trace.name for trace in figure.data] == [
        "A, 40 people, in training",
        "B, 39 people, in training",
        "B, 39 people, held out",
    ]
    means = study.populations.query("population == 'A'").groupby("model")["pearson_r"].mean()
    order = ["enformer", "top_snp", "elastic_net", "stack_without_enformer", "stack"]
    np.testing.assert_allclose(figure.data[0].y, means[order])
    np.testing.assert_allclose(figure.data[2].y, 0.1)


def test_plot_r_against_heritability__the_window_of_the_model_and_genes_without_an_estimate(study) -> None:
    genes = study.genes["gene_id"]
    wide = pd.DataFrame({"gene_id": genes, "cis_window": 2_000_000, "h2": 0.9, "se": 0.1})
    near = wide.assign(cis_window=196_608, h2=np.linspace(0, 0.5, len(genes)))
    near.loc[3, ["h2", "se"]] = np.nan
    of_net = study.scores["model"] == "elastic_net"
    scores = pd.concat([study.scores, study.scores[of_net].assign(model="elastic_net_1mb")])
    models = ["elastic_net", "stack", "elastic_net_1mb"]
    figure = plot_r_against_heritability(scores, pd.concat([wide, near]), models=models)
    net = figure.data[0]
    kept = near.drop(index=3)
    np.testing.assert_allclose(net.x, np.sqrt(kept["h2"]))
    r = study.scores.query("model == 'elastic_net'").set_index("gene_id")["pearson_r"]
    np.testing.assert_allclose(net.y, r[kept["gene_id"]])
    assert [trace.visible for trace in figure.data[:3]] == [True, True, "legendonly"]
    np.testing.assert_allclose(figure.data[2].x, np.sqrt(0.9))
    assert len(figure.data[2].x) == len(genes)
    figure = plot_r_against_heritability(scores, pd.concat([wide, near]), models=models[:2])
    assert "1 gene without an estimate: not drawn" in figure.layout.xaxis.title.text
    with pytest.raises(ValueError, match="no gene has an r and a heritability"):
        plot_r_against_heritability(study.scores, near.assign(h2=np.nan), models=["stack"])


def test_tables__show_the_numbers_and_who_is_left_out(study) -> None:
    means = {row[0].text: [cell.text for cell in row[1:]] for row in tables.mean_table(study.comparison).rows}
    interval = study.comparison[study.comparison["other"].isna()].set_index("model").loc["stack"]
    assert means["Stack"][1] == f"{interval['difference']:.3f}"
    assert means["Stack"][3] == f"{interval['low_people']:.3f} to {interval['high_people']:.3f}"
    few = tables.mean_table(study.comparison.assign(low_loci=np.nan, high_loci=np.nan))
    assert "too few for an interval" in few.caption
    assert few.rows[0][3].text == "\N{EN DASH}"

    differences = tables.difference_table(study.comparison, model="stack")
    assert [row[0].text for row in differences.rows] == ["Enformer", "Top SNP", "Elastic net", "Stack without Enformer"]
    null = tables.null_table(study.null)
    assert null.rows[0][1].text == f"{study.null.iloc[0]['observed']:.3f}"
    summary = summarise_accuracy(study.accuracy, study.scores)
    counts = {row[0].text: row[1].text for row in tables.accuracy_table(summary).rows}
    q = study.accuracy.query("model == 'stack' and q_value <= 0.05 and sign > 0")
    assert counts["Stack"] == f"{len(q)} of 14"

    populations = tables.population_table(study.populations, study.audit)
    means = study.populations.groupby(["model", "population"])["pearson_r"].mean()
    assert [column.label.split(",")[0] for column in populations.columns] == ["Model", "A", "B"]
    assert len(populations.rows) == study.populations["model"].nunique()
    for model, row in zip(order_models(study.populations["model"]), populations.rows, strict=True):
        assert [cell.text for cell in row[1:]] == [f"{means[model, name]:.3f}" for name in "AB"]
    nobody = tables.population_table(study.populations.iloc[:0], study.audit.assign(scored=False, reason="few"))
    assert [row[0].text for row in nobody.rows] == ["A", "B", "C"]
    assert "Not scored: A: few; B: few; C: few." in nobody.caption
    assert "Not scored: C: 1 person, 0 in a fold; an r needs 4." in populations.caption
    assert len(tables.published_table(published_table()).rows) == len(published_table())


def person_scores() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = [
        (f"P{i}", model, quantity, 30, r)
        for quantity, models in (("deviation", ("stack", "prs")), ("level", ("enformer",)))
        for model in models
        for i, r in enumerate(rng.uniform(-0.5, 0.9, 41))
    ]
    return pd.DataFrame(rows, columns=["individual_id", "model", "quantity", "n_genes", "pearson_r"])


def test_person_table__tells_the_spread_over_people_and_nobody_by_name() -> None:
    scores = person_scores()
    table = tables.person_table(scores)
    assert [[cell.text for cell in row[:4]] for row in table.rows] == [
        ["PRS", "Deviations", "41", "30"],
        ["Stack", "Deviations", "41", "30"],
        ["Enformer", "Levels", "41", "30"],
    ]
    r = scores.loc[scores["model"] == "stack", "pearson_r"]
    low, high = np.quantile(r, [0.05, 0.95])
    told = [f"{r.median():.3f}", f"{low:.3f} to {high:.3f}", f"{(r > 0).sum()} of 41"]
    assert [cell.text for cell in table.rows[1][4:]] == told
    assert "P0" not in str(table)
    assert f"uncertain by about {1 / np.sqrt(27):.2f}" in table.caption
    assert "Not comparable with the r of a gene." in table.caption
    assert "Levels: logarithms" in table.caption
    assert "Levels" not in tables.person_table(scores[scores["quantity"] == "deviation"]).caption


def test_unadjusted_table__says_that_it_is_not_comparable() -> None:
    scores = pd.DataFrame(
        {
            "gene_id": ["a", "b", "c"] * 2,
            "model": ["covariates_only"] * 3 + ["genotype_pcs_unadjusted"] * 3,
            "pearson_r": [0.1, 0.2, 0.6, -0.1, 0.0, 0.4],
        }
    )
    table = tables.unadjusted_table(scores)
    found = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert found == {"Covariates only": ["3", "0.300", "0.200"], "Genotype PCs": ["3", "0.100", "0.000"]}
    assert "Not comparable with the r of the other models" in table.caption
