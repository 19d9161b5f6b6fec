"""Clumping and thresholding: by hand, and beside PLINK on real people."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed

from haploformer.baselines.crossfit import cross_predict, with_degrees
from haploformer.baselines.dosages import standardise_dosages
from haploformer.baselines.prs import THRESHOLDS, Prs, association_p, clump
from haploformer.baselines.training import TrainingSet
from haploformer.expression.covariates import adjustment
from tests.builders.dosages import simulate_dosages, simulate_expression

needs_plink2 = pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")
needs_plink1 = pytest.mark.skipif(shutil.which("plink1.9") is None, reason="plink1.9 is not installed")

#: CECR7, whose score takes many variants in every fold.
GENE = "ENSG00000237438"


def training_set(rng: np.random.Generator, *, heritability: float = 0.4, n: int = 120) -> TrainingSet:
    dosages = simulate_dosages(rng, n, 30).astype(float)
    expression = simulate_expression(rng, dosages, causal=7, heritability=heritability)
    return TrainingSet(
        (dosages - dosages.mean(0)) / dosages.std(0),
        (expression - expression.mean()) / expression.std(),
        np.arange(30) * 10_000,
        n - 1,
    )


def test_clump__the_strongest_stands_for_those_near_and_linked():
    linkage = np.eye(5)
    linkage[0, 1] = linkage[1, 0] = 0.5
    linkage[1, 2] = linkage[2, 1] = 0.5
    linkage[3, 4] = linkage[4, 3] = 0.9
    strength = np.array([0.2, 0.9, 0.3, 0.5, 0.4])
    positions = np.array([0, 100, 200, 300, 1_000])
    assert clump(strength, linkage, positions, r2=0.1, distance=250).tolist() == [1, 3, 4]
    assert clump(strength, linkage, positions, r2=0.1, distance=700).tolist() == [1, 3]
    assert clump(strength, linkage, positions, r2=0.26, distance=700).tolist() == [1, 3, 2, 0]
    assert clump(strength, linkage, positions, r2=0.25, distance=99).tolist() == [1, 3, 4, 2, 0]


def test_clump__of_equally_strong_ones_the_first_is_kept():
    assert clump(np.ones(3), np.ones((3, 3)), np.zeros(3, np.int64), r2=0.1, distance=0).tolist() == [0]


def test_fit_candidates__weights_are_the_single_regressions_of_what_is_kept():
    training = training_set(np.random.default_rng(1))
    found = Prs().fit_candidates(training)
    slopes = np.array([np.polyfit(x, training.expression, 1)[0] for x in training.dosages.T])
    p = association_p(slopes, n_degrees=training.n_degrees)
    kept = clump(np.abs(slopes), np.corrcoef(training.dosages.T), training.positions, r2=0.1, distance=250_000)
    assert np.flatnonzero(found.weights[:, 0]).tolist() == [int(np.abs(slopes).argmax())]
    for candidate, threshold in enumerate(THRESHOLDS, start=1):
        used = np.sort(kept[p[kept] <= threshold])
        assert np.flatnonzero(found.weights[:, candidate]).tolist() == used.tolist()
        np.testing.assert_allclose(found.weights[used, candidate], slopes[used])
    assert 1 < len(kept) < 30
    assert not found.fell_back.any()


def test_fit_candidates__an_empty_threshold_falls_back_to_the_top_snp_and_says_so():
    training = training_set(np.random.default_rng(2), heritability=0.0)
    found = Prs().fit_candidates(training)
    smallest = association_p(training.correlation, n_degrees=training.n_degrees).min()
    assert 1e-3 < smallest < 0.5
    assert found.fell_back.tolist() == [False, *(threshold < smallest for threshold in THRESHOLDS)]
    for candidate in np.flatnonzero(found.fell_back):
        np.testing.assert_array_equal(found.weights[:, candidate], found.weights[:, 0])


@pytest.mark.parametrize(("distance", "n_kept"), [(250_000, 1), (250_001, 2)])
def test_fit_candidates__a_variant_far_away_is_no_part_of_a_clump(distance, n_kept):
    one = training_set(np.random.default_rng(3)).dosages[:, [7]]
    twins = TrainingSet(np.repeat(one, 2, axis=1), one[:, 0], np.array([1_000, 1_000 + distance]), 119)
    assert (Prs().fit_candidates(twins).weights[:, -1] != 0).sum() == n_kept


def plink(program: str, *arguments: str | Path) -> None:
    result = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def gene_files(geuvadis, tmp_path):
    """One real gene: its dosages, expression and folds, some calls made missing, and the same as files for PLINK."""
    gene_id = geuvadis.id_of(GENE)
    variants, dosages = geuvadis.dosages_of(gene_id)
    dosages = dosages.copy()
    dosages[np.random.default_rng(4).random(dosages.shape) < 0.03] = np.nan
    folds = geuvadis.folds_of_seed(0)[0]
    to_bed(tmp_path / "gene.bed", dosages, properties=_properties(geuvadis, variants), count_A1=True)
    train = folds != 0
    people = pd.DataFrame({"FID": "0", "IID": geuvadis.people})
    people[train].to_csv(tmp_path / "train.txt", sep="\t", index=False, header=False)
    people[~train].to_csv(tmp_path / "test.txt", sep="\t", index=False, header=False)
    people.rename(columns={"FID": "#FID"}).assign(y=geuvadis.expression[gene_id]).to_csv(
        tmp_path / "y.txt", sep="\t", index=False
    )
    wide = geuvadis.covariates.pivot(index="individual_id", columns="covariate", values="value").loc[geuvadis.people]
    people.rename(columns={"FID": "#FID"}).join(wide.reset_index(drop=True)).to_csv(
        tmp_path / "covariates.txt", sep="\t", index=False
    )
    return tmp_path, variants, dosages, geuvadis.expression[gene_id], folds


@pytest.mark.real_data
@needs_plink2
def test_association_p__equals_plink2_glm_with_covariates(geuvadis, gene_files):
    folder, variants, dosages, expression, folds = gene_files
    complete = np.nan_to_num(
        dosages, nan=1.0
    )  # PLINK leaves people without a call out, we fill them: no one is missing
    to_bed(folder / "complete.bed", complete, properties=_properties(geuvadis, variants), count_A1=True)
    options = ["--bfile", folder / "complete", "--keep", folder / "train.txt", "--pheno", folder / "y.txt"]
    covariates = ["--covar", folder / "covariates.txt", "--covar-variance-standardize"]
    plink(
        "plink2", *options, *covariates, "--maf", "0.01", "--glm", "hide-covar", "cols=+a1freq", "--out", folder / "out"
    )
    table = pd.read_csv(folder / "out.y.glm.linear", sep="\t").set_index("ID")
    train = folds != 0
    residualise, n_degrees = with_degrees(geuvadis.adjust)(train)
    usable = standardise_dosages(complete, train, residualise=residualise, min_maf=0.01)
    measured = residualise(expression)[train]
    r = usable.values[train].T @ measured / train.sum() / measured.std()
    ours = association_p(r, n_degrees=n_degrees)
    theirs = table.loc[variants["variant_id"].iloc[usable.variants]]
    assert len(theirs) == len(ours) == len(table) > 50
    np.testing.assert_allclose(ours, theirs["P"], rtol=1e-5)
    counted_alt = theirs["A1"].to_numpy() == variants["alt"].iloc[usable.variants].to_numpy()
    beta = r * measured.std() / usable.sd * np.where(counted_alt, 1, -1)
    np.testing.assert_allclose(beta, theirs["BETA"], rtol=1e-5, atol=1e-9)


def _properties(geuvadis, variants: pd.DataFrame) -> dict:
    return {
        "fid": ["0"] * len(geuvadis.people),
        "iid": geuvadis.people,
        "sid": variants["variant_id"].tolist(),
        "chromosome": ["22"] * len(variants),
        "bp_position": variants["pos"].tolist(),
        "allele_1": variants["alt"].tolist(),
        "allele_2": variants["ref"].tolist(),
    }


@pytest.mark.real_data
@needs_plink1
@pytest.mark.parametrize("threshold", [1.0, 0.05])
def test_clump__equals_plink_clump(geuvadis, tmp_path, threshold):
    """Clumps of all 2,184 variants of 6 Mb, so that distance counts; PLINK's LD is that of haplotypes, given to both."""
    rng = np.random.default_rng(5)
    to_bed(tmp_path / "all.bed", geuvadis.dosages, properties=_properties(geuvadis, geuvadis.variants), count_A1=True)
    bfile = ["--bfile", tmp_path / "all"]
    p = rng.permutation(np.arange(1, len(geuvadis.variants) + 1)) / (len(geuvadis.variants) + 1)
    table = pd.DataFrame({"SNP": geuvadis.variants["variant_id"], "P": p})
    table.to_csv(tmp_path / "p.txt", sep="\t", index=False)
    limits = ["--clump-p1", threshold, "--clump-p2", "1", "--clump-r2", "0.1", "--clump-kb", "250"]
    plink("plink1.9", *bfile, "--clump", tmp_path / "p.txt", *map(str, limits), "--out", tmp_path / "out")
    theirs = pd.read_csv(tmp_path / "out.clumped", sep=r"\s+")["SNP"].tolist()
    plink("plink1.9", *bfile, "--r2", "dprime", "--ld-window-r2", "0", "--ld-window", "99999", "--ld-window-kb", "251",
          "--out", tmp_path / "out")  # fmt: skip
    linked = pd.read_csv(tmp_path / "out.ld", sep=r"\s+")
    place = pd.Series(range(len(table)), table["SNP"])
    linkage = np.eye(len(table))
    a, b = place[linked["SNP_A"]].to_numpy(), place[linked["SNP_B"]].to_numpy()
    linkage[a, b] = linkage[b, a] = np.sqrt(linked["R2"])
    kept = clump(-p, linkage, geuvadis.variants["pos"].to_numpy(), r2=0.1, distance=250_000)
    ours = table["SNP"].iloc[kept[p[kept] <= threshold]].tolist()
    assert ours == theirs
    assert len(theirs) > 5


