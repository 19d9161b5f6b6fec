"""What is known of people without looking at a gene's variants: covariates, and principal components of genotypes.

Neither looks at one gene's cis window. Their r is what any model can get from population structure, batch and sex.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.adjustment import Adjust, LeftAsIs, Residualise
from haploformer.baselines.dosages import LEFT_BY_COVARIATES, standardise_dosages
from haploformer.genome.genotypes import Genotypes, alt_dosages
from haploformer.genome.pruning import prune_variants
from haploformer.predicted_expression import out_of_fold_rows

#: Variants of a lower minor allele frequency in training people are left out of the components.
PC_MIN_MAF = 0.05

#: Variants are pruned so that none has a larger r2 with an earlier one this near to it.
PC_PRUNE_R2 = 0.2
PC_PRUNE_DISTANCE = 250_000

#: Records looked at, evenly spread over all that are stored, and read at once.
PC_MAX_RECORDS = 20_000
_RECORDS_AT_ONCE = 2_000

#: Share of its size by which adjusted expression must vary; below it the rest is rounding.
_VARIES = 1e-10

#: Share of the largest singular value below which a direction is taken for rounding.
_RANK_TOLERANCE = 1e-10

#: From a training set, bool (n_individuals,), to columns (n_individuals, k) that know nothing of the others' expression.
Columns = Callable[[NDArray[np.bool_]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class GenotypeComponents:
    """Dosages all over the genome, and the components of each training set that is asked for.

    Attributes
    ----------
    dosages : float32 (n_individuals, n_variants)
    contigs, positions : (n_variants,)
        Sorted within a contig.
    n_components : int
    """

    dosages: NDArray[np.float32]
    contigs: NDArray[np.object_]
    positions: NDArray[np.int64]
    n_components: int
    _known: dict[bytes, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of(cls, genotypes: Genotypes, *, n_components: int) -> GenotypeComponents:
        """From at most `PC_MAX_RECORDS` records, evenly spread over all."""
        chosen = np.unique(np.linspace(0, len(genotypes) - 1, min(len(genotypes), PC_MAX_RECORDS)).astype(np.int64))
        pieces = [
            np.asarray(genotypes.alleles[slice(int(block[0]), int(block[-1]) + 1)])[block - block[0]]
            for block in np.array_split(chosen, max(1, len(chosen) // _RECORDS_AT_ONCE))
            if len(block)
        ]
        alleles = np.concatenate([np.empty((0, len(genotypes.individual_ids), 2), np.int8), *pieces])
        records = genotypes.records.iloc[chosen].reset_index(drop=True)
        variants, dosages = alt_dosages(Genotypes(records, genotypes.individual_ids, alleles))
        contigs, positions = variants["contig"].to_numpy(dtype=object), variants["pos"].to_numpy(dtype=np.int64)
        return cls(dosages, contigs, positions, n_components)

    def of_training(self, train: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Everybody's place on the components of the training people (n_individuals, n_found)."""
        key = train.tobytes()
        if key not in self._known:
            self._known[key] = genotype_components(
                self.dosages,
                train,
                contigs=self.contigs,
                positions=self.positions,
                n_components=self.n_components,
            )
        return self._known[key]


def genotype_components(
    dosages: NDArray[np.floating],
    train: NDArray[np.bool_],
    *,
    contigs: NDArray[np.object_],
    positions: NDArray[np.int64],
    n_components: int,
) -> NDArray[np.float64]:
    """Principal components of the training people's dosages, and everybody's place on them.

    Parameters
    ----------
    dosages : floating (n_individuals, n_variants)
        Counts of the ALT allele, NaN where missing: filled by twice the training frequency.
    train : bool (n_individuals,)
        Frequencies, scales, pruning and components are theirs; the others are projected.
    contigs, positions : (n_variants,)
        Sorted within a contig.
    n_components : int
        Fewer come back where the training people do not have as many.

    Returns
    -------
    float64 (n_individuals, n_found)
        By falling variance; sd 1 over the training people.
    """
    usable = standardise_dosages(dosages, train, residualise=np.asarray, min_maf=PC_MIN_MAF)
    places = (contigs[usable.variants], positions[usable.variants])
    kept = prune_variants(usable.values[train], *places, max_r2=PC_PRUNE_R2, distance=PC_PRUNE_DISTANCE)
    table = usable.values[:, kept]
    if not len(kept):
        return np.empty((len(train), 0))
    _, sizes, axes = np.linalg.svd(table[train], full_matrices=False)
    found = sizes[:n_components] > _RANK_TOLERANCE * sizes[0]
    components = table @ axes[:n_components][found].T
    return components / components[train].std(axis=0)


