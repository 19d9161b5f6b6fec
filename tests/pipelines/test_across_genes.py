"""Levels of genes from windows of the reference, in process: the demo's genes, with levels that its tracks decide."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, zscore

from haploformer import schemas
from haploformer.datasets.prediction_store import PredictionStoreDataset
from haploformer.errors import InputError
from haploformer.formats.expression_bed import ExpressionBed, read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.gene_annotation import read_gene_annotation
from haploformer.formats.track_table import read_track_table
from haploformer.parameters import (
    AcrossGenesParameters,
    DataPrepParameters,
    EnformerParameters,
    ExecutionParameters,
    SelectParameters,
    SequenceBuildParameters,
)
from haploformer.pipelines.across_genes import nodes
from haploformer.summary_text import describe_across_genes
from tests.builders.predictions import with_rows
from tests.conftest import DEMO

ENFORMER = EnformerParameters(preset="tiny", tracks=("CAGE:demo blood*",), batch_size=8)
OPTIONS = AcrossGenesParameters(n_folds=3)
NO_SEQUENCES = pd.DataFrame({"contig": [], "start": [], "end": [], "split": []})


@pytest.fixture(scope="module")
def files() -> dict:
    return {
        "bed": read_expression_bed(DEMO / "expression.bed.gz"),
        "annotation": read_gene_annotation(DEMO / "genes.gtf.gz"),
        "reference": FastaReference(DEMO / "reference.fa.gz"),
        "tracks": read_track_table(DEMO / "targets.txt"),
    }


def with_levels(bed: ExpressionBed, levels: np.ndarray) -> ExpressionBed:
    """TPM: these levels, and people who differ a little."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=bed.values.shape)
    return replace(bed, name="tpm.bed", values=np.exp2(levels[:, None] + noise) - 1)


def prepare(files, bed: ExpressionBed, sequences: pd.DataFrame = NO_SEQUENCES, **select: str) -> pd.DataFrame:
    return prepare_with(files, bed, OPTIONS, sequences, **select)


def prepare_with(
    files, bed: ExpressionBed, options: AcrossGenesParameters, sequences: pd.DataFrame = NO_SEQUENCES, **select: str
) -> pd.DataFrame:
    groups = (DataPrepParameters(), SelectParameters(**select), SequenceBuildParameters(), ENFORMER, options)
    return nodes.prepare_levels(bed, files["annotation"], files["reference"], sequences, *groups)


@pytest.fixture(scope="module")
def predicted(files, tmp_path_factory):
    """The store of the reference windows' coverage: half of the tracks follow one number of each gene."""
    flat = with_levels(files["bed"], np.random.default_rng(1).uniform(1, 8, len(files["bed"].genes)))
    genes = prepare(files, flat)
    plan = nodes.plan_reference_predictions(
        genes, files["reference"], files["tracks"], ENFORMER, ExecutionParameters(), OPTIONS
    )
    rng = np.random.default_rng(3)
    rows = rng.normal(scale=0.4, size=(len(plan.keys), *plan.row_shape))
    rows[:, :, ::2] += rng.normal(size=(len(plan.keys), 1, 1))
    plan = with_rows(plan, np.exp(rows).astype(np.float32))
    path = tmp_path_factory.mktemp("store") / "reference.zarr"
    dataset = PredictionStoreDataset(filepath=str(path))
    dataset.save(plan)
    store = dataset.load()
    coverage = store.rows(np.arange(len(plan.keys)))
    return genes, store, coverage


def levels_of(predicted) -> np.ndarray:
    """Levels that follow what half of the tracks share, and noise."""
    genes, store, coverage = predicted
    window = store.windows.set_index("gene_id")["window"].loc[genes["gene_id"]].to_numpy()
    z = zscore(np.log1p(coverage[window]).reshape(len(genes), -1), axis=0)
    signal = np.linalg.svd(z, full_matrices=False)[0][:, 0]
    return 5 + 1.7 * zscore(signal) + 0.5 * np.random.default_rng(4).normal(size=len(genes))


