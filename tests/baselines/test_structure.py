"""Components of genotypes and covariates as predictors: training people's, and blind to the others' expression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

from haploformer import schemas
from haploformer.baselines.structure import (
    PC_PRUNE_DISTANCE,
    GenotypeComponents,
    genotype_components,
    out_of_fold_linear,
    predict_from_columns,
)
from haploformer.expression.covariates import adjustment
from haploformer.genome.genotypes import Genotypes
from tests.builders.dosages import deal_folds

N = 90
TRAIN = np.arange(N) % 3 > 0
PEOPLE = [f"P{i}" for i in range(N)]


def two_populations(rng: np.random.Generator, n_variants: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Dosages of unlinked variants whose frequencies differ between two populations, and who is in the second one."""
    second = rng.random(N) < 0.5
    frequency = rng.uniform(0.2, 0.8, (2, n_variants))
    return rng.binomial(2, frequency[second.astype(int)]).astype(np.float32), second


def places(n_variants: int) -> dict[str, np.ndarray]:
    """Too far from each other to be pruned."""
    return {
        "contigs": np.full(n_variants, "22", dtype=object),
        "positions": np.arange(n_variants) * (PC_PRUNE_DISTANCE + 1),
    }


def test_genotype_components__equal_those_of_scikit_learn_fitted_to_training_people():
    dosages, second = two_populations(np.random.default_rng(1))
    ours = genotype_components(dosages, TRAIN, **places(60), n_components=4)
    standardised = (dosages - dosages[TRAIN].mean(0)) / dosages[TRAIN].std(0, dtype=float)
    pca = PCA(4, svd_solver="full").fit(standardised[TRAIN])
    theirs = pca.transform(standardised)
    theirs /= theirs[TRAIN].std(0)
    signs = np.sign((ours * theirs).sum(0))
    np.testing.assert_allclose(ours * signs, theirs, atol=1e-4)
    assert abs(np.corrcoef(ours[~TRAIN, 0], second[~TRAIN])[0, 1]) > 0.9


def test_genotype_components__linked_neighbours_count_once():
    dosages, _ = two_populations(np.random.default_rng(2))
    twins = np.repeat(dosages, 3, axis=1)
    where = places(60)
    near = {
        "contigs": np.repeat(where["contigs"], 3),
        "positions": np.repeat(where["positions"], 3) + np.tile(range(3), 60),
    }
    alone = genotype_components(dosages, TRAIN, **where, n_components=4)
    np.testing.assert_array_equal(genotype_components(twins, TRAIN, **near, n_components=4), alone)
    other = {"contigs": np.tile(np.array(["20", "21", "22"], dtype=object), 60), "positions": near["positions"]}
    order = np.argsort(other["contigs"], kind="stable")
    apart = {name: values[order] for name, values in other.items()}
    assert not np.allclose(genotype_components(twins[:, order], TRAIN, **apart, n_components=4), alone)


def test_genotype_components__a_held_out_person_changes_no_other_place():
    dosages, _ = two_populations(np.random.default_rng(3))
    changed = dosages.copy()
    changed[0] = 2 - changed[0]
    assert not TRAIN[0]
    first, second = (genotype_components(d, TRAIN, **places(60), n_components=4) for d in (dosages, changed))
    np.testing.assert_array_equal(first[1:], second[1:])
    assert not np.allclose(first[0], second[0])


def test_genotype_components__without_common_variants_there_are_none():
    rare = np.zeros((N, 5), np.float32)
    rare[1, :] = 1
    assert genotype_components(rare, TRAIN, **places(5), n_components=4).shape == (N, 0)


def test_out_of_fold_linear__is_least_squares_on_training_people():
    rng = np.random.default_rng(4)
    columns, responses = rng.normal(size=(N, 3)), rng.normal(size=(N, 2)) + 5
    collinear = np.column_stack([columns, columns[:, 0] + columns[:, 1], np.full(N, 7.0)])
    expected = LinearRegression().fit(columns[TRAIN], responses[TRAIN]).predict(columns)
    np.testing.assert_allclose(out_of_fold_linear(columns, responses, TRAIN), expected, atol=1e-12)
    np.testing.assert_allclose(out_of_fold_linear(collinear, responses, TRAIN), expected, atol=1e-10)
    mean = np.broadcast_to(responses[TRAIN].mean(0), responses.shape)
    np.testing.assert_allclose(out_of_fold_linear(np.empty((N, 0)), responses, TRAIN), mean)


@pytest.mark.parametrize("adjusted", [False, True])
def test_predict_from_columns__a_held_out_person_changes_no_prediction_of_its_fold_to_the_bit(adjusted: bool):
    rng = np.random.default_rng(5)
    covariates = rng.normal(size=(N, 2))
    columns = rng.normal(size=(N, 3))
    folds = {0: deal_folds(rng, N), 7: deal_folds(rng, N)}
    expression = {"G1": rng.normal(size=N), "G2": rng.normal(size=N)}
    changed = {gene: np.where(np.arange(N) == 11, 9.0, values) for gene, values in expression.items()}

    def columns_of(train: np.ndarray) -> np.ndarray:
        return columns

    options = {"model": "pcs", "adjust": adjustment(covariates) if adjusted else None}
    first, second = (
        schemas.predicted_expression.validate(predict_from_columns(columns_of, e, PEOPLE, folds, **options))
        for e in (expression, changed)
    )
    for seed, of_seed in folds.items():
        without = (first["fold_seed"] == seed) & (first["fold"] == of_seed[11])
        assert first[without].equals(second[without])
        others = (first["fold_seed"] == seed) & (first["fold"] != of_seed[11])
        assert not first[others].equals(second[others])


def test_predict_from_columns__covariates_say_nothing_of_what_is_adjusted_for_them():
    """Why they are scored against expression as measured."""
    rng = np.random.default_rng(6)
    covariates = rng.normal(size=(N, 2))
    expression = {"G": covariates @ [1.0, 0.5] + 0.1 * rng.normal(size=N)}
    folds = {0: deal_folds(rng, N)}

    def columns_of(train: np.ndarray) -> np.ndarray:
        return covariates

    shared = (columns_of, expression, PEOPLE, folds)
    adjusted = predict_from_columns(*shared, model="c", adjust=adjustment(covariates))["predicted_expression"]
    measured = predict_from_columns(*shared, model="c")["predicted_expression"]
    np.testing.assert_allclose(adjusted, 0, atol=1e-12)
    assert np.corrcoef(measured, expression["G"])[0, 1] > 0.99


def test_components_of__evenly_spread_records_and_one_fit_for_a_training_set():
    rng = np.random.default_rng(7)
    dosages, _ = two_populations(rng)
    alleles = np.stack([dosages.T >= 1, dosages.T == 2], axis=-1).astype(np.int8)
    records = {"contig": "22", "pos": np.arange(60) * 300_000 + 1, "variant_id": [f"v{i}" for i in range(60)]}
    genotypes = Genotypes(pd.DataFrame(records | {"ref": "A", "alt": "C"}), PEOPLE, alleles)
    components = GenotypeComponents.of(genotypes, n_components=4)
    np.testing.assert_array_equal(components.dosages, dosages)
    assert components.of_training(TRAIN) is components.of_training(TRAIN.copy())
    expected = genotype_components(dosages, TRAIN, **places(60), n_components=4)
    np.testing.assert_allclose(components.of_training(TRAIN), expected)
