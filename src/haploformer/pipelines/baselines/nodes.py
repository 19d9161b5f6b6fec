"""Steps of ``baselines``: what a person's dosages alone say of expression."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.genome.cis import CisDosages
from haploformer.parameters import BaselinesParameters, ExpressionParameters

logger = logging.getLogger(__name__)

#: Models by the datasets that they fill: predictions, inner predictions and weights of each.
MODELS = ("top_snp", "prs", "elastic_net", "blup")


def locate_cis_variants(
    genes: pd.DataFrame, variants: StoredGenotypes, options: BaselinesParameters
) -> tuple[pd.DataFrame, CisDosages]:
    """Each gene's cis windows, and a handle that reads their dosages."""
    from haploformer.genome.cis import locate_cis_windows

    tables = [locate_cis_windows(genes, variants.genotypes, length=length) for length in options.windows]
    for length, table in zip(options.windows, tables, strict=True):
        median, n_empty = table["n_variants"].median(), int((table["n_variants"] == 0).sum())
        logger.info("cis windows of %d bases: %.0f variants in the median gene, %d without", length, median, n_empty)
    windows = pd.concat(tables, ignore_index=True)
    return windows, CisDosages(variants.genotypes, windows)


def open_cis_variants(cis_windows: pd.DataFrame, variants: StoredGenotypes) -> CisDosages:
    """The handle of `locate_cis_variants` on cis windows that are stored."""
    return CisDosages(variants.genotypes, cis_windows)


def fit_dosage_models(
    dosages: CisDosages,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    options: BaselinesParameters,
) -> tuple[pd.DataFrame, ...]:
    """Top SNP, PRS, elastic net and BLUP in one pass over the genes; each one's three tables, then all their fits."""
    from haploformer.baselines.cohort import reach_suffix

    suffixes = ["", *(reach_suffix(length) for length in options.windows[1:])]
    windows = _models_of_windows(dosages, options)
    study = (measured, covariates, person_folds, adjusted)
    result = fit_cohort(windows, dosages.individual_ids, *study, threads=options.threads)
    fits = pd.concat([found.fits for found in result.values()], ignore_index=True)
    _tell_fits(fits)
    tables = []
    for name in MODELS:
        of_model = [result[name + suffix] for suffix in suffixes]
        for part in ("predicted", "inner", "weights"):
            tables.append(pd.concat([getattr(found, part) for found in of_model], ignore_index=True))
    return (*tables, fits)


def _models_of_windows(dosages: CisDosages, options: BaselinesParameters) -> list[Any]:
    """The models of each cis window; the names of those of a further one end in its reach."""
    from haploformer.baselines.cohort import CisModels, dosage_models, reach_suffix

    settings = {"min_maf": options.min_maf, "l1_ratio": options.l1_ratio}
    suffixes = ["", *(reach_suffix(length) for length in dosages.lengths[1:])]
    return [
        CisModels(dosage_models(**settings, suffix=suffix), dosages.of_length(length).of_gene)
        for length, suffix in zip(dosages.lengths, suffixes, strict=True)
    ]


def fit_cohort(
    windows: Sequence[Any],
    individual_ids: Sequence[str],
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    *,
    threads: int | None = None,
) -> dict[str, Any]:
    """Tables of each model of some cis windows (`haploformer.baselines.cohort.predict_cohort`)."""
    from haploformer.baselines.cohort import predict_cohort
    from haploformer.expression.covariates import adjustment_for
    from haploformer.stacking.folds import folds_by_seed

    people = list(individual_ids)
    expression = _expression_by_gene(measured, people)
    with _one_thread_each(), _progress(len(expression)) as bar:
        return predict_cohort(
            windows,
            expression,
            people,
            folds_by_seed(person_folds, people),
            adjustment_for(covariates, people, **adjusted.adjustment),
            n_threads=threads or _n_cores(),
            on_gene=bar.update,
        )


