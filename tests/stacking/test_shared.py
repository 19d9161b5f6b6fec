"""Weights from other genes: they find what all genes share, and have seen neither the gene nor the person."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from haploformer import schemas
from haploformer.expression.covariates import adjustment
from haploformer.stacking.features import OutOfFold
from haploformer.stacking.shared import share_weights, shared_weight_rows
from tests.builders.dosages import deal_folds
from tests.oracles.regression import residuals

N, N_GENES = 90, 12


class Study:
    """Genes of which Enformer tells a part with the sign turned, and a level-1 model another part."""

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        self.covariates = rng.normal(size=(N, 2))
        self.folds = deal_folds(rng, N)
        self.gene_folds = np.arange(N_GENES) % 3
        self.enformer = rng.normal(size=(N_GENES, N)) * rng.uniform(0.01, 1, (N_GENES, 1))
        common = rng.normal(size=(N_GENES, N))
        z = self.enformer / self.enformer.std(axis=1, keepdims=True)
        self.expression = 5 - 0.5 * z + 0.6 * common + 0.5 * rng.normal(size=z.shape) + self.covariates @ [0.4, 0.2]
        self.level_1 = 0.6 * common
        self.adjust = adjustment(self.covariates)

    def fitted(self) -> dict[str, OutOfFold]:
        inner = np.broadcast_to(self.level_1[:, None], (N_GENES, 5, N)).copy()
        inner[:, self.folds[None] == np.arange(5)[:, None]] = np.nan
        return {"net": OutOfFold(self.level_1, inner)}

    def share(self, expression: np.ndarray | None = None, **zero_shot: np.ndarray):
        expression = self.expression if expression is None else expression
        columns = {"enformer": self.enformer} | zero_shot
        fold_arguments = (self.folds, self.gene_folds, self.adjust)
        return share_weights(expression, *fold_arguments, fitted=self.fitted(), zero_shot=columns)


@pytest.fixture(scope="module")
def study() -> Study:
    return Study()


def test_share_weights__one_weight_for_all_genes_of_either_sign_for_enformer(study) -> None:
    nothing = np.full((N_GENES, N), np.nan)
    result = study.share(nothing=nothing, constant=np.ones((N_GENES, N)))
    assert result.features == ("net", "enformer", "nothing", "constant")
    assert (result.weights[..., 0] > 0.9).all()  # in units of expression
    assert (result.weights[..., 1] < -0.4).all()
    assert not result.weights[..., 2:].any()
    r = [np.corrcoef(result.unseen[g], study.expression[g])[0, 1] for g in range(N_GENES)]
    assert np.mean(r) > 0.6
    held_out = np.isnan(result.seen).all(axis=1)
    np.testing.assert_array_equal(held_out, study.folds[None] == np.arange(5)[:, None])


def test_share_weights__solves_the_least_squares_of_the_other_genes(study) -> None:
    result, fold, genes = study.share(), 1, 2
    train, rows, targets = study.folds != fold, [], []
    for g in np.flatnonzero(study.gene_folds != genes):
        measured = residuals(study.covariates, study.expression[g], train)
        enformer = residuals(study.covariates, study.enformer[g], train)
        net = study.level_1[g].copy()
        for j in set(range(5)) - {fold}:
            net[study.folds == j] -= net[study.folds == j].mean()
        rows.append(np.column_stack([net / measured[train].std(), enformer / enformer[train].std()])[train])
        targets.append((measured / measured[train].std())[train])
    expected = lsq_linear(np.concatenate(rows), np.concatenate(targets), bounds=([0, -np.inf], np.inf), tol=1e-13).x
    np.testing.assert_allclose(result.weights[fold, genes], expected, atol=1e-6)


def test_share_weights__held_out_genes_and_people_change_no_weight_to_the_bit(study) -> None:
    first = study.share()
    own = (study.gene_folds == 1)[:, None]
    second = study.share(np.where(own, study.expression[:, ::-1] * 3, study.expression))
    np.testing.assert_array_equal(first.weights[:, 1], second.weights[:, 1])
    assert (first.weights[:, 0] != second.weights[:, 0]).any()

    fold = 3
    changed = np.where(study.folds == fold, study.expression[:, ::-1] + 9, study.expression)
    second = study.share(changed)
    np.testing.assert_array_equal(first.weights[fold], second.weights[fold])
    out = study.folds == fold
    np.testing.assert_array_equal(first.unseen[:, out], second.unseen[:, out])
    assert (first.weights[0] != second.weights[0]).any()

    # A gene whose training people vary little beside the expression of those held out varies nevertheless.
    small = 1e-3 * study.expression
    first, second = (study.share(np.where(out, values, small)) for values in (small, small + 1e8))
    np.testing.assert_array_equal(first.weights[fold], second.weights[fold])
    np.testing.assert_array_equal(first.unseen[:, out], second.unseen[:, out])
    assert first.weights[fold].any()


def test_share_weights__a_level_1_model_that_goes_the_wrong_way_has_weight_0_and_one_fold_is_refused(study) -> None:
    turned = {"net": OutOfFold(-study.level_1, -study.fitted()["net"].inner)}
    arguments = (study.expression, study.folds, study.gene_folds, study.adjust)
    assert not share_weights(*arguments, fitted=turned, zero_shot={}).weights.any()
    with pytest.raises(ValueError, match="two folds of genes"):
        share_weights(study.expression, study.folds, np.zeros(N_GENES, int), study.adjust, fitted={}, zero_shot={})


def test_shared_weight_rows__fit_the_schema(study) -> None:
    result = study.share()
    rows = shared_weight_rows(result, model="shared_stack", fold_seed=2, folds=[0, 4])
    table = schemas.shared_stack_weights.validate(rows)
    assert len(table) == 2 * 3 * 2
    one = table[(table["fold"] == 4) & (table["gene_fold"] == 1)].set_index("feature")["weight"]
    np.testing.assert_array_equal(one[list(result.features)], result.weights[4, 1])
