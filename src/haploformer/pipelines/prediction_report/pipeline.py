"""Predictions of a selection of genes and people become a table, a figure and a page."""

from collections.abc import Callable

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.prediction_report import nodes


def create_gene_report() -> Pipeline:
    """Every person of a gene."""
    return _report("gene_prediction", nodes.report_genes)


def create_individual_report() -> Pipeline:
    """Every gene of a person."""
    return _report("individual_prediction", nodes.report_individuals)


def _report(name: str, report: Callable) -> Pipeline:
    return pipeline(
        [
            node(
                nodes.tabulate_predictions,
                ["enformer_summaries", "genes", "individuals", "expression_bed", "track_predictions"],
                name,
                name=f"tabulate_{name}",
            ),
            node(
                report,
                [name, "track_predictions", "track_table", "params:enformer"],
                [f"figure_{name}", f"{name}_page"],
                name=f"report_{name}",
            ),
        ]
    )