def test_prepare_levels__are_logarithms_of_the_mean(files) -> None:
    levels = np.random.default_rng(1).uniform(1, 8, len(files["bed"].genes))
    bed = with_levels(files["bed"], levels)
    genes = schemas.gene_levels.validate(prepare(files, bed))
    assert len(genes) == 24
    np.testing.assert_allclose(genes["level"], np.log2(bed.values.mean(axis=1) + 1))
    assert set(genes["held_out"]) == {"gene folds"}
    assert genes["enformer_split"].isna().all()
    assert genes["fold"].value_counts().tolist() == [8, 8, 8]
    logs = replace(bed, values=np.log2(bed.values + 1) - 6)
    np.testing.assert_allclose(prepare(files, logs)["level"], logs.values.mean(axis=1))


def test_prepare_levels__the_scale_can_be_stated_and_is_told(files, caplog) -> None:
    """log2(TPM + 1) has no value below 0: by its looks it is taken for TPM and logged a second time."""
    tpm = with_levels(files["bed"], np.random.default_rng(1).uniform(1, 8, len(files["bed"].genes)))
    logs = replace(tpm, values=np.log2(np.maximum(tpm.values, 0) + 1))
    assert (logs.values >= 0).all()
    mean = logs.values.mean(axis=1)
    caplog.set_level(logging.INFO)
    for scale, expected, told in (
        (
            "log2",
            mean,
            "expression is taken for logarithms: levels are the values as they are (across_genes.scale=log2)",
        ),
        (
            "auto",
            np.log2(mean + 1),
            "expression is taken for TPM or the like: levels are log2(x + 1) (across_genes.scale=",
        ),
    ):
        caplog.clear()
        genes = schemas.gene_levels.validate(prepare_with(files, logs, AcrossGenesParameters(n_folds=3, scale=scale)))
        np.testing.assert_allclose(genes["level"], expected)
        assert set(genes["scale"]) == {"log2" if scale == "log2" else "tpm"}
        assert told in caplog.text
    below = replace(logs, values=logs.values - 20)
    with pytest.raises(
        InputError, match=r"^tpm.bed: \d+ values are below 0, which TPM \(scale=tpm\) has not; state scale="
    ):
        prepare_with(files, below, AcrossGenesParameters(n_folds=3, scale="tpm"))


def test_prepare_levels__refuses_what_is_normalised_per_gene(files) -> None:
    with pytest.raises(InputError) as error:
        prepare(files, files["bed"])
    told = str(error.value)
    assert "is normalised per gene: every gene has the same mean, so that r over genes would not compare levels" in told
    assert "give a table of TPM or other levels (--params levels=FILE); what such data can answer instead" in told


def test_prepare_levels__are_of_the_whole_table_whatever_is_selected(files) -> None:
    with pytest.raises(InputError, match="is normalised per gene"):
        prepare(files, files["bed"], individuals=files["bed"].individual_ids[3])
    levels = np.random.default_rng(1).uniform(1, 8, len(files["bed"].genes))
    bed = with_levels(files["bed"], levels)
    person = bed.individual_ids[3]
    np.testing.assert_allclose(prepare(files, bed, individuals=person)["level"], np.log2(bed.values[:, 3] + 1))
    # Genes whose logarithms are all above 0 are not taken for raw values.
    logs = replace(bed, values=np.log2(bed.values + 1) - np.sort(levels)[2])
    high = np.flatnonzero((logs.values > 0).all(axis=1))
    assert 18 <= len(high) < 24
    names = bed.genes["gene_id"].iloc[high].tolist()
    chosen = prepare(files, logs, genes="+".join(names)).set_index("gene_id")["level"]
    np.testing.assert_allclose(chosen[names], logs.values[high].mean(axis=1))


def test_prepare_levels__too_few_genes_is_what_is_said(files) -> None:
    bed = with_levels(files["bed"], np.random.default_rng(1).uniform(1, 8, len(files["bed"].genes)))
    with pytest.raises(InputError, match=r"^gene folds: 1 groups of genes .* \(1 genes\) for 3 folds; give more genes"):
        prepare(files, bed, genes=bed.genes["gene_id"].iloc[0])
    one = replace(bed, genes=bed.genes.iloc[:1], values=bed.values[:1])
    with pytest.raises(
        InputError, match=r"^tpm.bed: 1 genes are too few to tell whether expression has levels \(4 are"
    ):
        prepare(files, one)


