"""Square, sign, significance and size of predictions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from haploformer import schemas
from haploformer.evaluation.accuracy import gene_accuracy, summarise_accuracy
from haploformer.evaluation.scored_cohort import lay_out_scored
from haploformer.evaluation.scores import score_genes
from tests.builders.scored import build_scored, genes_of

MODELS = {"enformer": -0.4, "elastic_net": 0.5, "noise": 0.0}


@pytest.fixture(scope="module")
def scored():
    table = build_scored(np.random.default_rng(1), MODELS, n=150, n_genes=40, seeds=(1,))
    # Half the size that it should have, and far off: calibration is about that, r is not.
    net = table["model"] == "elastic_net"
    table.loc[net, "predicted"] = 0.25 * table.loc[net, "predicted"]
    return table


@pytest.fixture(scope="module")
def accuracy(scored):
    scores = score_genes(scored, genes_of(scored))
    return schemas.gene_accuracy.validate(gene_accuracy(scores, lay_out_scored(scored), {"elastic_net", "noise"}))


def test_gene_accuracy__sign_square_and_fdr(scored, accuracy) -> None:
    scores = score_genes(scored, genes_of(scored)).set_index(["gene_id", "model"])["pearson_r"]
    found = accuracy.set_index(["gene_id", "model"])
    np.testing.assert_allclose(found["r2"], scores[found.index] ** 2)
    np.testing.assert_array_equal(found["sign"], np.sign(scores[found.index]))
    for model in MODELS:
        of_model = accuracy[accuracy["model"] == model]
        np.testing.assert_allclose(of_model["q_value"], stats.false_discovery_control(of_model["p_value"]))
    p = accuracy.loc[accuracy["model"] == "noise", "p_value"]
    assert stats.kstest(p, "uniform").pvalue > 0.01
    # 150 people in 5 folds: the z of r has a standard error of 1 / sqrt(150 - 15).
    r = scores[("G000", "elastic_net")]
    expected = 2 * stats.norm.sf(np.arctanh(r) * np.sqrt(135))
    assert found.loc[("G000", "elastic_net"), "p_value"] == pytest.approx(expected)


def test_gene_accuracy__slope_intercept_and_share(scored, accuracy) -> None:
    rows = scored.query("gene_id == 'G004' and model == 'elastic_net'").set_index("individual_id")
    centred = rows["predicted"] - rows.groupby("fold")["predicted"].transform("mean")
    slope = stats.linregress(centred, rows["measured"] - rows.groupby("fold")["measured"].transform("mean")).slope
    found = accuracy.query("gene_id == 'G004' and model == 'elastic_net'").iloc[0]
    assert found["calibration_slope"] == pytest.approx(slope)
    assert found["calibration_intercept"] == pytest.approx((rows["measured"] - slope * rows["predicted"]).mean())
    errors = ((rows["measured"] - rows["predicted"]) ** 2).sum()
    assert found["explained"] == pytest.approx(1 - errors / (rows["measured"] ** 2).sum())
    assert accuracy.loc[accuracy["model"] == "elastic_net", "calibration_slope"].median() == pytest.approx(2, abs=0.2)


def test_gene_accuracy__of_coverage_and_of_constants_has_no_size(scored) -> None:
    flat = scored.copy()
    flat.loc[(flat["model"] == "noise") & (flat["gene_id"] == "G002"), "predicted"] = 0.0
    scores = score_genes(flat, genes_of(flat))
    table = gene_accuracy(scores, lay_out_scored(flat), {"elastic_net", "noise"}).set_index(["model", "gene_id"])
    assert table.loc["enformer", ["explained", "calibration_slope", "calibration_intercept"]].isna().all(axis=None)
    constant = table.loc[("noise", "G002")]
    assert (constant["r2"], constant["sign"], constant["p_value"], constant["explained"]) == (0, 0, 1, 0)
    assert np.isnan(constant["calibration_slope"])
    assert table.loc["noise"]["calibration_slope"].isna().sum() == 1


def test_summarise_accuracy__counts_wrong_signs(scored, accuracy) -> None:
    scores = score_genes(scored, genes_of(scored))
    summary = summarise_accuracy(accuracy, scores).set_index("model")
    r = scores[scores["model"] == "enformer"]["pearson_r"]
    assert summary.loc["enformer", "n_wrong_sign"] == (r < 0).sum() == 40
    assert summary.loc["enformer", "n_large_wrong_sign"] == summary.loc["enformer", "n_large"] == (r < -0.2).sum()
    assert summary.loc["enformer", "n_significant"] == 0
    assert summary.loc["elastic_net", "n_significant"] == 40
    assert summary.loc["noise", "n_significant"] <= 2
