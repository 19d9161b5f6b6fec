"""The GWAS catalog in the forms in which it goes round."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.formats.gwas_catalog import GwasAssociations, read_gwas_catalog

DOWNLOAD = (
    "DATE ADDED TO CATALOG\tPUBMEDID\tDISEASE/TRAIT\tREGION\tCHR_ID\tCHR_POS\tREPORTED GENE(S)\tMAPPED_GENE\t"
    "STRONGEST SNP-RISK ALLELE\tSNPS\tP-VALUE\tPVALUE_MLOG"
)
UCSC = (
    "#bin\tchrom\tchromStart\tchromEnd\tname\tpubMedID\tauthor\tpubDate\tjournal\ttitle\ttrait\tinitSample\treplSample\t"
    "region\tgenes\triskAllele\triskAlFreq\tpValue"
)


def bed(**cells: str) -> str:
    row = {
        "chrom": "chr22",
        "start": "499",
        "end": "500",
        "rsid": "rs5",
        "p": "3E-6",
        "risk": "rs5-T",
        "genes": "ABC",
        "context": "intron",
        "date": "2015",
        "journal": "J",
        "region": "22q",
        "trait": "Height (cm)",
    }
    return "\t".join((row | cells).values())


def write(path: Path, *lines: str) -> Path:
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def read(path: Path) -> GwasAssociations:
    found = read_gwas_catalog(path)
    schemas.gwas_associations(found.table)
    return found


SEEN = {"rsid": "rs5", "contig": "22", "pos": 500, "risk_allele": "T", "trait": "Height (cm)", "reported_genes": "ABC"}


@pytest.mark.parametrize("name", ["g.tsv", "g.tsv.gz"])
def test_read_gwas_catalog__as_downloaded(tmp_path, name):
    row = "2015-01-01\t123\tHeight (cm)\t22q\t22\t500\tABC\tDEF\trs5-T\trs5\t3E-6\t5.5"
    found = read(write(tmp_path / name, DOWNLOAD, row))
    seen = found.table.iloc[0].to_dict()
    assert seen.pop("neg_log10_pvalue") == pytest.approx(5.522879, abs=1e-6)
    assert seen == SEEN | {"publication": "123"}
    assert (found.n_rows, found.n_several, found.n_unnamed, found.n_repeated) == (1, 0, 0, 0)


def test_read_gwas_catalog__ucsc(tmp_path):
    row = "1\tchr22\t499\t500\trs5\t123\tA\t2015\tJ\tT\tHeight (cm)\ti\tr\t22q\tABC\trs5-T\t0.5\t3e-6"
    seen = read(write(tmp_path / "g.txt", UCSC, row)).table.iloc[0].to_dict()
    assert {name: seen[name] for name in SEEN} == SEEN


def test_read_gwas_catalog__bed_of_twelve_columns(tmp_path):
    seen = read(write(tmp_path / "g.bed", bed())).table.iloc[0].to_dict()
    assert {name: seen[name] for name in SEEN} == SEEN


@pytest.mark.parametrize(
    ("written", "value"),
    [("1E-400", 400), ("5e-1", 0.30103), ("0.05", 1.30103), ("1", 0), ("0.0", np.inf), ("2E-70", 69.69897)],
)
def test_read_gwas_catalog__pvalues_keep_their_exponent(tmp_path, written, value):
    table = read(write(tmp_path / "g.bed", bed(p=written))).table
    assert table["neg_log10_pvalue"].tolist() == pytest.approx([value], abs=1e-5)


@pytest.mark.parametrize(
    ("written", "allele"),
    [
        ("rs5-T", "T"),
        ("rs5-?", None),
        ("rs5-TG", "TG"),
        ("rs5", None),
        ("rs5NR", None),
        ("rs5-a", "A"),
        ("rs5-R", None),
    ],
)
def test_read_gwas_catalog__risk_alleles(tmp_path, written, allele):
    table = read(write(tmp_path / "g.bed", bed(risk=written))).table
    assert table["risk_allele"].tolist() == [allele]


def test_read_gwas_catalog__what_is_left_out_is_counted(tmp_path):
    rows = [
        bed(),
        bed(),
        bed(chrom="chr22;22", end="500;600", risk="rs5-T; rs6-A"),
        bed(risk="rs5-T x rs6-A"),
        bed(chrom="chr1 x 19"),
        bed(chrom="chr", end="", rsid="kgp77", risk="kgp77-A"),
        bed(chrom="chr", end="", rsid="rs77"),
    ]
    found = read(write(tmp_path / "g.bed", *rows))
    assert found.table["rsid"].tolist() == ["rs5", "rs77"]
    assert found.table["contig"].isna().tolist() == [False, True]
    assert (found.n_rows, found.n_several, found.n_unnamed, found.n_repeated) == (7, 3, 1, 1)


def test_read_gwas_catalog__nothing_but_rows_of_several_snps(tmp_path):
    found = read(write(tmp_path / "g.bed", bed(rsid="rs1; rs2")))
    assert (len(found.table), found.n_several) == (0, 1)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ("a\tb", "1\t2"),
            "g.bed:header: no column of the GWAS catalog for the rsid (there: a, b); give the catalog's",
        ),
        ((bed(), bed(p="high")), "g.bed:line 2, column pValue: 'high' is no p-value from 0 to 1; correct the cell"),
        ((bed(), bed(p="1.5")), "g.bed:line 2, column pValue: '1.5' is no p-value"),
        ((bed(), bed(chrom="chr1;1"), bed(end="x")), "g.bed:line 3, column chromEnd: 'x' is not a finite number"),
        ((bed(), bed(trait="")), "g.bed:line 2, column trait: the cell is empty"),
        ((bed(), bed() + "\tmore"), "g.bed:line 2: the row is longer than the header"),
        ((bed(), "chr22\t1"), "g.bed:line 2: the row is shorter than the header"),
    ],
)
def test_read_gwas_catalog__refusals(tmp_path, lines, message):
    path = write(tmp_path / "g.bed", *lines)
    with pytest.raises(InputError) as error:
        read_gwas_catalog(path)
    assert str(error.value).replace(str(path), "g.bed").startswith(message)


@pytest.mark.real_data
def test_read_gwas_catalog__real_file(shared_data):
    found = read(shared_data / "annotation/GWAS-SNP-List_hg19_full.bed")
    assert found.n_rows == 13_455
    assert found.n_rows == len(found.table) + found.n_several + found.n_unnamed + found.n_repeated
    assert (found.table["contig"] == "22").sum() > 200
