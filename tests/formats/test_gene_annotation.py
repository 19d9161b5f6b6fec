"""Gene names and strands from a GTF."""

from __future__ import annotations

import gzip
from pathlib import Path

import pysam
import pytest

from haploformer.errors import InputError
from haploformer.formats.gene_annotation import read_gene_annotation

GENCODE = (
    '##description: x\nchr22\tHAVANA\tgene\t100\t900\t.\t+\t.\tgene_id "ENSG1.4"; gene_type "lincRNA"; gene_name "AB; C";\n'
    'chr22\tHAVANA\texon\t100\t200\t.\t+\t.\tgene_id "ENSG1.4"; exon_number 1;\n'
    'chrM\tENSEMBL\tgene\t1\t90\t.\t-\t.\tgene_id "ENSG2.1"; level 3;\n'
)
ENSEMBL = '22\tensembl\tgene\t100\t900\t.\t-\t.\tgene_id "ENSG3"; gene_name "X"; gene_biotype "protein_coding";\n'


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_gene_annotation(path)
    return str(error.value).replace(str(path), path.name)


def test_read_gene_annotation__gencode_and_ensembl(tmp_path):
    table = read_gene_annotation(write(tmp_path / "g.gtf", GENCODE + ENSEMBL))
    assert table.columns.tolist() == ["gene_id", "gene_name", "gene_type", "contig", "strand"]
    assert table.values.tolist() == [
        ["ENSG1.4", "AB; C", "lincRNA", "22", "+"],
        ["ENSG2.1", "ENSG2.1", "", "MT", "-"],
        ["ENSG3", "X", "protein_coding", "22", "-"],
    ]


def test_read_gene_annotation__compressed_and_windows_line_ends(tmp_path):
    plain = read_gene_annotation(write(tmp_path / "g.gtf", GENCODE))
    zipped, blocked = tmp_path / "g.gtf.gz", tmp_path / "b.gtf.gz"
    zipped.write_bytes(gzip.compress(GENCODE.replace("\n", "\r\n").encode()))
    with pysam.BGZFile(str(blocked), "wb") as stream:
        stream.write(GENCODE.encode())
    assert plain.equals(read_gene_annotation(zipped))
    assert plain.equals(read_gene_annotation(blocked))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GENCODE + "22\tx\tgene\t1\t2\n", "g.gtf:line 5: the line has 5 cells, a GTF has 9; correct the line"),
        (
            GENCODE + '22\tx\tgene\t1\t2\t.\t?\t.\tgene_id "A";\n',
            "g.gtf:line 5: strand '?' is none of +, -, .; correct the line",
        ),
        (
            GENCODE + "22\tx\tgene\t1\t2\t.\t+\t.\tID=gene:ENSG1\n",
            "g.gtf:line 5: a gene line without gene_id; give a GTF (GENCODE, Ensembl)",
        ),
        (GENCODE.replace("\tgene\t", "\ttranscript\t"), "g.gtf: the gene annotation has no line of type gene; give"),
        ("#only a comment\n", "g.gtf: the gene annotation has no line of type gene"),
        ("", "g.gtf: the gene annotation is empty"),
    ],
)
def test_read_gene_annotation__refusals(tmp_path, text, message):
    assert refusal(write(tmp_path / "g.gtf", text)).startswith(message)


def test_read_gene_annotation__other_encodings_and_cut_gzip(tmp_path):
    path = tmp_path / "g.gtf"
    path.write_bytes(GENCODE.replace("lincRNA", "é").encode("latin-1"))
    assert refusal(path).startswith("g.gtf: the gene annotation cannot be read ('utf-8' codec can't decode")
    path.write_bytes(gzip.compress(GENCODE.encode() * 50)[:-30])
    assert refusal(path).startswith("g.gtf: the gene annotation cannot be read (Compressed file ended")
    damaged = bytearray(gzip.compress(GENCODE.encode() * 50))
    damaged[40] ^= 255
    path.write_bytes(bytes(damaged))
    assert refusal(path).startswith("g.gtf: the gene annotation cannot be read (")


def test_read_gene_annotation__cut_bgzf(tmp_path):
    path = tmp_path / "g.gtf.gz"
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(GENCODE.encode())
    path.write_bytes(path.read_bytes()[:-28])
    assert refusal(path).startswith("g.gtf.gz: the file is cut short (no BGZF end block)")