def out_of_fold_linear(
    columns: NDArray[np.float64], responses: NDArray[np.float64], train: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Predictions of everybody by least squares on columns, fitted to the training people.

    Parameters
    ----------
    columns : float64 (n_individuals, k)
        Collinear ones are allowed, as is none: then the training mean is predicted.
    responses : float64 (n_individuals, n_genes)
    train : bool (n_individuals,)

    Returns
    -------
    float64 (n_individuals, n_genes)
    """
    centre, scale = columns[train].mean(axis=0), columns[train].std(axis=0)
    varies = scale > _RANK_TOLERANCE * np.abs(columns[train]).max(axis=0, initial=0.0)
    design = (columns[:, varies] - centre[varies]) / scale[varies]
    mean = responses[train].mean(axis=0)
    slopes = np.linalg.lstsq(design[train], responses[train] - mean, rcond=_RANK_TOLERANCE)[0]
    return mean + design @ slopes


def predict_from_columns(
    columns_of: Columns,
    expression: Mapping[str, NDArray[np.float64]],
    individual_ids: Sequence[str],
    folds_of_seed: Mapping[int, NDArray[np.int64]],
    *,
    model: str,
    adjust: Adjust | None = None,
    with_covariates: bool = False,
) -> pd.DataFrame:
    """Out-of-fold predictions of every gene from the same columns.

    Parameters
    ----------
    columns_of : callable
        From a training set to the columns of everybody.
    expression : mapping of gene id to float64 (n_individuals,)
    individual_ids : sequence of str (n_individuals,)
    folds_of_seed : mapping of fold seed to int (n_individuals,)
    model : str
        Name in the table.
    adjust : callable, optional
        From a training set to the scale of expression, and to residuals on covariates, taken of both sides; without it
        expression stays as measured.
    with_covariates : bool
        Whether both sides keep what covariates explain; expression is normalised all the same.

    Returns
    -------
    DataFrame, schema ``predicted_expression``
    """
    responses = np.column_stack(list(expression.values()))  # (n_individuals, n_genes)
    tables = []
    for seed, folds in folds_of_seed.items():
        predicted = np.empty(responses.shape)
        for fold in np.unique(folds):
            train = folds != fold
            residualise = LeftAsIs() if adjust is None else adjust(train)
            columns, normalised = columns_of(train), residualise.normalise(responses)
            measured = normalised
            if adjust is not None and not with_covariates:
                columns, measured = _left_by(residualise, columns, train), residualise(normalised)
                # What is left of a gene that covariates explain, or that is constant, is rounding.
                flat = measured[train].std(axis=0) <= _VARIES * np.abs(normalised[train]).max(axis=0)
                measured[:, flat] = 0.0
            predicted[~train] = out_of_fold_linear(columns, measured, train)[~train]
        by_gene = dict(zip(expression, predicted.T, strict=True))
        tables.append(out_of_fold_rows(by_gene, individual_ids, folds, model=model, fold_seed=seed))
    return pd.concat(tables, ignore_index=True)


def _left_by(residualise: Residualise, columns: NDArray[np.float64], train: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Residuals of the columns that covariates do not explain; what is left of the others is rounding."""
    residuals = residualise(columns)
    kept = residuals[train].std(axis=0) > LEFT_BY_COVARIATES * columns[train].std(axis=0)
    return residuals[:, kept]
