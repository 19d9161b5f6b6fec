"""Figures and the report: tidy tables in (see :mod:`haploformer.schemas`), Plotly figures and one HTML page out."""

from __future__ import annotations

from haploformer.figures.predictions import best_and_median_genes, plot_predicted_against_measured
from haploformer.figures.report import ReportContent, ReportFigure, build_report
from haploformer.figures.scores import plot_model_against_model, plot_scores_by_model
from haploformer.figures.style import plot_nothing
from haploformer.figures.windows import plot_distinct_haplotypes

__all__ = [
    "ReportContent",
    "ReportFigure",
    "best_and_median_genes",
    "build_report",
    "plot_distinct_haplotypes",
    "plot_model_against_model",
    "plot_nothing",
    "plot_predicted_against_measured",
    "plot_scores_by_model",
]
