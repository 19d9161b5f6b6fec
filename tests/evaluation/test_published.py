"""The published figures are those of the sources, each with its condition."""

from __future__ import annotations

from haploformer.evaluation.published import PUBLISHED, published_table

#: Every value, by source, in the order of the report.
VALUES = {
    "Sasse et al. 2023": ["0.011", "0.577", "38 %", "0.261"],
    "Huang et al. 2023": ["0.57", "0.19 to 0.32"],
    "Rastogi et al. 2024": [
        *("0.055 / 0.036 / 0.056", "0.259 / 0.148 / 0", "0.283 / 0.160 / 0", "0.288"),
        *("0.282 / 0.170 / 0.050", "0.271", "0.219", "0.002"),
    ],
    "Variformer": ["0.195 to 0.210", "0.038 to 0.055"],
    "PrediXcan 2015": ["0.0197", "0.0458"],
}


def test_published_table__says_of_what_each_figure_is() -> None:
    table = published_table()
    assert len(table) == len(PUBLISHED) == table.drop_duplicates().shape[0]
    assert (table.map(len) > 0).all(axis=None)
    assert {source: rows["value"].tolist() for source, rows in table.groupby("source", sort=False)} == VALUES
    found = table.set_index(["source", "model", "quantity"])["value"]
    across_people = "mean r per gene across people"
    assert found["Sasse et al. 2023", "Enformer", across_people] == "0.011"
    assert found["Sasse et al. 2023", "PrediXcan", across_people] == "0.261"
    assert found["Huang et al. 2023", "Enformer", "Spearman across genes"] == "0.57"
    assert found["Huang et al. 2023", "Enformer", "Pearson across genes, raw coverage"] == "0.19 to 0.32"
    assert found["Rastogi et al. 2024", "Elastic net", across_people] == "0.283 / 0.160 / 0"
    assert found["Rastogi et al. 2024", "Enformer, fine-tuned on z-scores of single samples", across_people] == "0.002"
