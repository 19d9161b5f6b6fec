"""Steps of ``evaluation``: how well each model does, and the report."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.known_answer import KnownAnswer
from haploformer.formats.prediction_store import TrackPredictions
from haploformer.parameters import EvaluationParameters, StackingParameters

logger = logging.getLogger(__name__)


def score_predictions(
    enformer: pd.DataFrame,
    enformer_all_tracks: pd.DataFrame,
    enformer_all_bins: pd.DataFrame,
    top_snp: pd.DataFrame,
    elastic_net: pd.DataFrame,
    stack: pd.DataFrame,
    stack_without_enformer: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    genes: pd.DataFrame,
    track_predictions: TrackPredictions,
    stacking: StackingParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both sides of every score, and r of each gene and model."""
    predictions = [
        enformer,
        enformer_all_tracks,
        enformer_all_bins,
        top_snp,
        elastic_net,
        stack,
        stack_without_enformer,
    ]
    # All bins are predicted on request only; a stack without Enformer needs two kinds of features.
    given = [table for table in predictions if len(table)]
    scored, scores = score_models(given, measured, covariates, person_folds, genes)
    zero_shot = ["enformer", "enformer_all_tracks", "enformer_all_bins"]
    resting = [*zero_shot, *(["stack"] if set(zero_shot) & set(stacking.features) else [])]
    weights = dict.fromkeys(resting, track_predictions.attributes["weights"])
    scores.insert(scores.columns.get_loc("model") + 1, "weights", scores["model"].map(weights))
    return scored, scores


def score_models(
    predictions: Sequence[pd.DataFrame],
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    genes: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score any number of models on the genes that all of them predict."""
    from haploformer.evaluation.scores import adjust_predictions, score_genes
    from haploformer.expression.covariates import adjustment_for
    from haploformer.expression.matrix import IndividualMatrix

    shared = set.intersection(*(set(table["gene_id"]) for table in predictions))
    kept = measured[measured["gene_id"].isin(shared)]
    if len(kept) == 0:
        raise InputError(
            "predicted_expression",
            "no measured gene is predicted by every model: the stored predictions are of other genes",
            "run the whole chain again: kedro run",
        )
    if len(kept) < len(measured):
        logger.warning("%d of %d genes are predicted by every model", len(shared), measured["gene_id"].nunique())
    expression = IndividualMatrix.from_long(kept, row="gene_id", value="expression")
    people = list(expression.individual_ids)
    common = [table[table["gene_id"].isin(shared)] for table in predictions]
    scored = adjust_predictions(common, expression, person_folds, adjustment_for(covariates, people))
    return scored, score_genes(scored, genes)


def compare_with_known_answer(
    scores: pd.DataFrame, enformer: pd.DataFrame, known_answer: KnownAnswer | None
) -> pd.DataFrame:
    """What the data are known to hold beside what came out; no rows where nothing is known of these genes."""
    from haploformer.evaluation.known_answer import compare_with_known_answer, no_known_answer

    if known_answer is None:
        return no_known_answer()
    genes, scored = set(known_answer.truth["gene_id"]), set(scores["gene_id"])
    if genes != scored:
        logger.info("known answer: holds for all %d genes, this run scores %d: not compared", len(genes), len(scored))
        return no_known_answer()
    return compare_with_known_answer(scores, enformer, known_answer.expected, known_answer.truth)


def summarise_scores(scores: pd.DataFrame, check: pd.DataFrame) -> dict[str, Any]:
    """Means and medians over genes of each model, and the weights that they rest on."""
    from haploformer.evaluation.summary import summarise_models

    summary = summarise_models(scores, known_answer_check=check)
    summary.insert(1, "weights", summary["model"].map(scores.groupby("model")["weights"].first()))
    return {"models": json.loads(summary.set_index("model").to_json(orient="index", double_precision=6))}


def plot_scores(
    scores: pd.DataFrame,
    scored: pd.DataFrame,
    check: pd.DataFrame,
    window_audit: pd.DataFrame,
    genes: pd.DataFrame,
    individuals: pd.DataFrame,
    options: EvaluationParameters,
) -> tuple[Any, Any, Any, Any]:
    """The report's figures; people are drawn one by one only where they may be."""
    from haploformer import figures
    from haploformer.figures.cohort import label_models, model_weights

    weights = model_weights(scores)
    names = {model: label_models(pd.DataFrame({"model": [model]}), weights)["model"][0] for model in scores["model"]}
    scores, scored, check = (label_models(table, weights) for table in (scores, scored, check))
    return (
        figures.plot_scores_by_model(scores, known_answer_check=check),
        figures.plot_model_against_model(scores, x="elastic_net", y=names["stack"]),
        figures.plot_predicted_against_measured(scored, scores, model=names["stack"], individuals=individuals)
        if options.individuals_in_report
        else figures.plot_nothing("People are not shown one by one (evaluation.individuals_in_report)."),
        figures.plot_distinct_haplotypes(window_audit, genes=genes),
    )


def build_report(
    scores: pd.DataFrame,
    check: pd.DataFrame,
    stack_weights: pd.DataFrame,
    by_model: Any,
    against: Any,
    predicted: Any,
    haplotypes: Any,
    predictions: TrackPredictions,
    known_answer: KnownAnswer | None,
    input_audit: pd.DataFrame,
    sequence_audit: pd.DataFrame,
    individual_audit: pd.DataFrame,
    window_audit: pd.DataFrame,
    genes: pd.DataFrame,
    covariates: pd.DataFrame,
    options: EvaluationParameters,
) -> str:
    """One page that says what was run, on whom, and how well each model does."""
    from haploformer import figures
    from haploformer.evaluation.summary import summarise_models
    from haploformer.figures import cohort

    attributes, weights = predictions.attributes, cohort.model_weights(scores)
    scores, check = cohort.label_models(scores, weights), cohort.label_models(check, weights)
    summary = summarise_models(scores, known_answer_check=check)
    shown = [by_model, against, predicted, haplotypes]
    content = figures.ReportContent(
        title="Personal gene expression, predicted and measured",
        facts=cohort.cohort_facts(attributes, scores, covariates["covariate"].nunique(), genes),
        model_summary=summary,
        gene_scores=scores,
        notices=cohort.cohort_notices(attributes, None if known_answer is None else known_answer.expected["notice"]),
        headlines=cohort.cohort_headlines(summary),
        figures=cohort.cohort_figures(shown, attributes, scores, with_individuals=options.individuals_in_report),
        known_answer_check=check if len(check) else None,
        stack_weights=cohort.label_models(stack_weights, weights, column="feature"),
        audit=pd.concat([input_audit, sequence_audit], ignore_index=True),
        individual_audit=individual_audit if options.individuals_in_report else None,
        window_audit=window_audit,
        genes=genes,
    )
    return figures.build_report(content)