@pytest.mark.real_data
@needs_plink1
def test_training_set__linkage_equals_plink_r(geuvadis, gene_files):
    folder, variants, dosages, _, folds = gene_files
    complete = np.nan_to_num(dosages, nan=1.0)
    to_bed(folder / "complete.bed", complete, properties=_properties(geuvadis, variants), count_A1=True)
    keep = ["--bfile", folder / "complete", "--keep", folder / "train.txt"]
    plink("plink1.9", *keep, "--r", "square", "--out", folder / "out")
    theirs = np.loadtxt(folder / "out.ld")
    train = folds != 0
    usable = standardise_dosages(complete, train, residualise=np.asarray, min_maf=0.01)
    ours = TrainingSet(usable.values[train], np.zeros(train.sum()), usable.variants, 1).linkage
    # PLINK's sign follows the minor allele.
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs[np.ix_(usable.variants, usable.variants)]), atol=2e-6)


@pytest.mark.real_data
@needs_plink2
def test_cross_predict__equals_plink2_score_missing_calls_included(geuvadis, gene_files):
    folder, variants, dosages, expression, folds = gene_files
    result = cross_predict(Prs(), dosages, expression, folds, adjustment(np.empty((len(folds), 0))))
    fit = result.fits[0]
    used = variants.iloc[fit.variants[fit.weights != 0]]
    scores = pd.DataFrame({"ID": used["variant_id"], "A": used["alt"], "W": fit.weights[fit.weights != 0]})
    scores.to_csv(folder / "weights.txt", sep="\t", index=False, header=False)
    bfile = ["--bfile", folder / "gene"]
    plink("plink2", *bfile, "--keep", folder / "train.txt", "--freq", "--out", folder / "train")
    plink("plink2", *bfile, "--keep", folder / "test.txt", "--read-freq", folder / "train.afreq",
          "--score", folder / "weights.txt", "1", "2", "3", "cols=+scoresums", "--out", folder / "out")  # fmt: skip
    table = pd.read_csv(folder / "out.sscore", sep="\t").set_index("IID")["SCORE1_SUM"]
    train = folds != 0
    frequency = np.nanmean(dosages[train].astype(float), axis=0)[fit.variants] / 2
    held_out = np.flatnonzero(~train)
    ours = result.outer[held_out] - fit.intercept + 2 * frequency @ fit.weights
    assert len(used) > 2
    assert np.isnan(dosages[np.ix_(held_out, fit.variants[fit.weights != 0])]).any()
    np.testing.assert_allclose(ours, table[[geuvadis.people[i] for i in held_out]], rtol=1e-4, atol=2e-5)
