"""Steps of ``stacking``: a few out-of-fold predictions become one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
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
    SequenceBuildParameters,
    StackingParameters,
)

logger = logging.getLogger(__name__)

#: Folds of genes, where there are so many groups of genes that share no sequence.
N_GENE_FOLDS = 5


def fit_stack(
    top_snp: pd.DataFrame,
    prs: pd.DataFrame,
    blup: pd.DataFrame,
    elastic_net: pd.DataFrame,
    enformer: pd.DataFrame,
    enformer_all_tracks: pd.DataFrame,
    enformer_all_bins: pd.DataFrame,
    inner_top_snp: pd.DataFrame,
    inner_prs: pd.DataFrame,
    inner_blup: pd.DataFrame,
    inner_elastic_net: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
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
    # A gene without a window of known sequence has no Enformer prediction; every model is compared on the same genes.
    predicted = set(enformer["gene_id"])
    values = dict(zip(expression.row_ids, expression.values, strict=True))
    fixed = [top_snp, prs, blup, elastic_net, enformer, enformer_all_tracks, enformer_all_bins]
    stack = stack_cohort(
        StackOptions(options.features, options.method, options.components),
        pd.concat(fixed, ignore_index=True),
        pd.concat([inner_top_snp, inner_prs, inner_blup, inner_elastic_net], ignore_index=True),
        {gene: of_gene for gene, of_gene in values.items() if gene in predicted},
        people,
        folds_by_seed(person_folds, people),
        adjustment_for(covariates, people),
        tracks_of=partial(_log_coverage, track_predictions, people),
    )
    return stack.predicted, stack.without_enformer, stack.weights


def _log_coverage(predictions: TrackPredictions, people: Sequence[str], gene_id: str) -> NDArray[np.float64]:
    return predictions.log_coverage(gene_id, individual_ids=people)


def fit_final_stack(
    top_snp: pd.DataFrame,
    prs: pd.DataFrame,
    blup: pd.DataFrame,
    elastic_net: pd.DataFrame,
    enformer: pd.DataFrame,
    enformer_all_tracks: pd.DataFrame,
    enformer_all_bins: pd.DataFrame,
    dosage_models: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
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
    people, predicted = list(expression.individual_ids), set(enformer["gene_id"])
    values = dict(zip(expression.row_ids, expression.values, strict=True))
    stacks = final.fit_final_stacks(
        StackOptions(options.features, options.method, options.components),
        pd.concat([top_snp, prs, blup, elastic_net, enformer, enformer_all_tracks, enformer_all_bins]),
        {str(m): rows.set_index("gene_id")["intercept"].to_dict() for m, rows in dosage_models.groupby("model")},
        {gene: of_gene for gene, of_gene in values.items() if gene in predicted},
        people,
        folds_by_seed(person_folds, people),
        adjustment_for(covariates, people),
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
    top_snp: pd.DataFrame,
    prs: pd.DataFrame,
    blup: pd.DataFrame,
    elastic_net: pd.DataFrame,
    enformer: pd.DataFrame,
    enformer_all_tracks: pd.DataFrame,
    enformer_all_bins: pd.DataFrame,
    inner_top_snp: pd.DataFrame,
    inner_prs: pd.DataFrame,
    inner_blup: pd.DataFrame,
    inner_elastic_net: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    genes: pd.DataFrame,
    stacking: StackingParameters,
    model: EnformerParameters,
    baselines: BaselinesParameters,
    evaluation: EvaluationParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weights that come from other genes, and r of what they predict; no rows where all genes share sequence."""
    from haploformer.evaluation.held_out_genes import no_shared_scores
    from haploformer.expression.covariates import adjustment_for
    from haploformer.expression.matrix import IndividualMatrix
    from haploformer.stacking.shared import SHARED, SHARED_ENFORMER

    matrix = IndividualMatrix.from_long(measured, row="gene_id", value="expression")
    chosen = [i for i, gene_id in enumerate(matrix.row_ids) if gene_id in set(enformer["gene_id"])]
    gene_ids, people = [matrix.row_ids[i] for i in chosen], list(matrix.individual_ids)
    gene_folds = _deal_genes(genes, gene_ids, model, baselines, evaluation)
    columns = ["model", "fold_seed", "fold", "gene_fold", "feature", "weight"]
    if gene_folds is None:
        return no_shared_scores(), pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    shared: dict[str, Any] = {
        "gene_ids": gene_ids,
        "gene_folds": gene_folds,
        "expression": matrix.values[chosen],
        "person_folds": person_folds,
        "individual_ids": people,
        "adjust": adjustment_for(covariates, people),
        "predicted": pd.concat([top_snp, prs, blup, elastic_net], ignore_index=True),
        "inner": pd.concat([inner_top_snp, inner_prs, inner_blup, inner_elastic_net], ignore_index=True),
        "coverage": model.transform == "coverage",
    }
    zero_shot = {
        name: table
        for name, table in zip(
            ("enformer", "enformer_all_tracks", "enformer_all_bins"),
            (enformer, enformer_all_tracks, enformer_all_bins),
            strict=True,
        )
        if len(table)
    }
    level_1 = [name for name in stacking.features if name not in zero_shot]
    tables = [_share(SHARED_ENFORMER, [], zero_shot, **shared)]
    if level_1:
        of_stack = {name: table for name, table in zero_shot.items() if name in stacking.features}
        tables.append(_share(SHARED, level_1, of_stack, **shared))
    scores, weights = (pd.concat(parts, ignore_index=True) for parts in zip(*tables, strict=True))
    return scores, weights


