"""Linear weights of the demo and of the real people: what they say, what they are marked by, and who can read them."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.datasets.predictdb import PredictDbDataset
from haploformer.errors import InputError
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.genome.cis import CisDosages, locate_cis_windows
from haploformer.parameters import (
    BaselinesParameters,
    EnformerParameters,
    ExecutionParameters,
    LinearExportParameters,
    VariantEffectsParameters,
)
from haploformer.pipelines.linear_export import nodes
from haploformer.preflight import check_inputs
from haploformer.stacking.folds import assign_person_folds
from tests.builders.demo_eqtls import read_dosages
from tests.builders.demo_study import BASELINES, ENFORMER, DemoStudy
from tests.builders.geuvadis import PLINK, read_expression, read_geuvadis

ALLELE = ["contig", "pos", "ref", "alt"]


def options(form: str) -> LinearExportParameters:
    return LinearExportParameters(form=form, build="GRCh38", panel="demo150")


def fit(study: DemoStudy, form: str) -> tuple[Any, ...]:
    return nodes.fit_linear_forms(
        study.effects,
        study.table("07_model_output/enformer_summaries"),
        study.variants,
        study.table("03_primary/genes"),
        study.table("03_primary/person_folds"),
        study.effect_predictions,
        study.predictions,
        options(form),
        BASELINES,
        ENFORMER,
    )


@pytest.fixture(scope="module")
def exported(demo_study, tmp_path_factory) -> dict[str, tuple[Any, ...]]:
    """Folder, faithfulness and audit of each form."""
    found = {}
    for form in ("additive", "elastic_net"):
        export, faithfulness, audit = fit(demo_study, form)
        folder = tmp_path_factory.mktemp("linear") / form
        PredictDbDataset(filepath=str(folder)).save(export)
        found[form] = (folder, schemas.linear_faithfulness(faithfulness), schemas.linear_audit(audit))
    return found


QUERIES = {
    "rsid": "SELECT rsid, gene, weight, ref_allele, eff_allele FROM weights;",
    "varID": "SELECT varID, gene, weight, ref_allele, eff_allele FROM weights;",
}


def read_as_metaxcan(folder: Path, key: str = "rsid") -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Weights, genes and covariances by the queries of MetaXcan.

    ``ModelDB.load_weights`` and ``ModelDB.load_extra`` of ``software/metax/PredictionModel.py``
    (github.com/hakyimlab/MetaXcan) ask the first two; ``MatrixManager`` reads columns ``GENE RSID1 RSID2 VALUE``, the
    genes each in one piece. ``ref_allele`` is its non-effect allele.
    """
    connection = sqlite3.connect(folder / "weights.db")
    weights = connection.execute(QUERIES[key]).fetchall()
    extra = connection.execute(
        "SELECT gene, genename, `n.snps.in.model`, `pred.perf.R2`, `pred.perf.pval`, `pred.perf.qval` FROM extra "
        "order by gene;"
    ).fetchall()
    connection.close()
    name = "weights.demo150.varID.cov.txt.gz" if key == "varID" else "weights.demo150.cov.txt.gz"
    covariances = pd.read_csv(folder / name, sep=r"\s+")
    assert covariances.columns.tolist() == ["GENE", "RSID1", "RSID2", "VALUE"]
    pieces = (covariances["GENE"] != covariances["GENE"].shift()).sum()
    assert pieces == covariances["GENE"].nunique()
    return (
        pd.DataFrame(weights, columns=["snp", "gene", "weight", "non_effect_allele", "effect_allele"]),
        pd.DataFrame(extra, columns=["gene", "gene_name", "n_snps_in_model", "r2", "pval", "qval"]),
        covariances,
    )


@pytest.mark.parametrize("key", ["rsid", "varID"])
@pytest.mark.parametrize("form", ["additive", "elastic_net"])
def test_linear_weights__metaxcans_reader_has_all_that_it_needs(exported, form, key):
    folder, faithfulness, _ = exported[form]
    weights, extra, covariances = read_as_metaxcan(folder, key)
    assert sorted(extra["gene"]) == sorted(faithfulness["gene_id"])
    assert (
        weights.groupby("gene").size().to_dict()
        == extra.set_index("gene").query("n_snps_in_model > 0")["n_snps_in_model"].to_dict()
    )
    assert (weights["weight"] != 0).all()
    for gene, of_gene in weights.groupby("gene"):
        pairs = covariances[covariances["GENE"] == gene]
        assert set(pairs["RSID1"]) == set(of_gene["snp"])
        matrix = pairs.pivot(index="RSID1", columns="RSID2", values="VALUE").reindex(
            index=of_gene["snp"], columns=of_gene["snp"]
        )
        whole = matrix.fillna(matrix.T).to_numpy()
        # The variance of the score in the panel, which S-PrediXcan divides by.
        assert of_gene["weight"].to_numpy() @ whole @ of_gene["weight"].to_numpy() > 0


