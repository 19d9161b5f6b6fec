"""Across genes: one person's, and the mean of all people's; only where the expression has levels."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.errors import InputError
from haploformer.evaluation.metrics import drawn_fold_r, is_constant, pearson, ranks, within_fold_r
from haploformer.evaluation.resampling import INTERVAL, MIN_LOCI
from haploformer.predicted_expression import ENFORMER_TEST, GENE_FOLDS

logger = logging.getLogger(__name__)

#: Genes whose means differ by less than this share of the sd within a gene have no levels.
_LEVELS = 0.5

#: Genes behind the r of a person.
_MIN_GENES = 4

#: Genes behind an r of levels.
MIN_HELD_OUT = 6

#: What a score of held-out genes says, and what it does not.
REMARKS = {
    GENE_FOLDS: "held out of this fit only: Enformer's own training genes are among those tested",
    ENFORMER_TEST: "windows overlap Enformer's test sequences alone: neither Enformer nor this fit was trained there",
}

#: What a table of expression may hold, and what may be stated of it.
Scale = Literal["tpm", "log2"]
StatedScale = Literal["auto", "tpm", "log2"]

_SCALES = {
    "tpm": "expression is taken for TPM or the like: levels are log2(x + 1)",
    "log2": "expression is taken for logarithms: levels are the values as they are",
}

#: What is computed instead where expression has no levels.
_DEVIATIONS = "give TPM; in its place person_scores has r of the deviations from each gene's mean"


def has_levels(measured: NDArray[np.floating]) -> bool:
    """Whether genes differ in their mean over people, as TPM does and what is normalised per gene does not.

    Parameters
    ----------
    measured : floating (n_genes, n_individuals)
    """
    within = float(np.median(measured.std(axis=1)))
    return bool(measured.mean(axis=1).std() > _LEVELS * within)


def require_levels(measured: NDArray[np.floating], where: str, *, remedy: str = _DEVIATIONS) -> None:
    """Raise InputError if expression (n_genes, n_individuals) is normalised per gene, or too small to tell.

    It takes the people of the whole table: of one person alone nobody can tell.
    """
    if len(measured) < _MIN_GENES:
        raise InputError(
            where,
            f"{len(measured)} genes are too few to tell whether expression has levels ({_MIN_GENES} are needed)",
            "give more genes",
        )
    if not has_levels(measured):
        raise InputError(
            where,
            "is normalised per gene: every gene has the same mean, so that r over genes would not compare levels",
            remedy,
        )


def choose_scale(measured: NDArray[np.floating], stated: StatedScale, *, where: str) -> Scale:
    """What a whole table of expression holds: as stated, or with ``auto`` logarithms if it has values below 0, else TPM.

    Parameters
    ----------
    measured : floating (n_genes, n_individuals)
    stated : str
    where : str
        The table, for the error.

    Raises
    ------
    InputError
        If values below 0 are stated to be TPM.
    """
    below = int((np.asarray(measured) < 0).sum())
    if stated == "tpm" and below:
        raise InputError(
            where, f"{below} values are below 0, which TPM (scale=tpm) has not", "state scale=log2, or give TPM"
        )
    if stated == "auto":
        return "log2" if below else "tpm"
    return stated


def log_levels(measured: NDArray[np.floating], scale: Scale) -> NDArray[np.float64]:
    """log2(x + 1) of TPM, and logarithms as they are."""
    values = np.asarray(measured, dtype=np.float64)
    return values if scale == "log2" else np.log2(values + 1)


def mean_levels(measured: NDArray[np.floating], scale: Scale) -> NDArray[np.float64]:
    """Level (n_genes,) of expression (n_genes, n_individuals): log2(mean over people + 1), or the mean of logarithms."""
    mean: NDArray[np.float64] = np.asarray(measured, dtype=np.float64).mean(axis=1)
    return mean if scale == "log2" else np.log2(mean + 1)


def describe_scale(scale: str) -> str:
    """What was made of expression of this scale."""
    return _SCALES[scale]


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
    require_levels(measured, where)
    return pearson(predicted.T, measured.T)


def genes_that_vary(predicted: NDArray[np.floating], measured: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Genes (n_genes,) that are constant over people on neither side."""
    return ~(is_constant(predicted, beside=measured) | is_constant(measured))


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
    varies = genes_that_vary(*sides)
    _require_genes(measured[varies], "scored_predictions")
    z = [(side[varies] - side[varies].mean(1, keepdims=True)) / side[varies].std(1, keepdims=True) for side in sides]
    return pearson(z[0].T, z[1].T)


