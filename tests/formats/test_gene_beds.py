"""Tables for other programs: read back to the last bit by the project, by place by htslib, and whole or not at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pysam
import pytest

from haploformer.errors import InputError
from haploformer.formats.gene_beds import GeneBeds, gene_beds_exist, read_gene_beds, write_gene_beds
from haploformer.predicted_expression import applied_rows

#: A person's name is data, whatever it is.
PEOPLE = ["chr", "P1", "ID"]
GENES = pd.DataFrame(
    {
        "gene_id": ["G3", "G1", "G2", "G4"],
        "gene_name": ["c", "a", "b", "d"],
        "contig": ["22", "21", "21", "MT"],
        "tss": [500, 900, 100, 7],
        "strand": ".",
    }
)
VALUES = np.random.default_rng(0).normal(size=(4, 3))


def beds() -> GeneBeds:
    """One model of all genes, and one of a single gene."""
    predicted = {(gene, "blup"): VALUES[i] for i, gene in enumerate(GENES["gene_id"])}
    return GeneBeds(GENES, applied_rows(predicted | {("G1", "prs_1mb"): VALUES[1] / 3}, PEOPLE))


def test_write_gene_beds__every_number_comes_back(tmp_path):
    write_gene_beds(tmp_path / "beds", beds())
    found = read_gene_beds(tmp_path / "beds")
    assert set(found) == {"blup", "prs_1mb"}
    blup = found["blup"]
    assert blup.individual_ids == PEOPLE
    assert blup.genes["gene_id"].tolist() == ["G2", "G1", "G3", "G4"]
    assert blup.genes["tss"].tolist() == [100, 900, 500, 7]
    assert blup.genes["contig"].tolist() == ["21", "21", "22", "MT"]
    np.testing.assert_array_equal(blup.values, VALUES[[2, 1, 0, 3]])
    np.testing.assert_array_equal(found["prs_1mb"].values, VALUES[[1]] / 3)
    with pysam.TabixFile(str(tmp_path / "beds/blup.bed.gz")) as table:
        assert table.contigs == ["chr21", "chr22", "chrM"]
        assert table.header == ["#chr\tstart\tend\tgene_id\tchr\tP1\tID"]
        (line,) = table.fetch("chr21", 900, 901)
        assert line.split("\t")[:4] == ["chr21", "900", "901", "G1"]
        assert list(table.fetch("chr21", 901, 902)) == []


def test_write_gene_beds__the_same_bytes_again(tmp_path):
    for name in ("one", "two"):
        write_gene_beds(tmp_path / name, beds())
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_read_gene_beds__a_changed_file_is_refused(tmp_path):
    write_gene_beds(tmp_path / "beds", beds())
    assert gene_beds_exist(tmp_path / "beds")
    path = tmp_path / "beds/blup.bed.gz.tbi"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"blup.bed.gz.tbi: is not the file that was written; apply the models again"):
        read_gene_beds(tmp_path / "beds")


def test_write_gene_beds__nothing_is_left_of_half_a_folder(tmp_path):
    bad = GeneBeds(GENES, beds().predicted.replace({"model": {"prs_1mb": "../x"}}))
    with pytest.raises(ValueError, match="cannot name a file"):
        write_gene_beds(tmp_path / "beds", bad)
    assert list(tmp_path.iterdir()) == []
    assert not gene_beds_exist(tmp_path / "beds")
