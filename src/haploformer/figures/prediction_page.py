"""The page of a run that only predicts: what was run, a figure, and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from haploformer.figures import tables
from haploformer.figures.cohort import prediction_facts, untrained_notices
from haploformer.figures.page import ReportFigure, render_page

#: Rows that the page shows; the Parquet table has all.
MAX_ROWS = 2_000

_COVERAGE = (
    "Predicted coverage",
    "Mean over the bins and tracks that the run states, of both chromosome copies, not on a logarithmic scale. It is what "
    "the model expects an assay to count in 128 bases; it is not in the unit of the measured expression.",
)
_DIFFERENCE = (
    "Difference",
    "Personal less reference: what this person's variants within the window change. The logarithm is taken of the mean, "
    "with one added on both sides.",
)
_NO_R = (
    "What this cannot tell",
    "Whether the prediction is right. The cohort's report compares people's predictions with their measured expression.",
)


def build_selection_page(
    predictions: pd.DataFrame, figure: ReportFigure, attributes: Mapping[str, Any], *, title: str, tissue: Sequence[int]
) -> str:
    """One page on a selection of genes or people.

    Parameters
    ----------
    predictions : DataFrame, schema ``selected_predictions``
    figure : ReportFigure
    attributes : mapping
        Of the stored predictions.
    tissue : sequence of int
        Tracks whose mean is ``tissue_mean``.
    """
    counts = [
        ("People", f"{predictions['individual_id'].nunique():,}"),
        ("Genes", f"{predictions['gene_id'].nunique():,}"),
        tissue_fact(tissue),
    ]
    columns = {
        "gene_name": "Gene",
        "individual_id": "Person",
        "population": "Population",
        "summary": "Summary",
        "personal": "Personal",
        "reference": "Reference",
        "difference": "Difference",
        "log2_fold_change": "log2 fold change",
        "measured": "Measured, as in the file",
    }
    reading = [_COVERAGE, _DIFFERENCE, _NO_R]
    return build_table_page(predictions, columns, figure, attributes, title=title, counts=counts, reading=reading)


def build_sequence_page(
    predictions: pd.DataFrame, figure: ReportFigure, attributes: Mapping[str, Any], *, title: str, tissue: Sequence[int]
) -> str:
    """One page on sequences of nobody in particular; parameters as in `build_selection_page`."""
    counts = [("Sequences", f"{predictions['sequence'].nunique():,}"), tissue_fact(tissue)]
    columns = {
        "sequence": "Sequence",
        "summary": "Summary",
        "track": "Track",
        "description": "Description",
        "coverage": "Coverage",
        "n_share": "Share of N",
    }
    return build_table_page(predictions, columns, figure, attributes, title=title, counts=counts, reading=[_COVERAGE])


def tissue_fact(tissue: Sequence[int]) -> tuple[str, str]:
    """Label and value: the tracks of ``tissue_mean``."""
    shown = ", ".join(str(track) for track in tissue[:12])
    return "Tracks of tissue_mean", shown + (f" and {len(tissue) - 12:,} more" if len(tissue) > 12 else "")


def build_table_page(
    predictions: pd.DataFrame,
    columns: dict[str, str],
    figure: ReportFigure,
    attributes: Mapping[str, Any],
    *,
    title: str,
    counts: list[tuple[str, str]],
    reading: list[tuple[str, str]],
) -> str:
    """A page with a figure and the first `MAX_ROWS` rows of a table.

    Parameters
    ----------
    predictions : DataFrame
    columns : dict
        Which columns are shown, and what each is called.
    figure : ReportFigure
    attributes : mapping
        Of the stored predictions.
    counts, reading : list of (label, value)
        Facts of the run before those of the predictions; terms and what they mean.
    """
    shown = predictions[list(columns)].head(MAX_ROWS)
    caption = f"Weights: {attributes['weights']}."
    if len(predictions) > len(shown):
        caption += (
            f" The first {len(shown):,} of {len(predictions):,} rows; the Parquet table beside this page has all."
        )
    return render_page(
        "predictions.html",
        title=title,
        facts=[*counts, *prediction_facts(attributes)],
        notices=untrained_notices(attributes),
        headlines=[],
        figures=[figure],
        predictions=tables.plain_table(shown.rename(columns=columns), caption=caption),
        reading=reading,
    )
