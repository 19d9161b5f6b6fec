"""Expression tables in the shape of GTEx."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from haploformer.errors import InputError
from haploformer.formats.expression_bed import read_expression_bed

HEADER = "#chr\tstart\tend\tgene_id\tP1\tP2"
ROWS = ["chr22\t99\t100\tE1.4\t0.5\t-1.25", "21\t7\t8\tE2\t1e-3\t2"]


def write(path: Path, header: str = HEADER, rows: list[str] = ROWS) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_expression_bed(path)
    return str(error.value).replace(str(path), path.name)


def test_read_expression_bed__genes_people_and_values(tmp_path):
    bed = read_expression_bed(write(tmp_path / "e.bed"))
    assert bed.name == "e.bed"
    assert bed.genes.values.tolist() == [["E1.4", "22", 99], ["E2", "21", 7]]
    assert bed.genes.columns.tolist() == ["gene_id", "contig", "tss"]
    assert bed.individual_ids == ["P1", "P2"]
    assert bed.values.tolist() == [[0.5, -1.25], [0.001, 2.0]]
    assert bed.values.dtype == np.float64


@pytest.mark.parametrize("chrom", ["#chr", "#Chr", "#chrom", "#CHROM", "chr"])
@pytest.mark.parametrize("gene", ["gene_id", "TargetID", "gene", "phenotype_id", "ID"])
def test_read_expression_bed__spellings_of_the_header(tmp_path, chrom, gene):
    bed = read_expression_bed(write(tmp_path / "e.bed", f"{chrom}\tstart\tend\t{gene}\tP1\tP2"))
    assert bed.genes["gene_id"].tolist() == ["E1.4", "E2"]


def test_read_expression_bed__gzip(tmp_path):
    path = write(tmp_path / "e.bed")
    zipped = tmp_path / "e.bed.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert np.array_equal(read_expression_bed(zipped).values, read_expression_bed(path).values)


def test_read_expression_bed__people_may_be_called_anything(tmp_path):
    people = ["start", "end", "contig", "gene_id", "ID", "../x", "#chr2"]
    header = "#chr\tstart\tend\tTargetID\t" + "\t".join(p for p in people if p not in {"start", "end"})
    rows = ["22\t99\t100\tE1\t" + "\t".join("34567")]
    bed = read_expression_bed(write(tmp_path / "e.bed", header, rows))
    assert bed.individual_ids == people[2:]
    assert bed.values.tolist() == [[3, 4, 5, 6, 7]]
    assert bed.genes.values.tolist() == [["E1", "22", 99]]


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        ("#chr\tstart\tend\tname\tP1\tP2", ROWS, "e.bed:header: no column gene_id (there: contig, start, end, name)"),
        ("#chr\tend\tgene_id\tP1\tP2\tstart", ROWS, "e.bed:header: no column start"),
        (HEADER, [ROWS[0], ROWS[0]], "e.bed:line 3: gene E1.4 stands twice; keep one row of the gene"),
        (
            HEADER,
            [ROWS[0], "22\t9\t11\tE2\t1\t2"],
            "e.bed:line 3 (E2): start 9 and end 11 are not one base; give the TSS: start = TSS - 1 (0-based)",
        ),
        (HEADER, ["22\t100\t99\tE2\t1\t2"], "e.bed:line 2 (E2): start 100 and end 99 are not one base"),
        (HEADER, ["22\t9.5\t10.5\tE2\t1\t2"], "e.bed:line 2 (E2), column start: '9.5' is not a whole number"),
        (HEADER, ["22\tx\t10\tE2\t1\t2"], "e.bed:line 2 (E2), column start: 'x' is not a finite number"),
        (HEADER, [ROWS[0], "21\t7\t8\tE2\t1\tNA"], "e.bed:line 3 (E2), column P2: 'NA' is not a finite number"),
        (HEADER, [ROWS[0], "21\t7\t8\tE2\t1"], "e.bed:line 3: the row is shorter than the header (5 cells, 6 columns)"),
        (HEADER, [ROWS[0] + "\t9"], "e.bed:line 2: the row is longer than the header (7 cells, 6 columns)"),
        ("#chr\tstart\tend\tgene_id\tP1\tP1", ROWS, "e.bed:header: column P1 stands twice"),
        ("#chr\tstart\tend\tgene_id", ["22\t9\t10\tE2"], "e.bed:header: there is no column of values"),
        (HEADER, [], "e.bed: the expression table has a header and no row"),
    ],
)
def test_read_expression_bed__refusals(tmp_path, header, rows, message):
    assert refusal(write(tmp_path / "e.bed", header, rows)).startswith(message)