def score_people(
    scored: pd.DataFrame, measured: pd.DataFrame, enformer: pd.DataFrame, *, scale: StatedScale = "auto"
) -> pd.DataFrame:
    """r of each person over genes: of deviations by each model, of levels by Enformer where expression has them.

    Parameters
    ----------
    scored : DataFrame, schema ``scored_predictions``
        Deviations are those of the first fold seed.
    measured : DataFrame, schema ``measured_expression``
    enformer : DataFrame, schema ``predicted_expression``
        Coverage; its level is log2(x + 1).
    scale : str
        Of the measured expression, by which its levels are taken (`choose_scale`).

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
        varies = genes_that_vary(*(side.to_numpy() for side in sides))
        sides = [side[varies] for side in sides]
        tables += _person_rows(sides, correlate_deviations, model=str(model), quantity="deviation")
    wide = measured.pivot(index="gene_id", columns="individual_id", values="expression")
    coverage = enformer.pivot(index="gene_id", columns="individual_id", values="predicted_expression")
    coverage = np.log2(coverage.loc[coverage.index.isin(wide.index), wide.columns] + 1)
    found = choose_scale(wide.to_numpy(), scale, where="measured_expression")
    levels = pd.DataFrame(log_levels(wide.to_numpy(), found), wide.index, wide.columns).loc[coverage.index]
    of_levels = _person_rows([coverage, levels], correlate_levels, model="enformer", quantity="level", scale=found)
    if of_levels:
        logger.info("r over genes of the level: %s (evaluation.scale=%s)", describe_scale(found), scale)
    tables += of_levels
    columns = ["individual_id", "model", "quantity", "scale", "n_genes", "pearson_r"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _person_rows(
    sides: list[pd.DataFrame],
    correlate: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    *,
    model: str,
    quantity: str,
    scale: Scale | None = None,
) -> list[pd.DataFrame]:
    """One table, or none where the question is refused; that is said."""
    try:
        r = correlate(sides[0].to_numpy(), sides[1].to_numpy())
    except InputError as error:
        logger.info("no r over genes of the %s by %s: %s", quantity, model, error)
        return []
    people = {"individual_id": sides[0].columns, "model": model, "quantity": quantity, "scale": scale}
    return [pd.DataFrame(people | {"n_genes": len(sides[0]), "pearson_r": r})]


def _require_genes(measured: NDArray[np.floating], where: str) -> None:
    if len(measured) < _MIN_GENES:
        raise InputError(
            where, f"{len(measured)} genes vary; the r of a person over genes needs {_MIN_GENES}", "give more genes"
        )


def score_held_out_genes(predicted: pd.DataFrame, locus: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """r over genes of each model, in each way of holding genes out that has enough of them.

    Parameters
    ----------
    predicted : DataFrame, schema ``across_genes_predictions``
    locus : Series of str, index ``gene_id``
        1-Mb locus of each gene.
    rng : Generator
        Of the bootstrap.

    Returns
    -------
    DataFrame
        As `score_levels` gives, with ``model, held_out, remark``.
    """
    tables = []
    for held_out, remark in REMARKS.items():
        for model, rows in predicted[predicted["held_out"] == held_out].groupby("model", sort=False):
            if len(rows) < MIN_HELD_OUT:
                continue
            folds = rows["fold"].fillna(0).to_numpy(dtype=np.int64)
            loci = locus.loc[rows["gene_id"].tolist()].to_numpy(dtype=object)
            found = score_levels(rows["predicted"].to_numpy(), rows["level"].to_numpy(), folds, loci, rng)
            tables.append(found.assign(model=model, held_out=held_out, remark=remark))
    return pd.concat(tables, ignore_index=True)


def score_levels(
    predicted: NDArray[np.float64],
    levels: NDArray[np.float64],
    folds: NDArray[np.int64],
    loci: NDArray[np.object_],
    rng: np.random.Generator,
    *,
    n_draws: int = 2000,
) -> pd.DataFrame:
    """Correlation over genes of predicted and measured level, within the folds in which the genes were held out.

    Parameters
    ----------
    predicted, levels : float64 (n_genes,)
        Finite; predicted from other genes.
    folds : int (n_genes,)
        At least four genes each.
    loci : (n_genes,)
        1-Mb locus of each gene.
    rng : Generator
    n_draws : int
        Bootstrap samples of whole loci.

    Returns
    -------
    DataFrame
        ``quantity`` (``pearson``, ``spearman``), ``r``, ``low``, ``high`` (2.5 % to 97.5 %; NaN with fewer than five
        loci), ``n_genes``, ``n_loci``, ``n_constant_folds``. The ranks of Spearman's are those of all genes of the fold.
    """
    observed = within_fold_r(predicted[None], levels[None], folds)
    codes, names = pd.factorize(loci)
    rows = []
    for quantity, r in (("pearson", observed.pearson[0]), ("spearman", observed.spearman[0])):
        low, high = np.nan, np.nan
        if len(names) >= MIN_LOCI:
            counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_draws)[:, codes]
            sides = (
                (predicted, levels)
                if quantity == "pearson"
                else tuple(_fold_ranks(side, folds) for side in (predicted, levels))
            )
            drawn = drawn_fold_r(sides[0][None], sides[1][None], folds, counts)[:, 0]
            low, high = np.nanquantile(drawn, INTERVAL)
        rows.append((quantity, r, low, high, len(levels), len(names), int(observed.n_constant_folds[0])))
    return pd.DataFrame(rows, columns=["quantity", "r", "low", "high", "n_genes", "n_loci", "n_constant_folds"])


def _fold_ranks(values: NDArray[np.float64], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ranks (n_genes,) of each fold's genes among themselves."""
    ranked = np.empty(len(values))
    for fold in np.unique(folds):
        ranked[folds == fold] = ranks(values[folds == fold])
    return ranked
