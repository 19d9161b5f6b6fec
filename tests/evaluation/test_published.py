"""The published figures are those of the sources, each with its condition."""

from __future__ import annotations

from haploformer.evaluation.published import PUBLISHED, published_table


def test_published_table__says_of_what_each_figure_is() -> None:
    table = published_table()
    assert len(table) == len(PUBLISHED) == table.drop_duplicates().shape[0]
    assert (table.map(len) > 0).all(axis=None)
    found = table.set_index(["source", "model", "quantity"])["value"]
    across_people = "mean r per gene across people"
    assert found["Sasse et al. 2023", "Enformer", across_people] == "0.011"
    assert found["Sasse et al. 2023", "PrediXcan", across_people] == "0.261"
    assert found["Rastogi et al. 2024", "Elastic net", across_people] == "0.283 / 0.160 / 0"
