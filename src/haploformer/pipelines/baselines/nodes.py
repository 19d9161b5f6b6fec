"""Steps of ``baselines``: what a person's dosages alone say of expression."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.genome.cis import CisDosages
from haploformer.parameters import BaselinesParameters

logger = logging.getLogger(__name__)


def locate_cis_variants(
    genes: pd.DataFrame, variants: StoredGenotypes, options: BaselinesParameters
) -> tuple[pd.DataFrame, CisDosages]:
    """Each gene's cis window, and a handle that reads its dosages."""
    from haploformer.genome.cis import locate_cis_windows

    windows = locate_cis_windows(genes, variants.genotypes, length=options.cis_window)
    logger.info(
        "cis windows of %d bases: %.0f variants in the median gene", options.cis_window, windows["n_variants"].median()
    )
    return windows, CisDosages(variants.genotypes, windows)


def fit_top_snp(
    dosages: CisDosages,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    options: BaselinesParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The variant that correlates best in training people."""
    from haploformer.baselines.top_snp import TopSnp

    return _predict(TopSnp(min_maf=options.min_maf), dosages, measured, covariates, person_folds)


def fit_elastic_net(
    dosages: CisDosages,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    options: BaselinesParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Elastic net over all variants of the cis window."""
    from haploformer.baselines.elastic_net import ElasticNet

    model = ElasticNet(l1_ratio=options.l1_ratio, min_maf=options.min_maf)
    return _predict(model, dosages, measured, covariates, person_folds)


def _predict(
    model: Any, dosages: CisDosages, measured: pd.DataFrame, covariates: pd.DataFrame, person_folds: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Out-of-fold predictions, inner predictions and weights of a dosage model."""
    from threadpoolctl import threadpool_limits

    from haploformer.baselines.cohort import predict_cohort
    from haploformer.expression.covariates import adjustment_for
    from haploformer.expression.matrix import IndividualMatrix
    from haploformer.stacking.folds import folds_by_seed

    people = list(dosages.individual_ids)
    expression = IndividualMatrix.from_long(measured, row="gene_id", value="expression").select_individuals(people)
    # Thousands of small products: threads would cost more than they bring.
    with threadpool_limits(1):
        result = predict_cohort(
            model,
            dosages.of_gene,
            dict(zip(expression.row_ids, expression.values, strict=True)),
            people,
            folds_by_seed(person_folds, people),
            adjustment_for(covariates, people),
        )
    if result.n_without_variant:
        logger.warning("%s: %d genes x fold seeds have no usable variant", model.name, result.n_without_variant)
    return result.predicted, result.inner, result.weights
