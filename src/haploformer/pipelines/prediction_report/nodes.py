"""Steps of ``gene_prediction`` and ``individual_prediction`` once everything is predicted."""

from __future__ import annotations

from typing import Any

import pandas as pd

from haploformer.formats.expression_bed import ExpressionBed
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import EnformerParameters


def tabulate_predictions(
    summaries: pd.DataFrame,
    genes: pd.DataFrame,
    individuals: pd.DataFrame,
    bed: ExpressionBed,
    predictions: TrackPredictions,
) -> pd.DataFrame:
    """Reference and personal coverage with names, populations and measured expression beside them."""
    measured = pd.DataFrame(bed.values, index=bed.genes["gene_id"], columns=pd.Index(bed.individual_ids, dtype=object))
    chosen = measured.loc[measured.index.isin(genes["gene_id"])].rename_axis(index="gene_id", columns="individual_id")
    long = chosen.stack().rename("measured").reset_index()
    table = summaries.merge(genes[["gene_id", "gene_name", "contig", "tss"]], on="gene_id", how="left")
    table = table.merge(individuals[["individual_id", "population"]], on="individual_id", how="left")
    table = table.merge(long, on=["gene_id", "individual_id"], how="left")
    names = ["gene_id", "gene_name", "contig", "tss", "individual_id", "population", "summary"]
    values = ["personal", "reference", "difference", "log2_fold_change", "measured"]
    return table[names + values].assign(weights=predictions.attributes["weights"])


def report_genes(
    table: pd.DataFrame, predictions: TrackPredictions, tracks: pd.DataFrame, options: EnformerParameters
) -> tuple[Any, str]:
    """Every person of the chosen genes, as a figure and a page."""
    from haploformer import figures
    from haploformer.enformer.tracks import resolve_tracks

    figure = figures.plot_people_of_gene(table)
    caption = (
        "Each point is a person: the tissue's mean coverage from their own two chromosome copies. The dashed line is the "
        f"reference genome's. Weights: {predictions.attributes['weights']}."
    )
    title = "Every person of " + ", ".join(table["gene_name"].drop_duplicates()[:4])
    shown = figures.ReportFigure("People", figure, caption)
    tissue = resolve_tracks(options.tracks, tracks)
    return figure, figures.build_selection_page(table, shown, predictions.attributes, title=title, tissue=tissue)


def report_individuals(
    table: pd.DataFrame, predictions: TrackPredictions, tracks: pd.DataFrame, options: EnformerParameters
) -> tuple[Any, str]:
    """Every gene of the chosen people, as a figure and a page."""
    from haploformer import figures
    from haploformer.enformer.tracks import resolve_tracks

    figure = figures.plot_genes_of_individual(table)
    caption = (
        "Each point is a gene: how much higher or lower the tissue's mean coverage is from this person's own two "
        f"chromosome copies than from the reference genome. Weights: {predictions.attributes['weights']}."
    )
    title = "Every gene of " + ", ".join(table["individual_id"].drop_duplicates()[:4])
    shown = figures.ReportFigure("Genes", figure, caption, min_width=max(560, 14 * table["gene_id"].nunique()))
    tissue = resolve_tracks(options.tracks, tracks)
    return figure, figures.build_selection_page(table, shown, predictions.attributes, title=title, tissue=tissue)