def test_linear_weights__additive_scores_equal_sums_of_effects_over_the_vcf(demo_study, exported):
    folder, faithfulness, audit = exported["additive"]
    weights, _, _ = read_as_metaxcan(folder, "varID")
    effects = demo_study.effects
    sad = effects[(effects["summary"] == "tissue_mean") & (effects["effect_kind"] == "sad")]
    predicted = demo_study.table("07_model_output/predicted_expression_enformer")
    exact = predicted.pivot(index="gene_id", columns="individual_id", values="predicted_expression")
    dosages = read_dosages(demo_study.raw)[exact.columns]
    for row in faithfulness.itertuples():
        of_gene = sad[sad["gene_id"] == row.gene_id]
        names = (
            "chr" + of_gene["contig"] + "_" + of_gene["pos"].astype(str) + "_" + of_gene["ref"] + "_" + of_gene["alt"]
        )
        told = weights[weights["gene"] == row.gene_id].set_index("snp")
        # SAD is the sum over ten bins; a prediction is the mean of bins and of two copies.
        expected = dict(zip(names + "_b38", of_gene["effect"] / 20, strict=True))
        assert told["weight"].to_dict() == pytest.approx({snp: expected[snp] for snp in told.index}, abs=1e-9)
        carried = dosages.loc[list(of_gene[ALLELE].itertuples(index=False, name=None))].to_numpy()
        score = of_gene["effect"].to_numpy() / 20 @ carried
        assert row.r == pytest.approx(np.corrcoef(score, exact.loc[row.gene_id])[0, 1], abs=1e-6)
        assert row.faithful == (row.r >= 0.9)
    assert faithfulness["n"].unique().tolist() == [150]
    assert audit["count"].sum() == len(sad)


def test_linear_weights__a_gene_that_is_not_faithful_is_marked_in_the_export(exported):
    for folder, faithfulness, _ in exported.values():
        connection = sqlite3.connect(folder / "weights.db")
        marked = dict(connection.execute('SELECT gene, "linear.faithful" FROM extra').fetchall())
        said = dict(connection.execute("SELECT key, value FROM construction").fetchall())
        connection.close()
        assert marked == {row.gene_id: int(row.faithful) for row in faithfulness.itertuples()}
        assert said["build"] == "GRCh38"
        assert said["weights"] == "untrained"
    additive, net = (exported[form][1].set_index("gene_id") for form in ("additive", "elastic_net"))
    assert 0 < additive["faithful"].sum() < len(additive)
    # What indels and neighbours do together, a fit to whole predictions takes in.
    assert net["r"].median() > additive["r"].median()


def test_report_linear_forms__figure_and_page(demo_study, exported):
    _, faithfulness, audit = exported["additive"]
    genes = demo_study.table("03_primary/genes")
    figure, page = nodes.report_linear_forms(
        faithfulness, audit, genes, demo_study.effect_predictions, options("additive")
    )
    assert sum(len(trace.x) for trace in figure.data) == 24
    n = int(faithfulness["faithful"].sum())
    assert f"{n} of 24 genes are faithful" in page
    assert page.count(">marked<") == 24 - n
    assert "demo150" in page


def test_fit_linear_forms__effects_of_another_model_are_refused(demo_study):
    other = SimpleNamespace(attributes=demo_study.predictions.attributes | {"weights_sha256": "x"})
    with pytest.raises(InputError, match="variant_effects: weights_sha256 is"):
        nodes.fit_linear_forms(
            demo_study.effects, None, None, None, None, demo_study.effect_predictions, other, None, None, None
        )


def test_fit_linear_forms__effects_of_another_strand_are_refused(demo_study):
    effects = demo_study.effects
    with pytest.raises(InputError, match="both were not predicted by one model from one strand"):
        nodes.fit_linear_forms(
            *(
                effects.assign(coverage_ref=1.1 * effects["coverage_ref"]),
                demo_study.table("07_model_output/enformer_summaries"),
            ),
            *(None, None, None, demo_study.effect_predictions, demo_study.predictions, None, None, None),
        )


def test_preflight__a_build_must_be_given():
    groups = {
        "select": SimpleNamespace(genes=None, individuals=None),
        "execution": ExecutionParameters(),
        "baselines": BaselinesParameters(),
        "linear_export": LinearExportParameters(),
        "variant_effects": VariantEffectsParameters(),
    }
    with pytest.raises(InputError, match=r"linear_export\.build: none is given"):
        check_inputs(set(), {"linear_weights"}, {}.get, groups)
    both = {"variant_effects": VariantEffectsParameters(strands="both"), "linear_export": options("additive")}
    with pytest.raises(InputError, match=r"variant_effects\.strands: effects of both strands cannot be compared"):
        check_inputs(set(), {"linear_weights"}, {}.get, groups | both)
    with pytest.raises(ValueError, match="panel"):
        LinearExportParameters(panel="../x")


