"""Steps of ``stacking``: a few out-of-fold predictions become one."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import (
    DataPrepParameters,
    EnformerParameters,
    SequenceBuildParameters,
    StackingParameters,
)


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
        tracks_of=partial(track_predictions.log_coverage, individual_ids=people),
    )
    return stack.predicted, stack.without_enformer, stack.weights


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
        tracks_of=partial(track_predictions.log_coverage, individual_ids=people),
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
