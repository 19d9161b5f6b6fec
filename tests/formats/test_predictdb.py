"""PredictDB, covariances and PLINK's score file: opened by their readers, sums compared."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haploformer.effects.linear import LinearForm, additive_form
from haploformer.errors import InputError
from haploformer.formats.predictdb import (
    Panel,
    PanelWeights,
    PredictDbExport,
    covariance_file_name,
    describe_left_out,
    export_exists,
    name_variants,
    read_export,
    select_polymorphic,
    write_covariances,
    write_export,
    write_plink_score,
    write_predictdb,
)
from haploformer.genome.cis import CisDosages, locate_cis_windows
from tests.builders.geuvadis import PLINK, read_expression, read_geuvadis

PANEL = Panel("GEUVADIS343", 3, "GRCh37")

VARIANTS = pd.DataFrame(
    [("rs1", 100, "A", "G"), (".", 200, "C", "T"), ("rs3", 300, "G", "A"), ("rs4", 400, "T", "TA")],
    columns=["variant_id", "pos", "ref", "alt"],
).assign(contig="22")
DOSAGES = np.array([[0, 1, 0, 2], [1, np.nan, 0, 0], [2, 0, 0, 1]], np.float32)
WEIGHTS = {"E1": np.array([0.5, -0.25, 1.0, 0.0]), "E2": np.array([0.125, 0.0, 0.0, 2.0])}


def dosages_of(gene_id: str) -> tuple[pd.DataFrame, np.ndarray]:
    return VARIANTS, DOSAGES


def selected() -> PanelWeights:
    return select_polymorphic(WEIGHTS, dosages_of, build="GRCh37")


def genes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gene_id": ["E1", "E2"],
            "gene_name": ["ONE", "TWO"],
            "gene_type": ["protein_coding", None],
            "n_variants": [4, 4],
            "r2": [0.04, np.nan],
            "p_value": [1e-4, np.nan],
            "q_value": [1e-3, np.nan],
            "linear_r": [0.99, 0.5],
            "faithful": [True, False],
        }
    )


def write(path: Path) -> Path:
    write_predictdb(path, selected(), genes(), panel=PANEL, tissue="LCL", construction={"model": "enformer"})
    return path


def test_select_polymorphic__what_does_not_vary_is_counted():
    found = selected()
    assert found.n_monomorphic == {"E1": 1, "E2": 1}
    assert found.n_zero == {"E1": 1, "E2": 1}
    assert found.weights[["gene_id", "rsid", "weight", "column"]].values.tolist() == [
        ["E1", "rs1", 0.5, 0],
        ["E1", "chr22_200_C_T_b37", -0.25, 1],
        ["E2", "rs1", 0.125, 0],
        ["E2", "rs4", 2.0, 3],
    ]
    assert dict(describe_left_out(found)) == {"monomorphic in the panel": 2, "weight 0": 2}


def test_select_polymorphic__weights_that_cannot_be():
    for weights in (np.ones(3), np.array([1, 2, 3, np.nan])):
        with pytest.raises(ValueError, match=r"E1: \d weights of 4 variants"):
            select_polymorphic({"E1": weights}, dosages_of, build="GRCh37")
    with pytest.raises(InputError, match="there is no gene"):
        select_polymorphic({}, dosages_of, build="GRCh37")


def test_name_variants__an_id_of_two_variants_names_neither():
    table = VARIANTS.assign(variant_id=["rs1", "rs1", "rs3", "a b"])
    assert name_variants(table, build="GRCh38")["rsid"].tolist() == [
        *("chr22_100_A_G_b38", "chr22_200_C_T_b38", "rs3", "chr22_400_T_TA_b38")
    ]
    # The same variant in two genes is one variant.
    assert name_variants(pd.concat([VARIANTS, VARIANTS]), build="GRCh38")["rsid"].tolist()[::4] == ["rs1", "rs1"]


@pytest.mark.parametrize(("name", "build"), [("", "GRCh37"), ("../x", "GRCh37"), ("a b", "GRCh37"), ("x", "hg19")])
def test_panel__has_a_name_and_a_build(name, build):
    with pytest.raises(ValueError, match=r"the panel is called|build is"):
        Panel(name, 3, build)


# What MetaXcan's PredictionModel.py asks of a database, in its own words.
METAXCAN_WEIGHTS = "SELECT rsid, gene, weight, ref_allele, eff_allele FROM weights"
METAXCAN_EXTRA = (
    "SELECT gene, genename, `n.snps.in.model`, `pred.perf.R2`, `pred.perf.pval`, `pred.perf.qval` FROM extra"
)


def test_write_predictdb__answers_what_metaxcan_asks(tmp_path):
    connection = sqlite3.connect(write(tmp_path / "m.db"))
    assert connection.execute(METAXCAN_WEIGHTS).fetchall() == [
        ("rs1", "E1", 0.5, "A", "G"),
        ("chr22_200_C_T_b37", "E1", -0.25, "C", "T"),
        ("rs1", "E2", 0.125, "A", "G"),
        ("rs4", "E2", 2.0, "T", "TA"),
    ]
    assert connection.execute(f"{METAXCAN_WEIGHTS} WHERE gene = ?", ("E2",)).fetchall()[0][0] == "rs1"
    assert connection.execute(METAXCAN_EXTRA).fetchall() == [
        ("E1", "ONE", 2, 0.04, 1e-4, 1e-3),
        ("E2", "TWO", 2, None, None, None),
    ]


def test_write_predictdb__says_allele_build_panel_and_what_is_marked(tmp_path):
    connection = sqlite3.connect(write(tmp_path / "m.db"))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT varID, build FROM weights LIMIT 1").fetchall() == [
        ("chr22_100_A_G_b37", "GRCh37")
    ]
    marked = connection.execute('SELECT gene, "linear.r", "linear.faithful", "n.monomorphic" FROM extra').fetchall()
    assert marked == [("E1", 0.99, 1, 1), ("E2", 0.5, 0, 1)]
    assert connection.execute("SELECT * FROM sample_info").fetchall() == [(3, "GEUVADIS343", "LCL", "GRCh37")]
    said = dict(connection.execute("SELECT key, value FROM construction").fetchall())
    assert said == {
        "build": "GRCh37",
        "covariates": "none",
        "effect_allele": "alt",
        "genotype_pcs": "none",
        "model": "enformer",
    }


def test_write_predictdb__the_same_bytes_each_time(tmp_path):
    assert write(tmp_path / "a.db").read_bytes() == write(tmp_path / "b.db").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.db", "b.db"]


def test_write_predictdb__genes_must_be_those_with_weights(tmp_path):
    with pytest.raises(ValueError, match="genes differ"):
        write_predictdb(tmp_path / "m.db", selected(), genes()[:1], panel=PANEL, tissue="LCL", construction={})
    assert not (tmp_path / "m.db").exists()


def test_write_covariances__each_pair_once_and_genes_together(tmp_path):
    path = tmp_path / covariance_file_name("m", PANEL)
    assert path.name == "m.GEUVADIS343.cov.txt.gz"
    write_covariances(path, selected(), dosages_of, panel=PANEL)
    table = pd.read_csv(path, sep=r"\s+")
    assert table.columns.tolist() == ["GENE", "RSID1", "RSID2", "VALUE"]
    filled = DOSAGES.astype(float)
    filled[1, 1] = 0.5
    truth = np.cov(filled, rowvar=False)
    assert table["GENE"].tolist() == ["E1"] * 3 + ["E2"] * 3
    assert table[["RSID1", "RSID2"]].values.tolist()[3:] == [["rs1", "rs1"], ["rs1", "rs4"], ["rs4", "rs4"]]
    assert table["VALUE"].tolist() == pytest.approx(
        [truth[i, j] for i, j in [(0, 0), (0, 1), (1, 1), (0, 0), (0, 3), (3, 3)]]
    )
    first = path.read_bytes()
    write_covariances(path, selected(), dosages_of, panel=PANEL)
    assert path.read_bytes() == first


def test_write_covariances__the_panel_stands_in_the_name(tmp_path):
    with pytest.raises(InputError, match="covariances of GEUVADIS343 in a file that does not say so"):
        write_covariances(tmp_path / "cov.txt.gz", selected(), dosages_of, panel=PANEL)


def test_write_plink_score__a_column_per_gene(tmp_path):
    path = tmp_path / "s.txt"
    assert write_plink_score(path, selected()) == ["E1", "E2"]
    assert path.read_text().splitlines() == [
        "ID\tA1\tE1\tE2",
        "rs1\tG\t0.5\t0.125",
        "chr22_200_C_T_b37\tT\t-0.25\t0",
        "rs4\tTA\t0\t2",
    ]


def test_write_plink_score__an_id_of_two_variants_is_refused(tmp_path):
    ids = pd.Series(["a", "a", "a", "b"])
    with pytest.raises(InputError, match=r"s\.txt: a is the id of several variants"):
        write_plink_score(tmp_path / "s.txt", selected(), ids)


def test_write_export__whole_or_not_at_all(tmp_path):
    export = PredictDbExport(selected(), genes(), PANEL, "LCL", {"model": "enformer"}, dosages_of)
    folder = tmp_path / "weights"
    assert not export_exists(folder)
    write_export(folder, export)
    assert sorted(p.name for p in folder.iterdir()) == [
        *("export.json", "plink2_score.tsv", "weights.GEUVADIS343.cov.txt.gz", "weights.GEUVADIS343.varID.cov.txt.gz"),
        "weights.db",
    ]
    by_id = pd.read_csv(folder / "weights.GEUVADIS343.varID.cov.txt.gz", sep=" ")
    assert by_id["RSID2"].tolist()[:2] == ["chr22_100_A_G_b37", "chr22_200_C_T_b37"]
    found = read_export(folder)
    assert found.weights["weight"].tolist() == [0.5, -0.25, 0.125, 2.0]
    assert found.extra["linear.faithful"].tolist() == [1, 0]
    assert found.panel == PANEL
    broken = PredictDbExport(selected(), genes()[:1], PANEL, "LCL", {}, dosages_of)
    with pytest.raises(ValueError, match="genes differ"):
        write_export(folder, broken)
    assert read_export(folder).weights.equals(found.weights)
    with (folder / "weights.db").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(InputError, match=r"weights\.db: is not the file that was exported"):
        read_export(folder)


# PLINK2 on the real genotypes ------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_write_plink_score__plink2_gives_the_linear_predictions(shared_data, tmp_path):
    plink2 = shutil.which("plink2")
    if plink2 is None:
        pytest.skip("plink2 is not installed (Debian package plink2)")
    genotypes = read_geuvadis(shared_data)
    expressed, _ = read_expression(shared_data, genotypes.individual_ids)
    windows = locate_cis_windows(expressed[expressed["tss"] < 21_900_000], genotypes, length=196_608)
    windows = windows[windows["n_variants"] > 0]
    cis = CisDosages(genotypes, windows)
    rng = np.random.default_rng(1)
    forms: dict[str, LinearForm] = {}
    for gene_id, n in zip(windows["gene_id"], windows["n_variants"], strict=True):
        forms[gene_id] = additive_form(4.0, rng.normal(0, 0.01, n))
    found = select_polymorphic({g: form.weights for g, form in forms.items()}, cis.of_gene, build="GRCh37")
    order = write_plink_score(tmp_path / "score.txt", found)
    command = [plink2, "--bfile", str(shared_data / PLINK), "--score", str(tmp_path / "score.txt"), "1", "2"]
    command += ["header-read", "no-mean-imputation", "cols=+scoresums", "--score-col-nums", f"3-{len(order) + 2}"]
    result = subprocess.run([*command, "--out", str(tmp_path / "o"), "--threads", "1"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    scores = pd.read_csv(tmp_path / "o.sscore", sep="\t").set_index("IID")
    assert len(order) > 55
    for gene_id in order:
        ours = forms[gene_id].predict(cis.of_gene(gene_id)[1]) - 4.0
        theirs = scores.loc[genotypes.individual_ids, f"{gene_id}_SUM"].to_numpy()
        assert theirs == pytest.approx(ours, rel=1e-5, abs=1e-12)


def test_covariances__are_gzip_that_ends(tmp_path):
    path = tmp_path / "GEUVADIS343.gz"
    write_covariances(path, selected(), dosages_of, panel=PANEL)
    assert gzip.decompress(path.read_bytes()).decode().count("\n") == 7
