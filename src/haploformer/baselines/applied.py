"""Models of everybody, applied to other people's dosages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.weighted_variants import AMBIGUOUS, MISSING, TURNED, effect_dosages
from haploformer.predicted_expression import NO_WEIGHTS, PREDICTED

#: What became of a gene's model of which nothing could be used.
NO_MATCH = "no variant matched"

_AUDIT = ["gene_id", "model", "n_wanted", "n_matched", "n_turned", "n_ambiguous", "n_missing", "n_calls_filled"]
AUDIT_COLUMNS = [*_AUDIT, "matched_share", "weighted_share", "outcome"]


@dataclass(frozen=True, eq=False)
class AppliedModels:
    """Predictions of other people.

    Attributes
    ----------
    predicted : dict of (gene_id, model) to float64 (n_individuals,)
        Adjusted expression. A model without weights, or without a matched variant, has none.
    audit : DataFrame, schema ``apply_audit``
        One row per gene and model.
    """

    predicted: dict[tuple[str, str], NDArray[np.float64]]
    audit: pd.DataFrame


def matched_shares(matched: pd.DataFrame) -> pd.DataFrame:
    """Of each model, the share of its weights whose variants were found.

    Parameters
    ----------
    matched : DataFrame, schema ``matched_weights``

    Returns
    -------
    DataFrame
        ``model, n_wanted, n_matched, n_turned, n_ambiguous, matched_share, weighted_share``; the last weighs each
        variant by its absolute weight within its gene, then takes the mean over genes.
    """
    rows = []
    for model, of_model in matched.groupby("model", sort=False):
        found = (of_model["record"] >= 0).to_numpy()
        size = of_model["weight"].abs()
        by_gene = size.where(found, 0.0).groupby(of_model["gene_id"]).sum() / size.groupby(of_model["gene_id"]).sum()
        rows.append(
            (
                model,
                len(of_model),
                int(found.sum()),
                int((of_model["outcome"] == TURNED).sum()),
                int((of_model["outcome"] == AMBIGUOUS).sum()),
                float(found.mean()),
                float(by_gene.mean()),
            )
        )
    columns = ["model", "n_wanted", "n_matched", "n_turned", "n_ambiguous", "matched_share", "weighted_share"]
    return pd.DataFrame(rows, columns=columns)


def require_matched_shares(shares: pd.DataFrame, *, floor: float, source: str) -> None:
    """Raise InputError if a model keeps less than ``floor`` of its variants, or of its weight."""
    low = shares[(shares[["matched_share", "weighted_share"]] < floor).any(axis=1)]
    if len(low):
        row = low.iloc[0]
        raise InputError(
            source,
            f"{100 * row['matched_share']:.1f} % of the variants of {row['model']} are there "
            f"({row['n_matched']:,} of {row['n_wanted']:,}; {100 * row['weighted_share']:.1f} % by weight; "
            f"{row['n_ambiguous']:,} set aside: A/T, C/G, or an indel), at least {100 * floor:g} % are expected",
            "give genotypes of the same build with more of the variants, for example imputed ones, or lower "
            "apply.min_matched_share",
        )


def apply_models(matched: pd.DataFrame, models: pd.DataFrame, genotypes: Genotypes) -> AppliedModels:
    """Predict adjusted expression of everybody in ``genotypes``.

    A variant that was not found, and a missing call, count as the mean dosage of the training people. Dosages are not
    adjusted for covariates, which nobody knows of new people: the prediction is that of a person with average ones.

    Parameters
    ----------
    matched : DataFrame, schema ``matched_weights``
    models : DataFrame, schema ``final_dosage_models``
    genotypes : Genotypes
    """
    predicted, audit = {}, []
    rows_of = dict(list(matched.groupby("gene_id", sort=False)))
    for gene_id, of_gene in models.groupby("gene_id", sort=False):
        rows = rows_of.get(gene_id, matched.iloc[:0])
        by_model = dict(list(rows.groupby("model", sort=False)))
        places = rows.loc[rows["record"] >= 0, ["record", "allele"]].drop_duplicates()
        dosages = effect_dosages(genotypes, *(places[name].to_numpy(np.int64) for name in ("record", "allele")))
        column = pd.MultiIndex.from_frame(places)
        for model in of_gene.itertuples():
            of_model = by_model.get(model.model, rows.iloc[:0])
            used = of_model[of_model["record"] >= 0]
            copies = dosages[:, column.get_indexer(pd.MultiIndex.from_frame(used[["record", "allele"]]))]
            called = ~np.isnan(copies)
            if len(used):
                deviations = np.where(called, copies - used["mean_dosage"].to_numpy(np.float64), 0.0)
                values = model.intercept + deviations @ used["weight"].to_numpy(np.float64)
                predicted[gene_id, model.model] = values
            audit.append(_audit_row(gene_id, model.model, of_model, int((~called).sum())))
    return AppliedModels(predicted, pd.DataFrame(audit, columns=AUDIT_COLUMNS))


def _audit_row(gene_id: str, model: str, rows: pd.DataFrame, n_calls_filled: int) -> tuple[object, ...]:
    found = (rows["record"] >= 0).to_numpy()
    size = rows["weight"].abs().to_numpy(np.float64)
    counts = rows["outcome"].value_counts()
    outcome = PREDICTED if found.any() else NO_MATCH if len(rows) else NO_WEIGHTS
    return (
        *(gene_id, model, len(rows), int(found.sum())),
        *(int(counts.get(name, 0)) for name in (TURNED, AMBIGUOUS, MISSING)),
        n_calls_filled,
        *((found.mean(), size[found].sum() / size.sum()) if len(rows) else (np.nan, np.nan)),
        outcome,
    )
