"""Dosage models over all genes, cis windows and fold seeds of a cohort."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.adjustment import Adjust
from haploformer.baselines.blup import Blup
from haploformer.baselines.crossfit import (
    AdjustWithDegrees,
    CrossPrediction,
    DosageModel,
    cross_predict_models,
    with_degrees,
)
from haploformer.baselines.elastic_net import ElasticNet
from haploformer.baselines.prs import Prs
from haploformer.baselines.tables import dosage_fit_rows, dosage_weight_rows, inner_prediction_rows
from haploformer.baselines.top_snp import TopSnp
from haploformer.predicted_expression import out_of_fold_rows

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class CisModels:
    """Models of one cis window.

    Attributes
    ----------
    models : sequence of DosageModel
        Fitted to the same dosages.
    dosages_of : callable
        From a gene id to its variants (``pos`` and what `dosage_weight_rows` needs) and dosages
        (n_individuals, n_variants).
    """

    models: Sequence[DosageModel]
    dosages_of: Callable[[str], tuple[pd.DataFrame, NDArray[np.float32]]]


@dataclass(frozen=True, eq=False)
class CohortPredictions:
    """Tables of one model.

    Attributes
    ----------
    predicted : DataFrame, schema ``predicted_expression``
    inner : DataFrame, schema ``inner_predictions``
    weights : DataFrame, schema ``dosage_weights``
    fits : DataFrame, schema ``dosage_fits``
    """

    predicted: pd.DataFrame
    inner: pd.DataFrame
    weights: pd.DataFrame
    fits: pd.DataFrame


def dosage_models(*, min_maf: float, l1_ratio: float, suffix: str = "") -> list[DosageModel]:
    """Top SNP, PRS, elastic net and BLUP, their names ended by ``suffix``."""
    models = (TopSnp(min_maf), Prs(min_maf=min_maf), ElasticNet(l1_ratio=l1_ratio, min_maf=min_maf), Blup(min_maf))
    return [replace(model, name=model.name + suffix) for model in models]


def reach_suffix(length: int) -> str:
    """What the names of models of a further cis window end in: its reach on each side of the TSS, ``_1mb``, ``_250kb``."""
    reach = length // 2
    for unit, bases in (("mb", 1_000_000), ("kb", 1_000)):
        if reach and reach % bases == 0:
            return f"_{reach // bases}{unit}"
    return f"_{reach}bp"


def predict_cohort(
    windows: Sequence[CisModels],
    expression: Mapping[str, NDArray[np.float64]],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: Adjust,
    *,
    n_threads: int = 1,
    on_gene: Callable[[], object] | None = None,
) -> dict[str, CohortPredictions]:
    """Cross-fit models for every gene and fold seed; each gene's dosages are read once for each window.

    Parameters
    ----------
    windows : sequence of CisModels
        The names of all models differ.
    expression : mapping of gene id to float64 (n_individuals,)
    individual_ids : sequence of str (n_individuals,)
        The order of all arrays.
    folds_of_seed : mapping of fold seed to int (n_individuals,)
    adjust : callable
        From a training set to the scale of expression and residuals on covariates.
    n_threads : int
        Genes under way at once; the results are the same for any number.
    on_gene : callable, optional
        Called after each gene.

    Returns
    -------
    dict of model name to CohortPredictions
    """
    adjusted = with_degrees(adjust)

    def predict_gene(gene_id: str) -> list[_GeneWindow]:
        found = [_predict_gene(window, gene_id, expression[gene_id], folds_of_seed, adjusted) for window in windows]
        if on_gene is not None:
            on_gene()
        return found

    by_gene = dict(zip(expression, map_genes(predict_gene, list(expression), n_threads=n_threads), strict=True))
    tables = {}
    for number, window in enumerate(windows):
        of_window = {gene_id: found[number] for gene_id, found in by_gene.items()}
        for place, model in enumerate(window.models):
            tables[model.name] = _tabulate(model.name, place, of_window, individual_ids, folds_of_seed)
    return tables


def map_genes(function: Callable[[str], _T], gene_ids: Sequence[str], *, n_threads: int) -> list[_T]:
    """Results for every gene, in their order. Threads suffice: the numerical work leaves Python free meanwhile."""
    if n_threads == 1:
        return [function(gene_id) for gene_id in gene_ids]
    with ThreadPoolExecutor(n_threads) as pool:
        futures = [pool.submit(function, gene_id) for gene_id in gene_ids]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@dataclass(frozen=True, eq=False)
class _GeneWindow:
    """What came out for one gene and cis window: predictions by fold seed, one for each model."""

    variants: pd.DataFrame
    predictions: dict[int, list[CrossPrediction]]


def _predict_gene(
    window: CisModels,
    gene_id: str,
    measured: NDArray[np.float64],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: AdjustWithDegrees,
) -> _GeneWindow:
    variants, dosages = window.dosages_of(gene_id)
    positions = variants["pos"].to_numpy(dtype=np.int64)
    predictions = {
        seed: cross_predict_models(window.models, dosages, measured, folds, adjust, positions=positions)
        for seed, folds in folds_of_seed.items()
    }
    return _GeneWindow(variants, predictions)


def _tabulate(
    name: str,
    place: int,
    of_window: Mapping[str, _GeneWindow],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
) -> CohortPredictions:
    """Tables of the model at one place of its window."""
    variants = {gene_id: found.variants for gene_id, found in of_window.items()}
    pieces = []
    for seed, folds in folds_of_seed.items():
        results = {gene_id: found.predictions[seed][place] for gene_id, found in of_window.items()}
        outer = {gene_id: result.outer for gene_id, result in results.items()}
        pieces.append(
            (
                out_of_fold_rows(outer, individual_ids, folds, model=name, fold_seed=seed),
                inner_prediction_rows(results, individual_ids, model=name, fold_seed=seed),
                dosage_weight_rows(results, variants, model=name, fold_seed=seed),
                dosage_fit_rows(results, model=name, fold_seed=seed),
            )
        )
    return CohortPredictions(*(pd.concat(tables, ignore_index=True) for tables in zip(*pieces, strict=True)))