# The real people ---------------------------------------------------------------------------------------------------


def simulated_effects(cis: CisDosages, rng: np.random.Generator) -> pd.DataFrame:
    """Schema ``variant_effects`` of the real variants, effects drawn."""
    parts = []
    for gene_id in cis.windows["gene_id"]:
        variants, _ = cis.of_gene(gene_id)
        effect = rng.normal(0, 0.2, len(variants))
        parts.append(variants.assign(gene_id=gene_id, coverage_ref=4.0, coverage_alt=4.0 + effect))
    return pd.concat(parts, ignore_index=True).assign(bins="centre", summary="tissue_mean", effect_kind="sad")


@pytest.mark.real_data
@pytest.mark.parametrize("form", ["additive", "elastic_net"])
def test_linear_weights__plink2_gives_our_linear_predictions(shared_data, tmp_path, form):
    plink2 = shutil.which("plink2")
    if plink2 is None:
        pytest.skip("plink2 is not installed (Debian package plink2)")
    genotypes = read_geuvadis(shared_data)
    people = list(genotypes.individual_ids)
    genes, _ = read_expression(shared_data, people)
    genes = genes[genes["tss"] < 21_900_000].assign(gene_name=genes["gene_id"], strand="+")
    windows = locate_cis_windows(genes, genotypes, length=196_608)
    windows = windows[windows["n_variants"] > 0].reset_index(drop=True)
    # A fit takes longer than a sum.
    cis = CisDosages(genotypes, windows if form == "additive" else windows[:12])
    rng = np.random.default_rng(1)
    effects = simulated_effects(cis, rng)
    ids, exact = [], []
    for gene_id, of_gene in effects.groupby("gene_id", sort=False):
        difference = (of_gene["coverage_alt"] - of_gene["coverage_ref"]).to_numpy() / 2
        sums = 4.0 + np.nan_to_num(cis.of_gene(gene_id)[1]) @ difference
        # Half of the genes are additive, half of them are not.
        noise = rng.normal(0, sums.std(), len(people)) * (len(ids) % 2)
        ids.append(gene_id)
        exact.append(sums + noise)
    predicted = pd.DataFrame({"gene_id": np.repeat(ids, len(people)), "individual_id": people * len(ids)})
    predicted = predicted.assign(summary="tissue_mean", personal=np.concatenate(exact), reference=4.0)
    attributes = {"weights_sha256": "x", "geometry": {"window": 196_608}, "bins": [443, 452], "model": "simulated"}
    handle = SimpleNamespace(attributes=attributes | {"weights": "simulated", "code_version": "x"})
    export, faithfulness, _ = nodes.fit_linear_forms(
        effects,
        predicted,
        StoredGenotypes(genotypes, pd.DataFrame(), np.zeros(len(people), np.int64)),
        genes,
        assign_person_folds(people, [None] * len(people), n_folds=5, seeds=(0,)),
        handle,
        handle,
        LinearExportParameters(form=form, build="GRCh37", panel="GEUVADIS343"),
        BaselinesParameters(),
        EnformerParameters(),
    )
    assert faithfulness["faithful"].tolist() == [i % 2 == 0 for i in range(len(ids))]
    folder = tmp_path / "linear"
    PredictDbDataset(filepath=str(folder)).save(export)
    scored = score_with_plink2(plink2, shared_data / PLINK, folder / "plink2_score.tsv", tmp_path / "scored")
    weights = export.selected.weights
    for gene_id in weights["gene_id"].unique():
        rows = weights[weights["gene_id"] == gene_id]
        ours = np.nan_to_num(cis.of_gene(gene_id)[1].astype(float))[:, rows["column"]] @ rows["weight"].to_numpy()
        theirs = scored.loc[people, f"{gene_id}_SUM"].to_numpy()
        np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-12)
    if form == "additive":
        assert weights["gene_id"].nunique() == len(ids) > 55


def score_with_plink2(plink2: str, bfile: Path, score: Path, out: Path) -> pd.DataFrame:
    """``plink2 --score`` of every gene of a score file, people in rows."""
    n = len(score.open().readline().split("\t"))
    command = [plink2, "--bfile", str(bfile), "--score", str(score), "1", "2", "header-read", "no-mean-imputation"]
    command += ["cols=+scoresums", "--score-col-nums", f"3-{n}", "--out", str(out), "--threads", "1"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return pd.read_csv(f"{out}.sscore", sep="\t").set_index("IID")