def fit_final_dosage_models(
    cis_windows: pd.DataFrame,
    variants: StoredGenotypes,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    genes: pd.DataFrame,
    options: BaselinesParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The same models fitted to everybody, to be carried to other people: weights, models, genes, what they rest on."""
    from haploformer import __version__
    from haploformer.baselines.final import fit_final_models
    from haploformer.expression.covariates import adjustment_for
    from haploformer.genome.cis import CisDosages
    from haploformer.stacking.folds import folds_by_seed

    dosages = CisDosages(variants.genotypes, cis_windows)
    people = list(dosages.individual_ids)
    expression = _expression_by_gene(measured, people)
    with _one_thread_each(), _progress(len(expression)) as bar:
        final = fit_final_models(
            _models_of_windows(dosages, options),
            expression,
            folds_by_seed(person_folds, people),
            adjustment_for(covariates, people, **adjusted.adjustment),
            n_threads=options.threads or _n_cores(),
            on_gene=bar.update,
        )
    for model, rows in final.models.groupby("model", sort=False):
        _tell_unfinished(str(model), rows)
    provenance = variants.genotypes.provenance
    facts = {
        "predicts": "expression adjusted for the covariates, at their mean in the people fitted to",
        "n_individuals": len(people),
        "covariates": covariates["covariate"].unique().tolist(),
        "adjusted": adjusted.model_dump(mode="json"),
        "cis_windows": dosages.lengths,
        "genotypes": {name: provenance[name] for name in ("source", "sha256")},
        **{name: provenance.get(name, True) for name in ("ref_compared", "ref_named")},
        "code_version": __version__,
    }
    return final.weights, final.models, genes[genes["gene_id"].isin(expression)].reset_index(drop=True), facts


def estimate_heritability(
    dosages: CisDosages,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    adjusted: ExpressionParameters,
    options: BaselinesParameters,
) -> pd.DataFrame:
    """REML share of each gene's expression that its cis variants explain, over everybody."""
    from haploformer.baselines.crossfit import with_degrees
    from haploformer.baselines.heritability import heritability_table
    from haploformer.expression.covariates import adjustment_for

    people = list(dosages.individual_ids)
    expression = _expression_by_gene(measured, people)
    adjust = with_degrees(adjustment_for(covariates, people, **adjusted.adjustment))
    settings = {"min_maf": options.min_maf, "n_threads": options.threads or _n_cores()}
    with _one_thread_each():
        tables = [
            heritability_table(dosages.of_length(n).of_gene, expression, adjust, cis_window=n, **settings)
            for n in dosages.lengths
        ]
    for table in tables:
        logger.info(
            "cis-heritability: mean %.3f over %d genes, of %d nothing can be said, %d at the boundary",
            table["h2"].mean(),
            table["h2"].notna().sum(),
            table["h2"].isna().sum(),
            table["at_boundary"].sum(),
        )
    return pd.concat(tables, ignore_index=True)


def fit_structure_models(
    variants: StoredGenotypes,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    options: BaselinesParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What genotype components say of adjusted expression; and what covariates, and components, say of it unadjusted."""
    from haploformer.baselines.structure import GenotypeComponents, predict_from_columns
    from haploformer.expression.covariates import adjustment_for
    from haploformer.stacking.folds import folds_by_seed

    people = list(variants.genotypes.individual_ids)
    shared = (_expression_by_gene(measured, people), people, folds_by_seed(person_folds, people))
    components = GenotypeComponents.of(variants.genotypes, n_components=options.n_pcs)
    logger.info("genotype components: from at most %d variants before pruning", components.dosages.shape[1])
    adjust = adjustment_for(covariates, people, **adjusted.adjustment)
    kept: dict[str, Any] = {"adjust": adjust, "with_covariates": True}

    def covariates_of(train: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.ascontiguousarray(adjust.columns_of(train))

    with _one_thread_each():
        return (
            predict_from_columns(components.of_training, *shared, model="genotype_pcs", adjust=adjust),
            predict_from_columns(covariates_of, *shared, model="covariates_only", **kept),
            predict_from_columns(components.of_training, *shared, model="genotype_pcs_unadjusted", **kept),
        )


def score_unadjusted(
    covariates_only: pd.DataFrame,
    genotype_pcs: pd.DataFrame,
    measured: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    genes: pd.DataFrame,
) -> pd.DataFrame:
    """r of what covariates and components say with expression as measured: adjusted, nothing of covariates is left."""
    unadjusted = adjusted.model_copy(update={"covariates": "none"})
    return _score([covariates_only, genotype_pcs], measured, pd.DataFrame(), person_folds, unadjusted, genes)


def score_baselines(
    top_snp: pd.DataFrame,
    prs: pd.DataFrame,
    elastic_net: pd.DataFrame,
    blup: pd.DataFrame,
    genotype_pcs: pd.DataFrame,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    genes: pd.DataFrame,
) -> pd.DataFrame:
    """r of each gene and baseline, without any Enformer."""
    return _score([top_snp, prs, elastic_net, blup, genotype_pcs], measured, covariates, person_folds, adjusted, genes)


def _score(
    predictions: list[pd.DataFrame],
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    person_folds: pd.DataFrame,
    adjusted: ExpressionParameters,
    genes: pd.DataFrame,
) -> pd.DataFrame:
    from haploformer.evaluation.scores import adjust_predictions, score_genes
    from haploformer.expression.covariates import adjustment_for
    from haploformer.expression.matrix import IndividualMatrix

    expression = IndividualMatrix.from_long(measured, row="gene_id", value="expression")
    adjust = adjustment_for(covariates, list(expression.individual_ids), **adjusted.adjustment)
    scores = score_genes(adjust_predictions(predictions, expression, person_folds, adjust), genes)
    scores.insert(scores.columns.get_loc("model") + 1, "weights", None)
    for model, of_model in scores.groupby("model", sort=False):
        logger.info(
            "%s: mean r %.3f over %d genes (%d constant folds)",
            model,
            of_model["pearson_r"].mean(),
            len(of_model),
            of_model["n_constant_folds"].sum(),
        )
    return scores


def _expression_by_gene(measured: pd.DataFrame, people: list[str]) -> dict[str, NDArray[np.float64]]:
    from haploformer.expression.matrix import IndividualMatrix

    matrix = IndividualMatrix.from_long(measured, row="gene_id", value="expression").select_individuals(people)
    return dict(zip(matrix.row_ids, matrix.values, strict=True))


def _tell_fits(fits: pd.DataFrame) -> None:
    """What happened that a mean would hide: genes without variants, constant predictions, thresholds that fell back."""
    for model, rows in fits.groupby("model", sort=False):
        logger.info(
            "%s: of %d fits %d have no usable variant, %d predict the mean, %d fell back to the top SNP",
            model,
            len(rows),
            (rows["n_usable"] == 0).sum(),
            (rows["n_weights"] == 0).sum(),
            rows["fell_back"].sum(),
        )
        _tell_unfinished(str(model), rows)


def _tell_unfinished(model: str, rows: pd.DataFrame) -> None:
    """In how many genes some fit had not converged; nothing if in none."""
    by_gene = rows.groupby("gene_id")["n_unfinished"].sum() > 0
    if by_gene.any():
        logger.warning(
            "%s: coordinate descent had not converged at some lambda in %d of %d genes",
            model,
            by_gene.sum(),
            len(by_gene),
        )


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Thousands of small products: threads within them would cost more than they bring.

    Fits that have not converged are counted, not warned of one by one.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@contextmanager
def _progress(n_genes: int) -> Iterator[Any]:
    from tqdm import tqdm

    seconds_between_lines = 0.5 if sys.stderr.isatty() else 10.0
    with tqdm(total=n_genes, unit="gene", desc="Baselines", mininterval=seconds_between_lines) as bar:
        yield bar