def _deal_genes(
    genes: pd.DataFrame,
    gene_ids: Sequence[str],
    model: EnformerParameters,
    baselines: BaselinesParameters,
    evaluation: EvaluationParameters,
) -> NDArray[np.int64] | None:
    """Folds of genes (n_genes,); None where all of them are joined by overlapping windows."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.stacking.gene_folds import assign_gene_folds, chain_windows

    table = genes.set_index("gene_id").loc[list(gene_ids)].reset_index()
    length = max(PRESETS[model.preset].window, *baselines.windows)
    n_groups = int(chain_windows(table, length=length).max()) + 1
    if n_groups < 2:
        logger.warning("no gene is held out: windows of %d bases join all %d genes", length, len(table))
        return None
    n_folds = min(N_GENE_FOLDS, n_groups)
    logger.info("%d genes in %d groups that share no sequence, dealt into %d folds", len(table), n_groups, n_folds)
    return assign_gene_folds(table, length=length, n_folds=n_folds, seed=evaluation.seed, min_genes=1)


def _share(
    name: str,
    level_1: Sequence[str],
    zero_shot: Mapping[str, pd.DataFrame],
    *,
    gene_ids: Sequence[str],
    gene_folds: NDArray[np.int64],
    expression: NDArray[np.float64],
    person_folds: pd.DataFrame,
    individual_ids: Sequence[str],
    adjust: Any,
    predicted: pd.DataFrame,
    inner: pd.DataFrame,
    coverage: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and weights of one shared stack over all fold seeds, or held-out populations."""
    from haploformer.evaluation.held_out_genes import SharedSeed, score_shared, score_shared_population
    from haploformer.stacking.features import gather_out_of_fold, gather_zero_shot
    from haploformer.stacking.folds import folds_by_seed
    from haploformer.stacking.shared import share_weights, shared_weight_rows

    layout: Any = {"gene_ids": gene_ids, "individual_ids": individual_ids}
    gathered = {feature: gather_zero_shot(table, model=feature, **layout) for feature, table in zero_shot.items()}
    enformer = {feature: np.log2(values + 1) if coverage else values for feature, values in gathered.items()}
    seeds, scores, weights = [], [], []
    by_population = "held_out" in person_folds.columns
    for seed, folds in folds_by_seed(person_folds, individual_ids).items():
        fitted = {
            feature: gather_out_of_fold(predicted, inner, model=feature, fold_seed=seed, folds=folds, **layout)
            for feature in level_1
        }
        result = share_weights(expression, folds, gene_folds, adjust, fitted=fitted, zero_shot=enformer)
        used = [int(folds.max())] if by_population else list(range(len(result.weights)))
        weights.append(shared_weight_rows(result, model=name, fold_seed=seed, folds=used))
        seeds.append(SharedSeed(result.unseen, result.seen, result.measured, folds))
        if by_population:
            rows = person_folds[person_folds["fold_seed"] == seed].set_index("individual_id").loc[list(individual_ids)]
            held_out, population = rows["held_out"].to_numpy(dtype=bool), str(rows["population"].iloc[0])
            options: Any = {"model": name, "population": population}
            scores.append(score_shared_population(seeds[-1], held_out, gene_ids, gene_folds, **options))
    if not by_population:
        scores = [score_shared(seeds, gene_ids, gene_folds, model=name)]
    return pd.concat(scores, ignore_index=True), pd.concat(weights, ignore_index=True)
