"""ClinVar's files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.formats.clinvar import ClinvarVariants, read_clinvar

SUMMARY = (
    "#AlleleID\tType\tName\tGeneSymbol\tClinicalSignificance\tRS# (dbSNP)\tPhenotypeList\tAssembly\tChromosome\t"
    "ReviewStatus\tVariationID\tPositionVCF\tReferenceAlleleVCF\tAlternateAlleleVCF"
)
SUMMARY_ROW = "1\tSNV\tNM_1\tADA2\tPathogenic\t555\tDADA2\t{build}\t22\treviewed\t77\t{pos}\tC\t{alt}"
RELEASE = (
    "release\tchromosome\tstart\tend\treference\talternative\tset_type\tsymbols\tvcv\t"
    "summary_clinvar_review_status_label\tsummary_clinvar_pathogenicity_label"
)
RELEASE_ROW = 'GRCh37\t22\t500\t500\tC\tT\t{kind}\t{{"ADA2","ABC"}}\tVCV00000{id}\treviewed\tpathogenic'
VCF = ["##fileformat=VCFv4.1", "##reference=GRCh38", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
INFO = "ALLELEID=1;CLNDN=DADA2_syndrome;CLNREVSTAT=reviewed;CLNSIG=Likely_benign;GENEINFO=ADA2:51816|ABC:2;RS=555"


def write(path: Path, *lines: str) -> Path:
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def read(path: Path, build: str = "GRCh37") -> ClinvarVariants:
    found = read_clinvar(path, build=build)
    schemas.clinvar_variants(found.table)
    assert found.n_rows == len(found.table) + found.n_other_build + found.n_without_alleles + found.n_repeated
    return found


def summary_row(**cells: str) -> str:
    return SUMMARY_ROW.format(**({"build": "GRCh37", "pos": "500", "alt": "T"} | cells))


@pytest.mark.parametrize("name", ["v.txt", "variant_summary.txt.gz"])
def test_read_clinvar__variant_summary_of_one_build(tmp_path, name):
    rows = [
        summary_row(),
        summary_row(build="GRCh38", pos="100"),
        summary_row(build="na", pos="-1", alt="na"),
        summary_row(alt="na", pos="-1"),
    ]
    path = write(tmp_path / name, SUMMARY, *rows)
    found = read(path)
    assert found.table.values.tolist() == [
        ["77", "rs555", "22", 500, "C", "T", "ADA2", "Pathogenic", "reviewed", "DADA2", False]
    ]
    assert (found.n_rows, found.n_other_build, found.n_without_alleles) == (4, 2, 1)
    assert read(path, "GRCh38").table["pos"].tolist() == [100]


def test_read_clinvar__a_table_of_a_release(tmp_path):
    rows = [RELEASE_ROW.format(kind="variant", id=12), RELEASE_ROW.format(kind="haplotype", id=13)]
    found = read(write(tmp_path / "c.tsv.gz", RELEASE, *rows))
    assert found.table[["variation_id", "of_haplotype"]].values.tolist() == [["12", False], ["13", True]]
    assert found.table.loc[0, "gene_symbols"] == "ADA2,ABC"
    assert found.table.loc[0, "significance"] == "pathogenic"


def test_read_clinvar__vcf(tmp_path):
    rows = [
        f"22\t500\t77\tC\tT\t.\t.\t{INFO}",
        "22\t501\t78\tG\t.\t.\t.\tCLNREVSTAT=x",
        "MT\t9\t79\tGA\tG\t.\t.\tCLNSIGINCL=5:Pathogenic",
    ]
    found = read(write(tmp_path / "c.vcf.gz", *VCF, *rows), "GRCh38")
    assert found.table.iloc[0].tolist() == [
        *("77", "rs555", "22", 500, "C", "T", "ADA2,ABC", "Likely benign", "reviewed", "DADA2 syndrome", False)
    ]
    assert found.table.loc[1, ["contig", "pos", "ref", "alt", "of_haplotype"]].tolist() == ["MT", 9, "GA", "G", True]
    assert found.table.loc[1, ["significance", "rsid", "gene_symbols"]].isna().all()
    assert (found.n_rows, found.n_without_alleles) == (3, 1)


def test_read_clinvar__the_same_row_again_is_counted(tmp_path):
    found = read(write(tmp_path / "c.txt", SUMMARY, summary_row(), summary_row()))
    assert (len(found.table), found.n_repeated) == (1, 1)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((*VCF, f"22\t500\t77\tC\tT\t.\t.\t{INFO}"), "c:header: the VCF is of GRCh38, the run is of GRCh37; give"),
        ((VCF[0], "22\t500\t77\tC"), "c:line 2: the record has 4 cells, a VCF has 8; correct the line"),
        ((VCF[0], "22\tx\t77\tC\tT\t.\t.\tA=1"), "c:line 2, column pos: 'x' is not a finite number; correct the cell"),
        ((VCF[0], VCF[2]), "c: the ClinVar table has a header and no row"),
        (("a\tb", "1\t2"), "c:header: no column Type (there: a, b)"),
        ((SUMMARY, summary_row(), summary_row(pos="high")), "c:line 3, column PositionVCF: 'high' is not a finite"),
        ((SUMMARY, summary_row(build="GRCh38")), "c: none of the 1 rows is of GRCh37; give a file of this build"),
        (
            (SUMMARY, summary_row(), summary_row().replace("Pathogenic", "Benign")),
            "c:line 3: variation_id 77, contig 22, pos 500, ref C, alt T stands here again with other values; keep one",
        ),
        ((SUMMARY, summary_row()[:-4]), "c:line 2: the row is shorter than the header"),
    ],
)
def test_read_clinvar__refusals(tmp_path, lines, message):
    path = write(tmp_path / "c", *lines)
    with pytest.raises(InputError) as error:
        read_clinvar(path, build="GRCh37")
    assert str(error.value).replace(str(path), "c").startswith(message)


def test_read_clinvar__cut_gzip(tmp_path):
    path = write(tmp_path / "c.vcf.gz", *VCF, *[f"22\t{i}\t{i}\tC\tT\t.\t.\t{INFO}" for i in range(1, 2000)])
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="the ClinVar table cannot be read"):
        read_clinvar(path, build="GRCh38")


@pytest.mark.real_data
def test_read_clinvar__real_file(shared_data):
    found = read(shared_data / "annotation/Clinvar_chr22_grch37.tsv.gz")
    assert len(found.table) == found.n_rows == 125
    assert found.table["of_haplotype"].sum() == 2
    assert set(found.table["gene_symbols"]) == {"ADA2"}
