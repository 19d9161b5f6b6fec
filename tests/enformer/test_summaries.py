"""From tracks to one number: coverage is averaged first, the logarithm comes last."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer import schemas
from haploformer.enformer.summaries import (
    ALL_TRACKS_MEAN,
    TISSUE_MEAN,
    haplotype_mean,
    summarise_gene,
    zero_shot_predictions,
)


def test_haplotype_mean__over_each_persons_copies():
    coverage = np.array([[1, 10], [3, 20], [5, 30], [7, 50]], np.float32)
    mean = haplotype_mean(coverage, np.array([1, 0, 1, 0]), 2)
    assert mean.dtype == np.float64
    assert mean.tolist() == [[5, 35], [3, 20]]


def test_haplotype_mean__a_haploid_person_has_the_mean_of_one():
    mean = haplotype_mean(np.array([[4.0], [2.0], [6.0]], np.float32), np.array([0, 1, 1]), 2)
    assert mean.tolist() == [[4.0], [4.0]]


def test_haplotype_mean__nobody_without_a_copy_gets_a_number():
    mean = haplotype_mean(np.array([[4.0]], np.float32), np.array([1]), 3)
    assert mean[1].tolist() == [4.0]
    assert np.isnan(mean[[0, 2]]).all()


def test_haplotype_mean__sums_in_float64():
    coverage = np.full((2, 1), 16_777_217.0, np.float32)
    coverage[1] = 1.0
    assert haplotype_mean(coverage, np.array([0, 0]), 1)[0, 0] == (float(np.float32(16_777_217.0)) + 1) / 2


def summarise(personal, reference, tissue):
    people = [f"P{i}" for i in range(len(personal))]
    tracks = {TISSUE_MEAN: tissue, ALL_TRACKS_MEAN: range(len(reference))}
    table = summarise_gene("g", people, np.array(personal), np.array(reference, np.float32), tracks=tracks)
    return schemas.enformer_summaries(table).set_index(["summary", "individual_id"])


def test_summarise_gene__the_logarithm_of_the_mean_not_the_mean_of_logarithms():
    table = summarise([[0.0, 6.0, 100.0]], [1.0, 1.0, 7.0], [0, 1])
    tissue = table.loc[(TISSUE_MEAN, "P0")]
    assert tissue["personal"] == 3.0
    assert tissue["reference"] == 1.0
    assert tissue["difference"] == 2.0
    assert tissue["log2_fold_change"] == pytest.approx(np.log2(4) - np.log2(2)) == 1.0
    # The other order is another number: the mean of log2(0 + 1) and log2(6 + 1) is 1.40, less 1.
    assert np.mean(np.log2([1.0, 7.0])) - 1 == pytest.approx(0.4037, abs=1e-4)


def test_summarise_gene__the_tissue_and_all_tracks():
    table = summarise([[1.0, 2.0, 6.0], [3.0, 3.0, 3.0]], [2.0, 2.0, 5.0], [2])
    assert table.loc[TISSUE_MEAN]["personal"].tolist() == [6.0, 3.0]
    assert table.loc[ALL_TRACKS_MEAN]["personal"].tolist() == [3.0, 3.0]
    assert table.loc[TISSUE_MEAN]["reference"].tolist() == [5.0, 5.0]
    assert table.loc[ALL_TRACKS_MEAN]["reference"].tolist() == [3.0, 3.0]
    assert table.loc[ALL_TRACKS_MEAN]["log2_fold_change"].tolist() == [0.0, 0.0]
    assert len(table) == 4


def test_summarise_gene__two_haplotypes_are_averaged_before_the_logarithm():
    coverage = np.array([[0.0], [6.0]], np.float32)
    personal = haplotype_mean(coverage, np.array([0, 0]), 1)
    assert summarise(personal.tolist(), [0.0], [0]).loc[(TISSUE_MEAN, "P0")]["log2_fold_change"] == 2.0


def test_zero_shot_predictions__one_row_per_gene_and_person_the_same_in_every_fold():
    table = summarise([[1.0, 2.0], [3.0, 5.0]], [1.0, 1.0], [0]).reset_index()
    predicted = zero_shot_predictions(table, summary=ALL_TRACKS_MEAN, model="enformer_all_tracks")
    schemas.predicted_expression(predicted)
    assert predicted["individual_id"].tolist() == ["P0", "P1"]
    assert predicted["predicted_expression"].tolist() == [1.5, 4.0]
    assert set(predicted["model"]) == {"enformer_all_tracks"}
    assert predicted[["fold_seed", "fold"]].isna().all(axis=None)


def test_zero_shot_predictions__as_coverage_its_logarithm_or_fold_change():
    table = summarise([[1.0, 2.0], [3.0, 5.0]], [1.0, 1.0], [0]).reset_index()
    options = {"summary": ALL_TRACKS_MEAN, "model": "enformer_all_tracks"}
    found = {
        how: zero_shot_predictions(table, **options, transform=how)["predicted_expression"].to_numpy()
        for how in ("coverage", "log1p", "log2_fold_change")
    }
    np.testing.assert_array_equal(found["coverage"], [1.5, 4.0])
    np.testing.assert_allclose(found["log1p"], np.log([2.5, 5.0]))
    np.testing.assert_allclose(found["log2_fold_change"], np.log2([2.5, 5.0]) - 1)
