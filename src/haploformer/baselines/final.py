"""Models of everybody, as tables that can be carried to people whose expression nobody measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.adjustment import Adjust
from haploformer.baselines.cohort import CisModels, map_genes
from haploformer.baselines.crossfit import EverybodyFit, fit_everybody, with_degrees
from haploformer.baselines.tables import FIT_COLUMNS, describe_fit

_WEIGHT_COLUMNS = ["gene_id", "model", "variant_id", "contig", "pos", "ref", "alt", "weight", "mean_dosage"]
_MODEL_COLUMNS = ["gene_id", "model", "intercept", *FIT_COLUMNS]


@dataclass(frozen=True, eq=False)
class FinalDosageModels:
    """Tables of the models of everybody.

    Attributes
    ----------
    weights : DataFrame, schema ``final_dosage_weights``
    models : DataFrame, schema ``final_dosage_models``
    """

    weights: pd.DataFrame
    models: pd.DataFrame


def fit_final_models(
    windows: Sequence[CisModels],
    expression: Mapping[str, NDArray[np.float64]],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    adjust: Adjust,
    *,
    n_threads: int = 1,
    on_gene: Callable[[], object] | None = None,
) -> FinalDosageModels:
    """Fit every model of every gene to everybody.

    Parameters
    ----------
    windows : sequence of CisModels
    expression : mapping of gene id to float64 (n_individuals,)
    folds_of_seed : mapping of fold seed to int (n_individuals,)
        By which a lambda or a threshold is chosen (`fit_everybody`).
    adjust : callable
        From a training set to the scale of expression and residuals on covariates.
    n_threads : int
        Genes under way at once; the results are the same for any number.
    on_gene : callable, optional
        Called after each gene.
    """
    adjusted = with_degrees(adjust)

    def fit_gene(gene_id: str) -> list[tuple[pd.DataFrame, list[EverybodyFit]]]:
        found = []
        for window in windows:
            variants, dosages = window.dosages_of(gene_id)
            positions = variants["pos"].to_numpy(dtype=np.int64)
            data = (dosages, expression[gene_id], folds_of_seed, adjusted)
            found.append((variants, fit_everybody(window.models, *data, positions=positions)))
        if on_gene is not None:
            on_gene()
        return found

    by_gene = dict(zip(expression, map_genes(fit_gene, list(expression), n_threads=n_threads), strict=True))
    weights, models = [], []
    for number, window in enumerate(windows):
        for place, model in enumerate(window.models):
            for gene_id, found in by_gene.items():
                variants, fits = found[number]
                weights.append(_weight_rows(gene_id, model.name, variants, fits[place]))
                models.append(_model_row(gene_id, model.name, fits[place]))
    used = [rows for rows in weights if len(rows)]
    table = pd.concat(used, ignore_index=True) if used else pd.DataFrame(columns=_WEIGHT_COLUMNS)
    return FinalDosageModels(table, pd.DataFrame(models, columns=_MODEL_COLUMNS))


def _weight_rows(gene_id: str, model: str, variants: pd.DataFrame, everybody: EverybodyFit) -> pd.DataFrame:
    fit = everybody.fit
    used = np.flatnonzero(fit.weights)
    rows = variants.iloc[fit.variants[used]].assign(
        gene_id=gene_id, model=model, weight=fit.weights[used], mean_dosage=everybody.mean_dosage[used]
    )
    return rows[_WEIGHT_COLUMNS]


def _model_row(gene_id: str, model: str, everybody: EverybodyFit) -> tuple[object, ...]:
    return gene_id, model, everybody.fit.intercept, *describe_fit(everybody.fit)
