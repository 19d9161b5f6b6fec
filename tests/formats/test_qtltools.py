"""Our scan in QTLtools' form, read back by the reader of foreign tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from haploformer import schemas
from haploformer.effects.scan import SCAN_COLUMNS
from haploformer.formats.eqtl_tables import read_eqtls
from haploformer.formats.qtltools import QTLTOOLS_COLUMNS, write_qtltools

SCAN = pd.DataFrame(
    [
        ("G.1", "22", 999, "+", 2, "rs1", 1001, "A", "G", 1, 0.25, 0.1 + 0.2, 1 / 3, 0.5, 1e-300, True),
        ("G.1", "22", 999, "+", 2, "rs2", 990, "AC", "A", -10, 0.5, -1 / 7, 2 / 3, -0.1, 0.25, False),
        ("H", "X", 5000, "-", 1, ".", 6001, "T", "C", -1000, 0.1, 2.0, 0.5, 1.0, 0.0, True),
    ],
    columns=SCAN_COLUMNS,
)


def test_write_qtltools__reads_back_to_the_last_digit(tmp_path):
    path = tmp_path / "scan.txt.gz"
    write_qtltools(path, SCAN)
    found = read_eqtls(path)
    schemas.external_eqtls(found.table)
    assert (found.form, found.n_rows, found.n_repeated, found.name) == ("QTLtools", 3, 0, "scan.txt.gz")
    for ours, theirs in (("gene_id", "gene_id"), ("contig", "contig"), ("pos", "pos"), ("ref", "ref"), ("alt", "alt")):
        assert found.table[theirs].tolist() == SCAN[ours].tolist()
    for ours, theirs in (("slope", "slope"), ("slope_se", "slope_se"), ("p_value", "pvalue")):
        assert np.array_equal(found.table[theirs].to_numpy(), SCAN[ours].to_numpy())
    first = path.read_bytes()
    write_qtltools(path, SCAN)
    assert path.read_bytes() == first


def test_write_qtltools__lines_are_those_of_a_nominal_pass(tmp_path):
    path = tmp_path / "scan.txt"
    write_qtltools(path, SCAN)
    lines = path.read_text().splitlines()
    assert lines[0].split(" ") == QTLTOOLS_COLUMNS
    assert " ".join(lines[2].split(" ")[:12]) == "G.1 22 1000 1000 + 2 -10 chr22_990_AC_A 22 990 991 0.25"
    assert [line.split(" ")[-1] for line in lines[1:]] == ["1", "0", "1"]
    # Without a header, as older versions write it, the columns are told by their number.
    path.write_text("\n".join(lines[1:]) + "\n")
    assert read_eqtls(path).table["slope"].tolist() == SCAN["slope"].tolist()
