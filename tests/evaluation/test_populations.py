"""r within populations, and the designs in which a model has seen them or not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.evaluation.designs import tabulate_designs
from haploformer.evaluation.populations import count_populations, score_held_out_population, score_populations
from haploformer.evaluation.scored_cohort import lay_out_scored
from haploformer.evaluation.scores import score_genes
from haploformer.stacking.folds import assign_person_folds
from tests.builders.scored import build_scored, genes_of
from tests.oracles.regression import within_fold_r

N = 80
PEOPLE = [f"P{i:03d}" for i in range(N)]


def individuals(populations: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"individual_id": PEOPLE, "population": populations})


def test_count_populations__one_person_and_few_are_told() -> None:
    populations = ["A"] * 50 + ["B"] * 20 + ["C"] * 8 + ["D"] + [None]
    folds = assign_person_folds(PEOPLE, populations, n_folds=5, seeds=[1, 2])
    audit = schemas.population_audit.validate(count_populations(individuals(populations), folds)).set_index(
        "population"
    )
    assert audit["scored"].to_dict() == {"A": True, "B": True, "C": False, "D": False}
    assert audit.loc["C", "reason"] == "8 people, 1 in a fold; an r needs 4"
    assert audit.loc["D", "reason"] == "1 person, 0 in a fold; an r needs 4"


def test_score_populations__is_within_and_does_not_count_their_means() -> None:
    """Two populations that differ in both sides' means: pooled r is large, within either there is nothing."""
    rng = np.random.default_rng(1)
    populations = ["A"] * 40 + ["B"] * 40
    scored = build_scored(rng, {"pcs": 0.0}, n_genes=30)
    second = scored["individual_id"].isin(PEOPLE[40:])
    scored.loc[second, ["measured", "predicted"]] += 3.0
    folds = scored.drop_duplicates(["individual_id", "fold_seed"])[["individual_id", "fold_seed", "fold"]]
    people = individuals(populations)
    table = score_populations(lay_out_scored(scored), people, count_populations(people, folds))
    table = schemas.population_scores.validate(table)
    pooled = score_genes(scored, genes_of(scored))["pearson_r"].mean()
    assert pooled > 0.6
    assert table.groupby("population")["pearson_r"].mean().abs().max() < 3 * 0.16 / np.sqrt(30)
    rows = scored.query("gene_id == 'G003' and individual_id in @PEOPLE[:40]")
    expected = np.mean(
        [
            within_fold_r(*(one[c].to_numpy() for c in ("predicted", "measured", "fold")))
            for _, one in rows.groupby("fold_seed")
        ]
    )
    found = table.query("gene_id == 'G003' and population == 'A'").iloc[0]
    assert found["pearson_r"] == pytest.approx(expected)
    assert found["n"] == 40


def test_score_populations__none_large_enough_gives_no_row() -> None:
    scored = build_scored(np.random.default_rng(1), {"m": 0.5})
    folds = scored.drop_duplicates(["individual_id", "fold_seed"])[["individual_id", "fold_seed", "fold"]]
    people = individuals([f"pop{i // 3}" for i in range(N)])
    audit = count_populations(people, folds)
    assert not audit["scored"].any()
    assert schemas.population_scores.validate(score_populations(lay_out_scored(scored), people, audit)).empty


def test_tabulate_designs__fills_the_cells_that_a_model_can_fill() -> None:
    scored = build_scored(np.random.default_rng(2), {"enformer": 0.2, "elastic_net": 0.4})
    scores = score_genes(scored, genes_of(scored))
    parts = []
    for population, share in (("A", 0.3), ("B", 0.1)):
        one = build_scored(np.random.default_rng(3), {"enformer": 0.2, "elastic_net": share}, seeds=(0,), n_folds=1)
        parts.append(score_held_out_population(lay_out_scored(one), population))
    held_out = schemas.population_scores.validate(pd.concat(parts))
    cells = schemas.design_cells.validate(tabulate_designs(scores, held_out, zero_shot=["enformer"]))
    filled = cells.dropna(subset=["mean_pearson_r"]).set_index(["model", "genes", "people"])["mean_pearson_r"]
    assert set(filled.index) == {
        ("enformer", "unseen", "unseen"),
        ("enformer", "unseen", "unseen population"),
        ("elastic_net", "seen", "unseen"),
        ("elastic_net", "seen", "unseen population"),
    }
    by_population = held_out.query("model == 'elastic_net'").groupby("population")["pearson_r"].mean()
    assert filled["elastic_net", "seen", "unseen population"] == pytest.approx(by_population.mean())
    assert filled["elastic_net", "seen", "unseen"] == pytest.approx(
        scores.query("model == 'elastic_net'")["pearson_r"].mean()
    )
    assert "fitted to the variants of its own genes" in set(cells["remark"])
