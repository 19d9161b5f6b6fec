"""The report of a cohort: how well each model does, on one page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from haploformer.figures import comparison_tables as compared
from haploformer.figures import tables
from haploformer.figures.page import ReportFigure, render_page


@dataclass(frozen=True)
class ReportContent:
    """Everything that the report says. What is None or empty has no section.

    Attributes
    ----------
    title : str
    facts : sequence of (label, value)
        The run: data set, people, genes, contigs, window, tracks, bins, engine, weights and whether they are
        untrained, their sha256, code version, folds, covariates.
    model_summary : DataFrame
        ``haploformer.evaluation.summary.summarise_models``.
    gene_scores : DataFrame
        ``schemas.gene_scores``.
    notices : sequence of str
        What a reader must know before any number; shown first.
    remarks : sequence of str
        What limits the result, under it.
    headlines : sequence of str
        The result in sentences.
    figures : sequence of ReportFigure
    known_answer_check : DataFrame, optional
        ``schemas.known_answer_check``: every quantity, beside what is in ``model_summary``.
    stack_weights : DataFrame, optional
        ``schemas.stack_weights``.
    comparison, null, accuracy : DataFrame, optional
        ``schemas.model_comparison``, ``schemas.permutation_null``, and
        ``haploformer.evaluation.accuracy.summarise_accuracy``.
    compared : str
        The model whose differences from the others are shown.
    person_scores, unadjusted_scores : DataFrame, optional
        ``schemas.person_scores``, ``schemas.gene_scores`` of expression as measured: shown apart.
    population_scores, population_audit : DataFrame, optional
        The tables of ``schemas`` with these names.
    published : DataFrame, optional
        ``haploformer.evaluation.published.published_table``.
    audit, individual_audit, window_audit : DataFrame, optional
        The tables of ``schemas`` with these names.
    genes : DataFrame, optional
        ``schemas.genes``: names of the windows; those of ``gene_scores`` if absent.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    model_summary: pd.DataFrame
    gene_scores: pd.DataFrame
    notices: Sequence[str] = ()
    headlines: Sequence[str] = ()
    remarks: Sequence[str] = ()
    figures: Sequence[ReportFigure] = ()
    known_answer_check: pd.DataFrame | None = None
    stack_weights: pd.DataFrame | None = None
    comparison: pd.DataFrame | None = None
    null: pd.DataFrame | None = None
    accuracy: pd.DataFrame | None = None
    compared: str = "stack"
    person_scores: pd.DataFrame | None = None
    unadjusted_scores: pd.DataFrame | None = None
    population_scores: pd.DataFrame | None = None
    population_audit: pd.DataFrame | None = None
    published: pd.DataFrame | None = None
    audit: pd.DataFrame | None = None
    individual_audit: pd.DataFrame | None = None
    window_audit: pd.DataFrame | None = None
    genes: pd.DataFrame | None = None


def build_report(content: ReportContent) -> str:
    """The report as one self-contained HTML document.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    str
        HTML of about 5 MB, nearly all of it plotly.js (left out if there is no figure); an explorer adds 2.7 bytes per
        gene, person and model, 3 MB for 364 genes, 343 people and 8 models. The same content gives the same text.

    Raises
    ------
    ValueError
        If a table lacks a column.
    """
    names = content.gene_scores if content.genes is None else content.genes
    return render_page(
        "report.html",
        title=content.title,
        facts=content.facts,
        notices=content.notices,
        headlines=content.headlines,
        remarks=content.remarks,
        figures=content.figures,
        summary=tables.model_summary_table(content.model_summary),
        known_answer=_optional(tables.known_answer_table, content.known_answer_check),
        gene_table=tables.gene_table(content.gene_scores),
        stack=_optional(tables.stack_weight_table, content.stack_weights),
        means=_optional(compared.mean_table, content.comparison),
        differences=_differences(content),
        accuracy=_optional(compared.accuracy_table, content.accuracy),
        null=_optional(compared.null_table, content.null),
        populations=None
        if content.population_scores is None or content.population_audit is None or content.population_audit.empty
        else compared.population_table(content.population_scores, content.population_audit),
        persons=_optional(compared.person_table, content.person_scores),
        unadjusted=_optional(compared.unadjusted_table, content.unadjusted_scores),
        published=_optional(compared.published_table, content.published),
        variants=_optional(tables.variant_audit_table, content.audit),
        people_summary=_optional(tables.individual_summary_table, content.individual_audit),
        people=_optional(tables.individual_table, content.individual_audit),
        windows=_optional(tables.window_table, content.window_audit, names),
    )


def _optional(
    make: Callable[..., tables.Table], table: pd.DataFrame | None, *more: pd.DataFrame
) -> tables.Table | None:
    return None if table is None or table.empty else make(table, *more)


def _differences(content: ReportContent) -> tables.Table | None:
    """What the compared model has more than each other one; nothing where it is alone or absent."""
    pairs = None if content.comparison is None else content.comparison.dropna(subset=["other"])
    if pairs is None or content.compared not in set(pairs["model"]) | set(pairs["other"]):
        return None
    return compared.difference_table(pairs, model=content.compared)