def test_plan_reference_predictions__stores_each_centre_bin_once(predicted) -> None:
    _, store, coverage = predicted
    assert store.attributes["kept_bins"] == "each_centre"
    assert len(store.bins.centre) == 4
    assert coverage.shape == (24, 4, 64)
    assert set(store.windows.columns) == {"gene_id", "window"}
    np.testing.assert_allclose(store.mean_coverage(np.array([3])), coverage[[3]].mean(axis=1), rtol=1e-6)


def test_across_genes__predicts_held_out_genes_and_says_whose(files, predicted, caplog) -> None:
    genes, store, coverage = predicted
    bed = with_levels(files["bed"], levels_of(predicted))
    with caplog.at_level(logging.WARNING):
        genes = prepare(files, bed)
    assert "Enformer's sequences are not given: its training genes are among those tested" in caplog.text
    table, weights = nodes.fit_across_genes(genes, store, files["tracks"], ENFORMER, OPTIONS)
    table = schemas.across_genes_predictions.validate(table)
    weights = schemas.across_genes_weights.validate(weights)
    assert weights["bin"].isin(store.bins.centre).all()
    assert weights["description"].notna().all()
    assert table.groupby("model").size().to_dict() == {"across_genes": 24, "enformer": 24}
    scores = schemas.across_genes_scores.validate(nodes.score_across_genes(table, genes, store, OPTIONS))
    assert set(scores["held_out"]) == {"gene folds"}
    assert scores["remark"].str.contains("Enformer's own training genes are among those tested").all()
    found = scores.set_index(["model", "quantity"])["r"]
    assert found["across_genes", "pearson"] > 0.7
    one = table[(table["model"] == "enformer") & (table["fold"] == 2)]
    zero_shot = table[table["model"] == "enformer"].set_index("gene_id")["predicted"]
    tissue = [i for i, name in enumerate(files["tracks"]["description"]) if name.startswith("CAGE:demo blood")]
    window = store.windows.set_index("gene_id")["window"]
    gene = one["gene_id"].iloc[0]
    assert zero_shot[gene] == pytest.approx(np.log2(coverage[window[gene]][:, tissue].mean() + 1), rel=1e-6)
    lines = describe_across_genes(scores).splitlines()
    assert set(scores["scale"]) == {"tpm"}
    assert len(lines) == 1 + 4 + 1 + 1
    assert lines[-1] == "expression is taken for TPM or the like: levels are log2(x + 1)"
    assert f"{found['across_genes', 'spearman']:.3f}" in lines[4]


def test_across_genes__enformer_s_test_genes_are_in_no_training_set(files, predicted) -> None:
    _, store, _ = predicted
    levels = levels_of(predicted)
    places = files["bed"].genes
    of_test = (places["contig"] == "21") & (places["tss"] < 375_000)
    sequences = pd.DataFrame(
        [("21", 0, 375_000, "test"), ("21", 375_000, 10**9, "train"), ("22", 0, 10**9, "train")],
        columns=["contig", "start", "end", "split"],
    )
    outcomes = []
    for shift in (0.0, 3.0):
        own = np.where(of_test, levels + shift * np.arange(len(levels)), levels)
        genes = prepare(files, with_levels(files["bed"], own), sequences)
        assert set(genes["enformer_split"]) == {"test", "train"}
        outcomes.append(nodes.fit_across_genes(genes, store, files["tracks"], ENFORMER, OPTIONS))
    (first, weights), (second, others) = outcomes
    pd.testing.assert_frame_equal(weights, others, check_exact=True)
    assert not first["level"].equals(second["level"])
    test = first["held_out"] == "enformer test"
    assert first.loc[test, "fold"].isna().all()
    assert first.loc[~test, "fold"].notna().all()
    scores = nodes.score_across_genes(first, genes, store, OPTIONS).set_index(["held_out", "model", "quantity"])
    rows = first[test & (first["model"] == "across_genes")]
    expected = pearsonr(rows["predicted"], rows["level"]).statistic
    assert scores.loc[("enformer test", "across_genes", "pearson"), "r"] == pytest.approx(expected)
    assert (
        "neither Enformer nor this fit was trained there"
        in scores.loc[("enformer test", "enformer", "pearson"), "remark"]
    )
