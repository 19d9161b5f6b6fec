"""What simulated data are known to hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haploformer.errors import InputError
from haploformer.formats.known_answer import read_known_answer

TRUTH = "gene_id\tindividual_id\tenformer\textra\nE1\t001\t0.5\tx\n"


def write(folder: Path, expected: object, truth: str = TRUTH) -> Path:
    (folder / "truth.tsv").write_text(truth)
    path = folder / "known.json"
    path.write_text(expected if isinstance(expected, str) else json.dumps(expected))
    return path


def test_read_known_answer__intervals_and_the_truth_beside_them(tmp_path):
    answer = read_known_answer(write(tmp_path, {"truth": "truth.tsv", "mean_pearson_r": {"stack": [0.1, 0.2]}}))
    assert answer.expected["mean_pearson_r"] == {"stack": [0.1, 0.2]}
    assert answer.truth.values.tolist() == [["E1", "001", 0.5]]


def test_read_known_answer__the_truth_is_looked_for_beside_the_file_only(tmp_path):
    answer = read_known_answer(write(tmp_path, {"truth": "/etc/../elsewhere/truth.tsv"}))
    assert len(answer.truth) == 1


@pytest.mark.parametrize(
    ("expected", "truth", "message"),
    [
        ("{", TRUTH, "known.json: no known answer (JSONDecodeError"),
        ({}, TRUTH, "known.json: no known answer (KeyError: 'truth')"),
        ([1], TRUTH, "known.json: no known answer (TypeError"),
        ({"truth": "other.tsv"}, TRUTH, "other.tsv: the table of the known answer is missing"),
        ({"truth": "truth.tsv"}, TRUTH.replace("0.5", "x"), "truth.tsv:line 2 (E1), column enformer: 'x' is not a"),
        ({"truth": "truth.tsv"}, TRUTH.replace("enformer", "e"), "truth.tsv:header: no column enformer (there:"),
    ],
)
def test_read_known_answer__refusals(tmp_path, expected, truth, message):
    with pytest.raises(InputError) as error:
        read_known_answer(write(tmp_path, expected, truth))
    assert str(error.value).replace(f"{tmp_path}/", "").startswith(message)
