"""Steps of ``evaluation``: how well each model does, and the report."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pandas as pd

from haploformer.errors import InputError
from haploformer.formats.known_answer import KnownAnswer
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import EnformerParameters, EvaluationParameters, ExpressionParameters, StackingParameters

logger = logging.getLogger(__name__)

#: Models that were fitted to nobody here: their predictions are coverage, not expression.
ZERO_SHOT = ("enformer", "enformer_all_tracks", "enformer_all_bins")


def score_predictions(
    enformer: pd.DataFrame,
    enformer_all_tracks: pd.DataFrame,
    enformer_all_bins: pd.DataFrame,
    top_snp: pd.DataFrame,
    prs: pd.DataFrame,
    blup: pd.DataFrame,
    genotype_pcs: pd.DataFrame,
    elastic_net: pd.DataFrame,
    stack: pd.DataFrame,
    stack_without_enformer: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    genes: pd.DataFrame,
    track_predictions: TrackPredictions,
    stacking: StackingParameters,
    model: EnformerParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both sides of every score, and r of each gene and model."""
    predictions = [
        enformer,
        enformer_all_tracks,
        enformer_all_bins,
        top_snp,
        prs,
        blup,
        genotype_pcs,
        elastic_net,
        stack,
        stack_without_enformer,
    ]
    shared = (measured, covariates, person_folds, adjusted, genes)
    scored, scores = score_models(predictions, *shared, z_score=model.z_score)
    with_enformer = bool(set(ZERO_SHOT) & set(stacking.features)) or stacking.components > 0
    resting = [*ZERO_SHOT, *(["stack"] if with_enformer else [])]
    weights = dict.fromkeys(resting, track_predictions.attributes["weights"])
    scores.insert(scores.columns.get_loc("model") + 1, "weights", scores["model"].map(weights))
    return scored, scores


