"""Steps of ``stacking``: a few out-of-fold predictions become one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import (
    BaselinesParameters,
    DataPrepParameters,
    EnformerParameters,
    EvaluationParameters,
    ExpressionParameters,
    SequenceBuildParameters,
    StackingParameters,
)

#: Folds of genes, where there are so many groups of genes that share no sequence.
N_GENE_FOLDS = 5


def gather_predictions(
    stacking: StackingParameters, enformer: pd.DataFrame, **tables: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of all models as one, and those that are called ``inner_``: what the stacks' weights are trained on.

    Of genes that Enformer predicts, since only these are stacked; what weights are trained on, of the stack's features.
    """
    genes, outer, inner = set(enformer["gene_id"]), [enformer], []
    for name, table in tables.items():
        of_genes = table[table["gene_id"].isin(genes)]
        if name.startswith("inner_"):
            inner.append(of_genes[of_genes["model"].isin(stacking.features)])
        else:
            outer.append(of_genes)
    return pd.concat(outer, ignore_index=True), pd.concat(inner, ignore_index=True)


def fit_stack(
    predictions: pd.DataFrame,
    inner_predictions: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    track_predictions: TrackPredictions,
    options: StackingParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Weigh the models within each gene on training people, and predict the others, with and without Enformer."""
    from haploformer.expression.covariates import adjustment_for
    from haploformer.expression.matrix import IndividualMatrix
    from haploformer.stacking.cohort import StackOptions, stack_cohort
    from haploformer.stacking.folds import folds_by_seed

    expression = IndividualMatrix.from_long(measured, row="gene_id", value="expression")
    people = list(expression.individual_ids)
    stack = stack_cohort(
        StackOptions(options.features, options.method, options.components),
        predictions,
        inner_predictions,
        _expression_of_predicted(expression, predictions),
        people,
        folds_by_seed(person_folds, people),
        adjustment_for(covariates, people, **adjusted.adjustment),
        tracks_of=partial(_log_coverage, track_predictions, people),
    )
    return stack.predicted, stack.without_enformer, stack.weights


def _expression_of_predicted(expression: Any, predictions: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Expression by gene; of genes without a window of known sequence none, so that models are compared on the same."""
    predicted = set(predictions.loc[predictions["model"] == "enformer", "gene_id"])
    values = zip(expression.row_ids, expression.values, strict=True)
    return {gene: of_gene for gene, of_gene in values if gene in predicted}


def _log_coverage(predictions: TrackPredictions, people: Sequence[str], gene_id: str) -> NDArray[np.float64]:
    return predictions.log_coverage(gene_id, individual_ids=people)


def fit_final_stack(
    predictions: pd.DataFrame,
    dosage_models: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    track_predictions: TrackPredictions,
    options: StackingParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weigh the models of everybody by the out-of-fold predictions of everybody, to be carried to other people."""
    from haploformer.expression.covariates import adjustment_for
    from haploformer.expression.matrix import IndividualMatrix
    from haploformer.stacking import final
    from haploformer.stacking.cohort import MODEL, StackOptions
    from haploformer.stacking.folds import folds_by_seed

    expression = IndividualMatrix.from_long(measured, row="gene_id", value="expression")
    people = list(expression.individual_ids)
    stacks = final.fit_final_stacks(
        StackOptions(options.features, options.method, options.components),
        predictions,
        {str(m): rows.set_index("gene_id")["intercept"].to_dict() for m, rows in dosage_models.groupby("model")},
        _expression_of_predicted(expression, predictions),
        people,
        folds_by_seed(person_folds, people),
        adjustment_for(covariates, people, **adjusted.adjustment),
        tracks_of=partial(_log_coverage, track_predictions, people),
    )
    rows = [final.final_stack_rows(of_model, model=model) for model, of_model in stacks.items() if of_model]
    return pd.concat(rows, ignore_index=True), final.final_track_rows(stacks[MODEL], track_predictions.tracks)


def describe_final_stack(
    track_predictions: TrackPredictions,
    tracks: pd.DataFrame,
    stacking: StackingParameters,
    enformer: EnformerParameters,
    sequence_build: SequenceBuildParameters,
    data_prep: DataPrepParameters,
) -> dict[str, Any]:
    """Which Enformer the stack of everybody was fitted to."""
    from haploformer.trained_models import describe_enformer

    facts = describe_enformer(track_predictions.attributes, tracks, enformer, sequence_build, data_prep)
    return facts | {"features": list(stacking.features), "components": stacking.components}


def share_stack(
    predictions: pd.DataFrame,
    inner_predictions: pd.DataFrame,
    summaries: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    genes: pd.DataFrame,
    stacking: StackingParameters,
    model: EnformerParameters,
    baselines: BaselinesParameters,
    evaluation: EvaluationParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weights that come from other genes, and r of what they predict; no rows where all genes share sequence."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.evaluation.held_out_genes import SharedSeed, no_shared_scores, score_shared_seeds
    from haploformer.expression.covariates import adjustment_for
    from haploformer.expression.matrix import IndividualMatrix
    from haploformer.stacking.folds import folds_by_seed
    from haploformer.stacking.gene_folds import deal_genes
    from haploformer.stacking.shared import no_shared_weights, share_cohort, shared_weight_tables

    matrix = IndividualMatrix.from_long(measured, row="gene_id", value="expression")
    predicted, people = set(summaries["gene_id"]), list(matrix.individual_ids)
    chosen = [i for i, gene_id in enumerate(matrix.row_ids) if gene_id in predicted]
    gene_ids, length = [matrix.row_ids[i] for i in chosen], max(PRESETS[model.preset].window, *baselines.windows)
    table = genes.set_index("gene_id").loc[gene_ids].reset_index()
    gene_folds = deal_genes(table, length=length, n_folds=N_GENE_FOLDS, seed=evaluation.seed)
    if gene_folds is None:
        return no_shared_scores(), no_shared_weights()
    folds = folds_by_seed(person_folds, people)
    adjust = adjustment_for(covariates, people, **adjusted.adjustment)
    scores, weights = [], []
    for name, (level_1, zero_shot) in _shared_features(summaries, stacking).items():
        tables = (predictions, inner_predictions, zero_shot, matrix.values[chosen])
        found = share_cohort(*tables, gene_ids, gene_folds, people, folds, adjust, level_1=level_1)
        seeds = {s: SharedSeed(of_s.unseen, of_s.seen, of_s.measured, folds[s]) for s, of_s in found.items()}
        scores.append(score_shared_seeds(seeds, person_folds, people, gene_ids, gene_folds, model=name))
        weights.append(shared_weight_tables(found, folds, model=name, last_only="held_out" in person_folds.columns))
    return pd.concat(scores, ignore_index=True), pd.concat(weights, ignore_index=True)


def _shared_features(
    summaries: pd.DataFrame, options: StackingParameters
) -> dict[str, tuple[list[str], dict[str, pd.DataFrame]]]:
    """Of each shared stack the fitted members and Enformer's columns, log2(coverage + 1) whatever expression is of it."""
    from haploformer.enformer.summaries import SUMMARY_OF_MODEL, zero_shot_predictions
    from haploformer.stacking.shared import SHARED, SHARED_ENFORMER

    there = set(summaries["summary"].unique())
    columns = {
        model: zero_shot_predictions(summaries, summary=summary, model=model, transform="log2")
        for model, summary in SUMMARY_OF_MODEL.items()
        if summary in there
    }
    features: dict[str, tuple[list[str], dict[str, pd.DataFrame]]] = {SHARED_ENFORMER: ([], columns)}
    if level_1 := [name for name in options.features if name not in columns]:
        features[SHARED] = level_1, {name: table for name, table in columns.items() if name in options.features}
    return features
