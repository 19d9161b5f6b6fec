"""Linear forms of a cohort's genes, and the predictions that they are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.baselines.crossfit import DosageModel, fit_surrogate
from haploformer.effects.definitions import SAD
from haploformer.effects.linear import LinearForm, additive_form
from haploformer.effects.tables import CENTRE
from haploformer.errors import InputError
from haploformer.expression.matrix import IndividualMatrix

_ALLELE = ["contig", "pos", "ref", "alt"]

#: From a gene to its variants and dosages (n_individuals, n_variants).
DosagesOf = Callable[[str], tuple[pd.DataFrame, NDArray[np.floating]]]


@dataclass(frozen=True, eq=False)
class CohortForms:
    """Linear forms by gene id, and what each says of the cohort's people.

    Attributes
    ----------
    forms : dict of gene id to LinearForm
        Weights in the order of the gene's dosages.
    predicted : dict of gene id to float64 (n_individuals,)
        By a form that was not fitted to the person, where forms are fitted.
    """

    forms: dict[str, LinearForm]
    predicted: dict[str, NDArray[np.float64]]


def gene_coverage(effects: pd.DataFrame, *, summary: str) -> pd.DataFrame:
    """Of each gene and allele the coverage at the centre bins with ALT and with REF.

    Parameters
    ----------
    effects : DataFrame, schema ``variant_effects``
    summary : str

    Returns
    -------
    DataFrame
        ``gene_id, contig, pos, ref, alt, coverage_ref, coverage_alt``.
    """
    chosen = (effects["bins"] == CENTRE) & (effects["effect_kind"] == SAD) & (effects["summary"] == summary)
    return effects.loc[chosen, ["gene_id", *_ALLELE, "coverage_ref", "coverage_alt"]].reset_index(drop=True)


def additive_forms(effects: pd.DataFrame, gene_ids: Sequence[str], dosages_of: DosagesOf) -> CohortForms:
    """Each gene's sum of single effects.

    Parameters
    ----------
    effects : DataFrame
        As `gene_coverage` gives, in each gene in the order of its dosages.
    gene_ids : sequence of str
    dosages_of : callable
    """
    forms, predicted = {}, {}
    of_gene = {str(gene_id): rows for gene_id, rows in effects.groupby("gene_id", sort=False)}
    for gene_id in gene_ids:
        _, dosages = dosages_of(gene_id)
        rows = of_gene.get(gene_id)
        difference = np.zeros(0) if rows is None else (rows["coverage_alt"] - rows["coverage_ref"]).to_numpy(np.float64)
        reference = 0.0 if rows is None else float(rows["coverage_ref"].iloc[0])
        forms[gene_id] = additive_form(reference, difference)
        predicted[gene_id] = forms[gene_id].predict(dosages)
    return CohortForms(forms, predicted)


def surrogate_forms(
    model: DosageModel,
    exact: Mapping[str, NDArray[np.float64]],
    dosages_of: DosagesOf,
    folds: NDArray[np.int64],
) -> CohortForms:
    """Each gene's exact predictions fitted by a dosage model; ``predicted`` is out of fold.

    Parameters
    ----------
    model : DosageModel
    exact : mapping of gene id to float64 (n_individuals,)
    dosages_of : callable
    folds : int64 (n_individuals,)
    """
    forms, predicted = {}, {}
    for gene_id, values in exact.items():
        found = fit_surrogate(model, dosages_of(gene_id)[1], values, folds)
        forms[gene_id] = LinearForm(found.intercept, found.weights)
        predicted[gene_id] = found.out_of_fold
    return CohortForms(forms, predicted)


def exact_predictions(
    summaries: pd.DataFrame, individual_ids: Sequence[str], *, summary: str
) -> dict[str, NDArray[np.float64]]:
    """Coverage predicted of each gene's haplotypes (n_individuals,), in the order of the people.

    Parameters
    ----------
    summaries : DataFrame, schema ``enformer_summaries``
    individual_ids : sequence of str
    summary : str

    Raises
    ------
    InputError
        If somebody has no prediction.
    """
    chosen = summaries[summaries["summary"] == summary]
    matrix = IndividualMatrix.from_long(chosen, row="gene_id", value="personal")
    absent = sorted(set(individual_ids) - set(matrix.individual_ids))
    if absent:
        raise InputError(
            "enformer_summaries",
            f"{len(absent)} of {len(individual_ids)} people with genotypes have no prediction (first: {absent[0]})",
            "predict the same people: kedro run --pipelines sequence_build,enformer_inference",
        )
    ordered = matrix.select_individuals(individual_ids)
    return dict(zip(ordered.row_ids, ordered.values, strict=True))
