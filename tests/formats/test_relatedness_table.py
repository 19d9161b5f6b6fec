"""Tables of relatives: ours and KING's, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from haploformer.datasets.relatedness_table import RelatednessTableDataset
from haploformer.errors import InputError
from haploformer.formats.relatedness_table import read_relatedness_table


def write(path: Path, *rows: str) -> Path:
    path.write_text("".join("\t".join(row.split()) + "\n" for row in rows))
    return path


def test_read_relatedness_table__as_plink2_writes_it(tmp_path) -> None:
    header = "#FID1 IID1 FID2 IID2 NSNP HETHET IBS0 KINSHIP"
    table = read_relatedness_table(
        write(tmp_path / "k.kin0", header, "0 A 0 B 900 0.1 0 0.25", "0 A 0 C 900 0.1 0 -0.1")
    )
    assert table.columns.tolist() == ["individual_id_1", "individual_id_2", "kinship"]
    assert table.to_numpy().tolist() == [["A", "B", 0.25], ["A", "C", -0.1]]


def test_read_relatedness_table__without_kinship_and_with_an_id_map(tmp_path) -> None:
    path = write(tmp_path / "k.tsv", "individual_id_1 individual_id_2", "A1 B")
    assert np.isnan(read_relatedness_table(path)["kinship"]).all()
    ids = write(tmp_path / "ids.tsv", "id individual_id", "A1 A")
    found = RelatednessTableDataset(filepath=str(path), id_map=str(ids)).load()
    assert found[["individual_id_1", "individual_id_2"]].to_numpy().tolist() == [["A", "B"]]
    assert RelatednessTableDataset(filepath=None).load().empty


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["individual_id_1 kinship", "A 0.2"], "no column individual_id_2"),
        (["IID1 IID2 KINSHIP", "A B 0.7"], "line 2: kinship is 0.7, 0.5 at most"),
        (["IID1 IID2 KINSHIP", "A B close"], r"line 2 \(A\), column kinship: 'close' is not a finite number"),
        (["IID1 IID2", "A B", "C C"], "line 3: C is paired with itself"),
    ],
)
def test_read_relatedness_table__refuses(tmp_path, rows, message) -> None:
    with pytest.raises(InputError, match=message):
        read_relatedness_table(write(tmp_path / "k.tsv", *rows))
