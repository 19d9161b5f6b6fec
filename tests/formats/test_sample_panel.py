"""People's populations and sex."""

from __future__ import annotations

from pathlib import Path

import pytest

from haploformer.errors import InputError
from haploformer.formats.sample_panel import read_sample_panel


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("end", ["", "\t\t"], ids=["plain", "as published by the 1000 Genomes project"])
def test_read_sample_panel__one_row_per_person(tmp_path, end):
    text = f"sample\tpop\tsuper_pop\tgender{end}\nHG1\tGBR\tEUR\tmale\nHG2\tYRI\tAFR\tfemale\n"
    panel = read_sample_panel(write(tmp_path / "s.panel", text))
    assert panel.columns.tolist() == ["individual_id", "population", "sex"]
    assert panel.values.tolist() == [["HG1", "GBR", "male"], ["HG2", "YRI", "female"]]


def test_read_sample_panel__sex_is_null_where_it_is_not_told(tmp_path):
    panel = read_sample_panel(write(tmp_path / "s.panel", "pop\tsample\nGBR\tHG1\n"))
    assert panel[["individual_id", "population"]].values.tolist() == [["HG1", "GBR"]]
    assert panel["sex"].isna().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample\tpopulation\nHG1\tGBR\n", "s.panel:header: no column pop (there: sample, population)"),
        ("sample\tpop\nHG1\tGBR\nHG2\tYRI\nHG1\tGBR\n", "s.panel:line 4: sample HG1 stands twice; keep one row"),
        ("sample\tpop\nHG1\n", "s.panel:line 2: the row is shorter than the header"),
    ],
)
def test_read_sample_panel__refusals(tmp_path, text, message):
    path = write(tmp_path / "s.panel", text)
    with pytest.raises(InputError) as error:
        read_sample_panel(path)
    assert str(error.value).replace(str(path), "s.panel").startswith(message)


@pytest.mark.real_data
def test_read_sample_panel__the_published_file(shared_data):
    panel = read_sample_panel(shared_data / "annotation" / "integrated_call_samples_v3.20130502.ALL.panel")
    assert len(panel) == 2535
    assert panel.values[0].tolist() == ["HG00096", "GBR", "male"]
