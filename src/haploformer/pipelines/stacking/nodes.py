"""Steps of ``stacking``: a few out-of-fold predictions become one."""

from __future__ import annotations

from functools import partial

import pandas as pd

from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import StackingParameters


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
