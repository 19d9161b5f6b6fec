"""r of weights from other genes, within folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.evaluation.designs import tabulate_designs
from haploformer.evaluation.held_out_genes import SharedSeed, no_shared_scores, score_shared, score_shared_population
from haploformer.evaluation.scores import score_genes
from haploformer.summary_text import describe_held_out_genes
from tests.builders.dosages import deal_folds
from tests.builders.scored import build_scored, genes_of
from tests.oracles.regression import within_fold_r

N, GENES = 60, ["G1", "G2", "G3"]


@pytest.fixture
def seed() -> SharedSeed:
    rng = np.random.default_rng(3)
    folds = deal_folds(rng, N)
    expression = rng.normal(size=(len(GENES), N))
    measured = np.stack([expression + k for k in range(5)])
    seen = np.stack([expression + rng.normal(size=expression.shape) for _ in range(5)])
    seen[:, 0][np.arange(5)[:, None] == folds] = np.nan
    unseen = expression + 2 * rng.normal(size=expression.shape) + 10 * folds
    return SharedSeed(unseen, seen, measured, folds)


def test_score_shared__seen_and_unseen_people(seed) -> None:
    table = score_shared([seed, seed], GENES, np.array([0, 1, 0]), model="shared_stack")
    table = schemas.shared_stack_scores.validate(table).set_index(["gene_id", "people"])
    own = seed.measured[seed.folds, 1, np.arange(N)]
    expected = within_fold_r(seed.unseen[1], own, seed.folds)
    assert table.loc[("G2", "unseen"), "pearson_r"] == pytest.approx(expected)
    of_fold = []
    for k in range(5):
        train = seed.folds != k
        numbered = np.unique(seed.folds[train], return_inverse=True)[1]
        of_fold.append(within_fold_r(seed.seen[k, 1, train], seed.measured[k, 1, train], numbered))
    assert table.loc[("G2", "seen"), "pearson_r"] == pytest.approx(np.mean(of_fold))
    assert table.loc["G2", "gene_fold"].tolist() == [1, 1]


def test_score_shared_population__of_its_people_alone(seed) -> None:
    held_out = seed.folds == 4
    held_out[np.flatnonzero(held_out)[0]] = False
    table = score_shared_population(
        seed, held_out, GENES, np.zeros(3, int), model="shared_stack_enformer", population="A"
    )
    table = schemas.shared_stack_scores.validate(table)
    assert table["n"].tolist() == [11] * 3
    expected = np.corrcoef(seed.unseen[2, held_out], seed.measured[4, 2, held_out])[0, 1]
    assert table["pearson_r"].iloc[2] == pytest.approx(expected)


def test_tabulate_designs__cells_of_weights_from_other_genes(seed) -> None:
    scored = build_scored(np.random.default_rng(2), {"enformer": 0.2}, n=60)
    scores = score_genes(scored, genes_of(scored))
    held_out = scores[["gene_id", "model", "pearson_r"]].assign(population="A")
    folds = np.array([0, 1, 0])
    shared = [score_shared([seed], GENES, folds, model=name) for name in ("shared_stack", "shared_stack_enformer")]
    populations = [
        score_shared_population(seed, seed.folds == k, GENES, folds, model="shared_stack_enformer", population=str(k))
        for k in (3, 4)
    ]
    table = pd.concat([*shared, *populations], ignore_index=True)
    cells = schemas.design_cells.validate(tabulate_designs(scores, held_out, zero_shot=["enformer"], shared=table))
    found = cells.set_index(["model", "genes", "people"])["mean_pearson_r"]
    assert set(found.loc["shared_stack"].index) == {
        ("unseen by the weights", "seen"),
        ("unseen by the weights", "unseen"),
    }
    assert set(found.loc["shared_stack_enformer"].index) == {
        ("unseen", "seen"),
        ("unseen", "unseen"),
        ("unseen", "unseen population"),
    }
    by_population = np.mean([part["pearson_r"].mean() for part in populations])
    assert found["shared_stack_enformer", "unseen", "unseen population"] == pytest.approx(by_population)
    lines = describe_held_out_genes(shared[0]).splitlines()
    assert lines[1].split() == [
        "shared_stack",
        "seen",
        "3",
        f"{found['shared_stack', 'unseen by the weights', 'seen']:.3f}",
    ]
    assert describe_held_out_genes(no_shared_scores()) == "No gene is held out: their windows overlap."
    empty = schemas.shared_stack_scores.validate(no_shared_scores())
    assert len(tabulate_designs(scores, held_out, zero_shot=["enformer"], shared=empty)) == 6
