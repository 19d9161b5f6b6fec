"""External eQTLs in each form that the programs and databases write."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.baselines.association import associate
from haploformer.errors import InputError
from haploformer.formats.eqtl_tables import ExternalEqtls, read_eqtls, read_top_associations
from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.harmonise import harmonise
from haploformer.genome.intervals import Interval

GTEX = (
    "variant_id\tgene_id\ttss_distance\tma_samples\tma_count\tmaf\tpval_nominal\tslope\tslope_se\tpval_nominal_threshold"
    "\tmin_pval_nominal\tpval_beta"
)
GTEX_ROW = "chr22_17000_A_GT_b38\tENSG1.5\t-100\t10\t11\t0.02\t1e-9\t-0.5\t0.1\t1e-4\t1e-9\t1e-5"
CATALOGUE = (
    "molecular_trait_id\tchromosome\tposition\tref\talt\tvariant\tma_samples\tmaf\tpvalue\tbeta\tse\ttype\tac\tan\tr2"
    "\tmolecular_trait_object_id\tgene_id\tmedian_tpm\trsid"
)
CATALOGUE_ROW = "T1\t22\t500\tC\tT\tchr22_500_C_T\t9\t0.1\t0.5\t0.25\t0.125\tSNP\t9\t90\tNA\tENSG1\tENSG1\t1.5\trs5"
SETS = "molecular_trait_id\tgene_id\tcs_id\tvariant\trsid\tcs_size\tpip\tpvalue\tbeta\tse\tz\tcs_min_r2\tregion"
SETS_ROW = "ENSG1\tENSG1\tENSG1_L1\tchr22_500_C_T\trs5\t2\t0.75\t1e-20\t0.25\t0.125\t9\t0.9\tchr22:1-9"
DAPG = "tissue_id\tgene_id\tcluster_id\tcluster_pip\tvariant_id\tvariant_pip"
QTLTOOLS = (
    "phe_id phe_chr phe_from phe_to phe_strd n_var_in_cis dist_phe_var var_id var_chr var_from var_to nom_pval r_squared "
    "slope slope_se best_hit"
)
QTLTOOLS_ROW = "ENSG1 chr22 900 901 + 77 -400 chr22_500_C_T chr22 500 500 0.001 0.2 0.25 0.125 1"


def write(path: Path, *lines: str) -> Path:
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def read(path: Path) -> ExternalEqtls:
    found = read_eqtls(path)
    schemas.external_eqtls(found.table)
    return found


def only_row(found: ExternalEqtls) -> dict:
    assert len(found.table) == 1
    return found.table.iloc[0].dropna().to_dict()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_eqtls(path)
    return str(error.value).replace(str(path), path.name)


SEEN = {"contig": "22", "pos": 500, "ref": "C", "alt": "T", "variant_id": "chr22_500_C_T", "slope": 0.25}


@pytest.mark.parametrize("name", ["t.txt", "t.txt.gz"])
def test_read_eqtls__gtex_significant_pairs(tmp_path, name):
    found = read(write(tmp_path / name, GTEX, GTEX_ROW))
    assert (found.form, found.n_rows) == ("GTEx or FastQTL", 1)
    assert only_row(found) == {
        "trait_id": "ENSG1.5",
        "gene_id": "ENSG1.5",
        "variant_id": "chr22_17000_A_GT_b38",
        "contig": "22",
        "pos": 17000,
        "ref": "A",
        "alt": "GT",
        "slope": -0.5,
        "slope_se": 0.1,
        "pvalue": 1e-9,
        "maf": 0.02,
        "build": "GRCh38",
    }


@pytest.mark.parametrize(("written", "build"), [("22_17000_A_G_b37", "GRCh37"), ("chr22:17000:A:G:hg19", "GRCh37")])
def test_read_eqtls__the_build_is_read_from_the_id(tmp_path, written, build):
    row = GTEX_ROW.replace("chr22_17000_A_GT_b38", written)
    assert only_row(read(write(tmp_path / "t.txt", GTEX, row)))["build"] == build


@pytest.mark.parametrize("name", ["chr22_0_A_G_b38", f"chr22_{'9' * 400}_A_G", "22_5_A_<DEL>", "chr22_5_A", "x_y"])
def test_read_eqtls__an_id_that_names_no_place_is_only_an_id(tmp_path, name):
    row = only_row(read(write(tmp_path / "t.txt", GTEX, GTEX_ROW.replace("chr22_17000_A_GT_b38", name))))
    assert row["variant_id"] == name
    assert not {"contig", "pos", "ref", "alt", "build"} & set(row)


def test_read_eqtls__eqtl_catalogue(tmp_path):
    found = read(write(tmp_path / "t.tsv", CATALOGUE, CATALOGUE_ROW))
    assert found.form == "eQTL Catalogue"
    assert only_row(found) == SEEN | {
        "trait_id": "T1",
        "gene_id": "ENSG1",
        "rsid": "rs5",
        "slope_se": 0.125,
        "pvalue": 0.5,
        "maf": 0.1,
        "build": "GRCh38",
    }


def test_read_eqtls__rows_that_differ_by_rsid_alone_are_one(tmp_path):
    found = read(write(tmp_path / "t.tsv", CATALOGUE, CATALOGUE_ROW, CATALOGUE_ROW.replace("rs5", "rs6")))
    assert only_row(found)["rsid"] == "rs5"
    assert (found.n_rows, found.n_repeated) == (2, 1)


def test_read_eqtls__credible_sets(tmp_path):
    other = SETS_ROW.replace("_L1", "_L2").replace("0.75", "0.125")
    found = read(write(tmp_path / "t.tsv", SETS, SETS_ROW, other))
    assert found.table[["cs_id", "pip"]].values.tolist() == [["ENSG1_L1", 0.75], ["ENSG1_L2", 0.125]]
    assert found.table.loc[0, ["contig", "pos", "ref", "alt", "slope"]].tolist() == ["22", 500, "C", "T", 0.25]


def test_read_eqtls__gtex_fine_mapped(tmp_path):
    found = read(write(tmp_path / "d.txt", DAPG, "Lung\tENSG1.2\t1\t0.99\tchr1_5_A_G_b38\t0.5"))
    assert only_row(found) == {
        "tissue": "Lung",
        "trait_id": "ENSG1.2",
        "gene_id": "ENSG1.2",
        "variant_id": "chr1_5_A_G_b38",
        "contig": "1",
        "pos": 5,
        "ref": "A",
        "alt": "G",
        "pip": 0.5,
        "cs_id": "1",
        "build": "GRCh38",
    }
    caviar = write(tmp_path / "c.txt", "TISSUE\tGENE\teQTL\tCHROM\tPOS\tProbability", "Lung\tE1\t1_5\t1\t5\t0.25")
    row = only_row(read(caviar))
    assert (row["contig"], row["pos"], row["pip"], row["variant_id"]) == ("1", 5, 0.25, "1_5")
    assert "alt" not in row


def test_read_eqtls__tensorqtl_in_text_and_parquet(tmp_path):
    table = pd.DataFrame(
        {
            "phenotype_id": ["ENSG1", "ENSG1"],
            "variant_id": ["chr22_500_C_T", "rs7"],
            "start_distance": [-4, 6],
            "af": np.array([0.75, 0.25], np.float32),
            "ma_samples": [3, 4],
            "ma_count": [3, 4],
            "pval_nominal": [0.5, np.nan],
            "slope": np.array([0.25, -1], np.float32),
            "slope_se": np.array([0.125, 1], np.float32),
        }
    )
    table.to_parquet(tmp_path / "p.parquet")
    table.to_csv(tmp_path / "t.txt.gz", sep="\t", index=False)
    for name in ("p.parquet", "t.txt.gz"):
        found = read(tmp_path / name)
        assert found.form == "tensorQTL"
        first, second = (found.table.iloc[i].dropna().to_dict() for i in range(2))
        assert first == SEEN | {
            "trait_id": "ENSG1",
            "gene_id": "ENSG1",
            "slope_se": 0.125,
            "pvalue": 0.5,
            "maf": 0.25,
        }
        # An rsid says nothing of alleles.
        assert second == {
            "trait_id": "ENSG1",
            "gene_id": "ENSG1",
            "variant_id": "rs7",
            "rsid": "rs7",
            "slope": -1.0,
            "slope_se": 1.0,
            "maf": 0.25,
        }


def test_read_eqtls__an_index_in_parquet_is_a_column(tmp_path):
    table = pd.DataFrame({"variant_id": ["chr22_500_C_T"], "pval_nominal": [0.5], "slope": [0.25]})
    table.set_index(pd.Index(["ENSG1"], name="phenotype_id")).to_parquet(tmp_path / "p.parquet")
    assert only_row(read(tmp_path / "p.parquet"))["gene_id"] == "ENSG1"


def test_read_eqtls__tensorqtl_susie(tmp_path):
    found = read(
        write(tmp_path / "t.tsv", "phenotype_id\tvariant_id\tpip\taf\tcs_id", "E1\tchr22_500_C_T\t0.5\t0.9\t2")
    )
    row = only_row(found)
    assert (found.form, row["pip"], row["cs_id"]) == ("tensorQTL SuSiE", 0.5, "2")
    assert row["maf"] == pytest.approx(0.1)


def qtltools_row(*left_out: str) -> tuple[str, str]:
    names, cells = QTLTOOLS.split(), QTLTOOLS_ROW.split()
    kept = [i for i, name in enumerate(names) if name not in left_out]
    return " ".join(names[i] for i in kept), " ".join(cells[i] for i in kept)


@pytest.mark.parametrize("left_out", [(), ("slope_se",), ("slope_se", "r_squared")])
@pytest.mark.parametrize("with_header", [True, False])
def test_read_eqtls__qtltools_nominal(tmp_path, left_out, with_header):
    header, row = qtltools_row(*left_out)
    found = read(write(tmp_path / "t.txt", *([header] if with_header else []), row))
    seen = SEEN | {"trait_id": "ENSG1", "gene_id": "ENSG1", "pvalue": 0.001}
    assert only_row(found) == (seen if left_out else seen | {"slope_se": 0.125})
    assert (found.form, found.n_rows) == ("QTLtools", 1)


PERMUTED = (
    "phe_id phe_chr phe_from phe_to phe_strd n_var_in_cis dist_phe_var var_id var_chr var_from var_to dof1 dof2 bml1 bml2 "
    "nom_pval r_squared slope slope_se adj_emp_pval adj_beta_pval"
)
PERMUTED_ROW = "ENSG1 22 900 901 + 77 -400 chr22_500_C_T 22 500 500 340 300 1 20 0.001 0.2 0.25 0.125 0.02 0.01"
NOTHING_TESTED = "ENSG2 22 900 901 + 0 NA NA NA NA NA NA NA NA NA NA NA NA NA NA NA"


@pytest.mark.parametrize("with_header", [True, False])
def test_read_eqtls__qtltools_permutation_and_phenotypes_without_a_variant(tmp_path, with_header):
    lines = [*([PERMUTED] if with_header else []), PERMUTED_ROW, NOTHING_TESTED]
    found = read(write(tmp_path / "t.txt.gz", *lines))
    assert only_row(found)["slope"] == 0.25
    assert (found.n_rows, found.n_without_variant) == (2, 1)


def test_read_eqtls__fastqtl_without_a_header(tmp_path):
    nominal = read(write(tmp_path / "n.txt", "ENSG1 chr22_500_C_T -400 0.001 0.25"))
    assert only_row(nominal) == SEEN | {"trait_id": "ENSG1", "gene_id": "ENSG1", "pvalue": 0.001}
    permuted = read(write(tmp_path / "p.txt", "ENSG1 77 1.04 20.1 300 chr22_500_C_T -400 0.001 0.25 0.02 0.01"))
    assert only_row(permuted) == only_row(nominal)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ("a\tb\tc", "1\t2\t3"),
            "t.txt:header: not a known form of eQTL table (columns: a, b, c); give a table of GTEx",
        ),
        ((GTEX, GTEX_ROW.replace("-0.5", "high")), "t.txt:line 2, column slope: 'high' is not a finite number"),
        ((GTEX, GTEX_ROW.replace("0.02", "1.5")), "t.txt:line 2, column maf: '1.5' is not from 0 to 1; correct"),
        ((GTEX, GTEX_ROW.replace("1e-9", "-1", 1)), "t.txt:line 2, column pval_nominal: '-1' is not from 0 to 1"),
        ((GTEX, GTEX_ROW.replace("ENSG1.5", "")), "t.txt:line 2, column gene_id: the cell is empty; fill it"),
        ((GTEX, GTEX_ROW.rsplit("\t", 1)[0]), "t.txt:line 2: the row is shorter than the header"),
        ((GTEX,), "t.txt: the eQTL table has a header and no row"),
        (
            (GTEX, GTEX_ROW, GTEX_ROW.replace("-0.5", "0.5")),
            "t.txt:line 3: trait_id ENSG1.5, variant_id chr22_17000_A_GT_b38 stands here again with other values; keep",
        ),
        (
            (CATALOGUE, CATALOGUE_ROW.replace("\t500\t", "\t501\t")),
            "t.txt:line 2: the id of the variant says 22:500, the columns 22:501; correct the row",
        ),
        (
            (CATALOGUE, CATALOGUE_ROW.replace("\tC\tT\t", "\tT\tC\t")),
            "t.txt:line 2, column ref: the id of the variant says C, the column T; correct the row",
        ),
        ((QTLTOOLS_ROW, QTLTOOLS_ROW.replace("0.125", "x")), "t.txt:line 2, column slope_se: 'x' is not a finite"),
        ((CATALOGUE, CATALOGUE_ROW.replace("\t500\t", "\t0\t")), "t.txt:line 2, column position: '0' is not from 1 to"),
        ((CATALOGUE, CATALOGUE_ROW.replace("\t500\t", "\t1.5\t")), "t.txt:line 2, column position: 1.5 is not a whole"),
    ],
)
def test_read_eqtls__refusals(tmp_path, lines, message):
    assert refusal(write(tmp_path / "t.txt", *lines)).startswith(message)


def test_read_eqtls__damaged_parquet(tmp_path):
    path = tmp_path / "p.parquet"
    pd.DataFrame({"phenotype_id": ["E"], "variant_id": ["rs1"], "slope": [1.0], "pval_nominal": [1.0]}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert refusal(path).startswith("p.parquet: the eQTL table cannot be read (")


TOP = ",GENE_ID,name,distance,minor_allele_freq,rvalue,log10pvalue"


def test_read_top_associations__genes_with_a_value(tmp_path):
    path = write(tmp_path / "t.csv", TOP, "0,ENSG1.8,abc,12249.0,0.3822,-0.25,6.0", "1,,xyz,,,,")
    table = read_top_associations(path)
    schemas.top_associations(table)
    assert table.values.tolist() == [["ENSG1.8", 12249.0, 0.3822, -0.25]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["0,E1,a,1,0.6,0.5,1"], "t.csv:line 2, column minor_allele_freq: '0.6' is not from 0 to 0.5"),
        (["0,E1,a,1,0.1,1.5,1"], "t.csv:line 2, column rvalue: '1.5' is not from -1 to 1"),
        (["0,E1,a,1,0.1,0.5,1", "1,E1,a,1,0.1,0.4,1"], "t.csv:line 3: gene_id E1 stands here again"),
    ],
)
def test_read_top_associations__refusals(tmp_path, rows, message):
    path = write(tmp_path / "t.csv", TOP, *rows)
    with pytest.raises(InputError) as error:
        read_top_associations(path)
    assert str(error.value).replace(str(path), "t.csv").startswith(message)


# What QTLtools itself writes: golden/qtltools/README.md ----------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "qtltools"


def test_read_eqtls__what_qtltools_writes():
    nominal = read(GOLDEN / "nominal.txt")
    assert (nominal.form, nominal.n_rows, len(nominal.table)) == ("QTLtools", 39, 39)
    first = nominal.table.iloc[0]
    assert first[["gene_id", "contig", "pos", "ref", "alt"]].tolist() == ["ENSD00000000001.12", "21", 39891, "T", "G"]
    assert first[["slope", "slope_se", "pvalue"]].tolist() == [0.0606909, 0.132996, 0.648818]
    permuted = read(GOLDEN / "permutation_without_header.txt")
    assert permuted.table[["gene_id", "variant_id", "slope"]].values.tolist() == [
        ["ENSD00000000001.12", "21_49689_C_CGCAG", -0.617506],
        ["ENSD00000000002.7", "21_106319_A_C", 0.474925],
    ]


def test_read_eqtls__qtltools_slopes_are_those_of_alt():
    demo = Path(__file__).parents[2] / "data" / "01_raw" / "demo"
    vcf, reference = VcfFile(demo / "genotypes.vcf.gz"), FastaReference(demo / "reference.fa.gz")
    batches = list(vcf.read([Interval("21", 0, 200_000)], vcf.sample_ids, reference))
    genotypes = Genotypes(
        pd.concat([batch.genotypes.records for batch in batches], ignore_index=True),
        batches[0].genotypes.individual_ids,
        np.concatenate([np.asarray(batch.genotypes.alleles) for batch in batches]),
    )
    variants, dosages = alt_dosages(genotypes)
    bed = read_expression_bed(demo / "expression.bed.gz")
    typed = list(genotypes.individual_ids)
    shared = [name for name in bed.individual_ids if name in typed]
    dosages = dosages[[typed.index(name) for name in shared]]
    people = [bed.individual_ids.index(name) for name in shared]
    table = read(GOLDEN / "nominal.txt").table
    matched = harmonise(table, variants, source="golden", reference=reference, within=["gene_id"])
    # A/T and C/G are set aside; all others are found as written.
    assert matched.counts.n_matched + matched.counts.n_ambiguous == 39
    assert (matched.counts.n_swapped, matched.counts.n_flipped) == (0, 0)
    assert matched.counts.n_matched > 25
    for gene_id, rows in matched.table.groupby("gene_id"):
        expression = bed.values[bed.genes["gene_id"].tolist().index(gene_id)][people]
        found = associate(dosages[:, rows["variant"]], expression)
        assert found.slope.tolist() == pytest.approx(rows["slope"].tolist(), rel=1e-3)
        assert found.slope_se.tolist() == pytest.approx(rows["slope_se"].tolist(), rel=1e-3)
        assert found.p_value.tolist() == pytest.approx(rows["pvalue"].tolist(), rel=2e-3)
