"""The ends of ``gene_prediction`` and ``individual_prediction``: a table, a figure and a page."""

from haploformer.pipelines.prediction_report.pipeline import create_gene_report, create_individual_report

__all__ = ["create_gene_report", "create_individual_report"]