def score_models(
    predictions: Sequence[pd.DataFrame],
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    genes: pd.DataFrame,
    *,
    z_score: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score any number of models on the genes that all of them predict; a table without rows is no model's."""
    from haploformer.evaluation.scores import adjust_predictions, score_genes
    from haploformer.expression.covariates import adjustment_for
    from haploformer.expression.matrix import IndividualMatrix

    # All bins are predicted on request only; a stack without Enformer needs two kinds of features.
    predictions = [table for table in predictions if len(table)]
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
    adjust = adjustment_for(covariates, people, **adjusted.adjustment)
    scored = adjust_predictions(common, expression, person_folds, adjust, z_score=z_score)
    return scored, score_genes(scored, genes)


def compare_models(
    scores: pd.DataFrame, scored: pd.DataFrame, genes: pd.DataFrame, options: EvaluationParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """How sure the means and their differences are, the null of permuted people, and sign, size and q of each gene."""
    import numpy as np

    from haploformer.evaluation.accuracy import gene_accuracy
    from haploformer.evaluation.resampling import compare_models, permute_people
    from haploformer.evaluation.scored_cohort import lay_out_scored

    cohort, rng = lay_out_scored(scored), np.random.default_rng(options.seed)
    return (
        compare_models(scores, cohort, genes, rng),
        permute_people(cohort, rng, n_permutations=options.permutations),
        gene_accuracy(scores, cohort, set(cohort.models) - set(ZERO_SHOT)),
    )


def score_populations(
    scored: pd.DataFrame,
    individuals: pd.DataFrame,
    person_folds: pd.DataFrame,
    measured: pd.DataFrame,
    summaries: pd.DataFrame,
    options: EvaluationParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """r within each population, which of them have enough people, and r of each person over genes."""
    from haploformer.evaluation import across_genes, populations
    from haploformer.evaluation.scored_cohort import lay_out_scored

    audit = populations.count_populations(individuals, person_folds)
    for row in audit[~audit["scored"]].itertuples():
        logger.warning("population %s is not scored by itself: %s", row.population, row.reason)
    within = populations.score_populations(lay_out_scored(scored), individuals, audit)
    people = across_genes.score_people(scored, measured, _tissue_coverage(summaries), scale=options.scale)
    return within, audit, people


def _tissue_coverage(summaries: pd.DataFrame) -> pd.DataFrame:
    """The tissue's coverage of each gene and person, whatever is made of it to predict expression."""
    from haploformer.enformer.summaries import TISSUE_MEAN, zero_shot_predictions

    return zero_shot_predictions(summaries, summary=TISSUE_MEAN, model="enformer")


def score_held_out_populations(
    enformer: pd.DataFrame,
    enformer_all_tracks: pd.DataFrame,
    enformer_all_bins: pd.DataFrame,
    top_snp: pd.DataFrame,
    prs: pd.DataFrame,
    blup: pd.DataFrame,
    genotype_pcs: pd.DataFrame,
    elastic_net: pd.DataFrame,
    stack: pd.DataFrame,
    stack_without_enformer: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    population_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    genes: pd.DataFrame,
) -> pd.DataFrame:
    """r of each gene and model among people of a population that no model was trained on."""
    from haploformer.evaluation.populations import score_held_out_population
    from haploformer.evaluation.scored_cohort import lay_out_scored

    predictions = [
        enformer,
        enformer_all_tracks,
        enformer_all_bins,
        top_snp,
        prs,
        blup,
        genotype_pcs,
        elastic_net,
        stack,
        stack_without_enformer,
    ]
    scored, _ = score_models(predictions, measured, covariates, population_folds, adjusted, genes)
    rows = population_folds[population_folds["held_out"]]
    tested = scored.merge(rows[["individual_id", "fold_seed", "population"]], on=["individual_id", "fold_seed"])
    return pd.concat(
        [score_held_out_population(lay_out_scored(part), str(name)) for name, part in tested.groupby("population")],
        ignore_index=True,
    )


def report_held_out_populations(
    held_out: pd.DataFrame,
    seen: pd.DataFrame,
    scores: pd.DataFrame,
    shared: pd.DataFrame,
    shared_held_out: pd.DataFrame,
    predictions: TrackPredictions,
    conditions: dict[str, Any],
) -> tuple[pd.DataFrame, Any, str]:
    """What training has seen, and what r is left: a table, a figure and a page."""
    from haploformer import figures
    from haploformer.evaluation.designs import tabulate_designs
    from haploformer.figures import cohort

    over_genes = pd.concat([shared, shared_held_out], ignore_index=True)
    cells = tabulate_designs(scores, held_out, zero_shot=ZERO_SHOT, shared=over_genes)
    weights = cohort.model_weights(scores)
    if "stack" in weights:
        weights["shared_stack"] = weights["stack"]
    weights["shared_stack_enformer"] = weights["enformer"]
    both = cohort.label_models(pd.concat([seen, held_out], ignore_index=True), weights)
    figure = figures.plot_populations(both)
    labelled = cohort.label_models(cells, weights)
    study = figures.StudyConditions.from_json(conditions)
    return cells, figure, figures.build_population_page(both, labelled, figure, predictions.attributes, study)


def compare_with_known_answer(
    scores: pd.DataFrame, summaries: pd.DataFrame, known_answer: KnownAnswer | None
) -> pd.DataFrame:
    """What the data are known to hold beside what came out; no rows where nothing is known of these genes."""
    from haploformer.evaluation.known_answer import compare_with_known_answer, no_known_answer

    if known_answer is None:
        return no_known_answer()
    genes, scored = set(known_answer.truth["gene_id"]), set(scores["gene_id"])
    if genes != scored:
        logger.info("known answer: holds for all %d genes, this run scores %d: not compared", len(genes), len(scored))
        return no_known_answer()
    return compare_with_known_answer(scores, _tissue_coverage(summaries), known_answer.expected, known_answer.truth)


def summarise_scores(scores: pd.DataFrame, check: pd.DataFrame) -> dict[str, Any]:
    """Means and medians over genes of each model, and the weights that they rest on."""
    from haploformer.evaluation.summary import summarise_models

    summary = summarise_models(scores, known_answer_check=check)
    summary.insert(1, "weights", summary["model"].map(scores.groupby("model")["weights"].first()))
    return {"models": json.loads(summary.set_index("model").to_json(orient="index", double_precision=6))}


def describe_conditions(
    person_folds: pd.DataFrame,
    cis_windows: pd.DataFrame,
    stack_weights: pd.DataFrame,
    predictions: TrackPredictions,
    tracks: pd.DataFrame,
    model: EnformerParameters,
) -> dict[str, Any]:
    """People, folds, windows, tracks and weights that the run's numbers rest on, for captions."""
    from dataclasses import asdict

    from haploformer.enformer.tracks import resolve_tracks
    from haploformer.figures import StudyConditions

    tissue = {"tissue": model.tracks, "tissue_tracks": resolve_tracks(model.tracks, tracks)}
    return asdict(StudyConditions.of_run(predictions.attributes, person_folds, cis_windows, stack_weights, **tissue))


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


def plot_comparisons(
    scores: pd.DataFrame,
    comparison: pd.DataFrame,
    null: pd.DataFrame,
    population_scores: pd.DataFrame,
    heritability: pd.DataFrame,
) -> tuple[Any, Any, Any, Any]:
    """Figures of how sure the means are, of populations, and of what r could be."""
    from haploformer import figures
    from haploformer.figures.cohort import label_models, model_weights

    weights = model_weights(scores)
    comparison = label_models(label_models(comparison, weights), weights, column="other")
    stack = label_models(pd.DataFrame({"model": ["stack"]}), weights)["model"][0]
    return (
        figures.plot_model_differences(comparison, model=stack),
        figures.plot_permutation_null(label_models(null, weights)),
        figures.plot_populations(label_models(population_scores, weights))
        if len(population_scores)
        else figures.plot_nothing("No population has enough people in every fold (see Populations)."),
        _plot_heritability(label_models(scores, weights), heritability, first=[stack, "elastic_net"]),
    )


def _plot_heritability(scores: pd.DataFrame, heritability: pd.DataFrame, *, first: list[str]) -> Any:
    """All models; those that are shown at once are ``first``."""
    from haploformer import figures
    from haploformer.figures.style import order_models

    known = heritability.dropna(subset=["h2"])["gene_id"]
    if not scores["gene_id"].isin(known).any():
        return figures.plot_nothing("No gene has an estimate of its cis-heritability.")
    others = [model for model in order_models(scores["model"]) if model not in first]
    return figures.plot_r_against_heritability(scores, heritability, models=[*first, *others])


def build_report(
    scores: pd.DataFrame,
    check: pd.DataFrame,
    stack_weights: pd.DataFrame,
    comparison: pd.DataFrame,
    null: pd.DataFrame,
    accuracy: pd.DataFrame,
    population_scores: pd.DataFrame,
    population_audit: pd.DataFrame,
    person_scores: pd.DataFrame,
    unadjusted_scores: pd.DataFrame,
    scored: pd.DataFrame,
    individuals: pd.DataFrame,
    by_model: Any,
    against: Any,
    haplotypes: Any,
    differences: Any,
    permuted: Any,
    populations: Any,
    heritability: Any,
    predictions: TrackPredictions,
    known_answer: KnownAnswer | None,
    input_audit: pd.DataFrame,
    sequence_audit: pd.DataFrame,
    individual_audit: pd.DataFrame,
    window_audit: pd.DataFrame,
    genes: pd.DataFrame,
    covariates: pd.DataFrame,
    person_groups: pd.DataFrame,
    adjusted: ExpressionParameters,
    conditions: dict[str, Any],
    options: EvaluationParameters,
) -> str:
    """One page that says what was run, on whom, and how well each model does."""
    from haploformer.figures import ReportContent, StudyConditions, build_report, cohort

    study = StudyConditions.from_json(conditions)
    attributes, weights = predictions.attributes, cohort.model_weights(scores)
    notice = None if known_answer is None else known_answer.expected["notice"]
    shown = {"by_model": by_model, "against": against, "differences": differences, "null": permuted}
    shown |= {"populations": populations, "heritability": heritability, "haplotypes": haplotypes}
    explorer = _explore(scored, scores, individuals, weights) if options.individuals_in_report else None
    content = ReportContent(
        title="Personal gene expression, predicted and measured",
        facts=cohort.cohort_facts(
            attributes,
            study,
            scores,
            cohort.adjusted_facts(covariates["covariate"].nunique(), adjusted.covariates, adjusted.normalise),
            genes,
        ),
        notices=cohort.cohort_notices(attributes, notice),
        remarks=cohort.cohort_remarks(person_groups),
        figures=cohort.cohort_figures(shown, study, cohort.label_models(scores, weights), explorer=explorer),
        audit=pd.concat([input_audit, sequence_audit], ignore_index=True),
        individual_audit=individual_audit if options.individuals_in_report else None,
        window_audit=window_audit,
        genes=genes,
        population_audit=population_audit,
        person_scores=cohort.label_models(person_scores, weights),
        unadjusted_scores=unadjusted_scores,
        **_labelled(scores, check, stack_weights, comparison, null, accuracy, population_scores, weights),
    )
    return build_report(content)


def _explore(scored: pd.DataFrame, scores: pd.DataFrame, individuals: pd.DataFrame, weights: dict[str, str]) -> Any:
    """Every gene and model of predicted against measured; the stack's best gene first."""
    from haploformer.figures import cohort, explore_predictions

    first = scored[scored["fold_seed"] == scored["fold_seed"].min()]
    stack = cohort.label_models(pd.DataFrame({"model": ["stack"]}), weights)["model"][0]
    tables = (cohort.label_models(table, weights) for table in (first, scores))
    return explore_predictions(*tables, model=stack, individuals=individuals)


def _labelled(
    scores: pd.DataFrame,
    check: pd.DataFrame,
    stack_weights: pd.DataFrame,
    comparison: pd.DataFrame,
    null: pd.DataFrame,
    accuracy: pd.DataFrame,
    population_scores: pd.DataFrame,
    weights: dict[str, str],
) -> dict[str, Any]:
    """What the report says of models, those that rest on untrained weights called so."""
    from haploformer.evaluation.accuracy import summarise_accuracy
    from haploformer.evaluation.published import published_table
    from haploformer.evaluation.summary import summarise_models
    from haploformer.figures import cohort

    summary = cohort.label_models(summarise_accuracy(accuracy, scores), weights)
    scores, check, null = (cohort.label_models(table, weights) for table in (scores, check, null))
    comparison = cohort.label_models(cohort.label_models(comparison, weights), weights, column="other")
    return {
        "model_summary": summarise_models(scores, known_answer_check=check),
        "gene_scores": scores,
        "headlines": cohort.cohort_headlines(comparison, scores),
        "known_answer_check": check if len(check) else None,
        "stack_weights": cohort.label_models(stack_weights, weights, column="feature"),
        "comparison": comparison,
        "null": null,
        "accuracy": summary,
        "compared": cohort.label_models(pd.DataFrame({"model": ["stack"]}), weights)["model"][0],
        "population_scores": cohort.label_models(population_scores, weights),
        "published": published_table(),
    }
