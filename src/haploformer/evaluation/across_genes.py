"""One person, all genes: only where the expression has levels."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.evaluation.metrics import pearson

logger = logging.getLogger(__name__)

#: Genes whose means differ by less than this share of the sd within a gene have no levels.
_LEVELS = 0.5

#: Genes behind the r of a person.
_MIN_GENES = 4


def has_levels(measured: NDArray[np.floating]) -> bool:
    """Whether genes differ in their mean over people, as TPM does and what is normalised per gene does not.

    Parameters
    ----------
    measured : floating (n_genes, n_individuals)
    """
    within = float(np.median(measured.std(axis=1)))
    return bool(measured.mean(axis=1).std() > _LEVELS * within)


def correlate_levels(
    predicted: NDArray[np.floating], measured: NDArray[np.floating], *, where: str = "measured_expression"
) -> NDArray[np.float64]:
    """r of each person over genes between predicted and measured level.

    Parameters
    ----------
    predicted, measured : floating (n_genes, n_individuals)
        Logarithms: log2(coverage + 1) and log2(TPM + 1).

    Returns
    -------
    float64 (n_individuals,)

    Raises
    ------
    InputError
        If the expression is normalised per gene, so that it has no levels, or there are fewer than four genes.
    """
    _require_genes(measured, where)
    if not has_levels(measured):
        raise InputError(
            where,
            "is normalised per gene: every gene has the same mean, so that r over genes would not compare levels",
            "give TPM; in its place person_scores has r of the deviations from each gene's mean",
        )
    return pearson(predicted.T, measured.T)


def correlate_deviations(predicted: NDArray[np.floating], measured: NDArray[np.floating]) -> NDArray[np.float64]:
    """r of each person over genes between deviations from the gene's mean, in its sd over people.

    Parameters
    ----------
    predicted, measured : floating (n_genes, n_individuals)
        A gene that is constant on either side over people says nothing and is left out.

    Returns
    -------
    float64 (n_individuals,)

    Raises
    ------
    InputError
        If fewer than four genes are left.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (predicted, measured)]
    spread = [side.std(axis=1) for side in sides]
    sizes = [np.abs(side).max(axis=1) for side in sides]
    varies = np.all([sd > 1e-9 * size for sd, size in zip(spread, sizes, strict=True)], axis=0)
    _require_genes(measured[varies], "scored_predictions")
    z = [(side[varies] - side[varies].mean(1, keepdims=True)) / side[varies].std(1, keepdims=True) for side in sides]
    return pearson(z[0].T, z[1].T)


def score_people(scored: pd.DataFrame, measured: pd.DataFrame, enformer: pd.DataFrame) -> pd.DataFrame:
    """r of each person over genes: of deviations by each model, of levels by Enformer where expression has them.

    Parameters
    ----------
    scored : DataFrame, schema ``scored_predictions``
        Deviations are those of the first fold seed.
    measured : DataFrame, schema ``measured_expression``
        Levels are log2(x + 1) of both sides; expression with values below 0 is taken for logarithms.
    enformer : DataFrame, schema ``predicted_expression``
        Coverage.

    Returns
    -------
    DataFrame, schema ``person_scores``
        No rows of a quantity for which there are fewer than four genes, or no levels (`correlate_levels` says why).
    """
    first = scored[scored["fold_seed"] == scored["fold_seed"].iloc[0]]
    tables = []
    for model, rows in first.groupby("model", sort=False):
        sides = [
            rows.pivot(index="gene_id", columns="individual_id", values=side) for side in ("predicted", "measured")
        ]
        tables += _person_rows(sides, correlate_deviations, model=str(model), quantity="deviation")
    wide = measured.pivot(index="gene_id", columns="individual_id", values="expression")
    coverage = enformer.pivot(index="gene_id", columns="individual_id", values="predicted_expression")
    coverage = np.log2(coverage.loc[coverage.index.isin(wide.index), wide.columns] + 1)
    levels = wide.loc[coverage.index]
    levels = levels if (levels < 0).any(axis=None) else np.log2(levels + 1)
    tables += _person_rows([coverage, levels], correlate_levels, model="enformer", quantity="level")
    columns = ["individual_id", "model", "quantity", "n_genes", "pearson_r"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _person_rows(
    sides: list[pd.DataFrame],
    correlate: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    *,
    model: str,
    quantity: str,
) -> list[pd.DataFrame]:
    """One table, or none where the question is refused; that is said."""
    try:
        r = correlate(sides[0].to_numpy(), sides[1].to_numpy())
    except InputError as error:
        logger.info("no r over genes of the %s by %s: %s", quantity, model, error)
        return []
    people = {"individual_id": sides[0].columns, "model": model, "quantity": quantity, "n_genes": len(sides[0])}
    return [pd.DataFrame(people | {"pearson_r": r})]


def _require_genes(measured: NDArray[np.floating], where: str) -> None:
    if len(measured) < _MIN_GENES:
        raise InputError(
            where, f"{len(measured)} genes vary; the r of a person over genes needs {_MIN_GENES}", "give more genes"
        )
