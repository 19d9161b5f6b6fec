"""Steps of ``external_eqtls``, ``eqtl_scan`` and ``eqtl_sizes``."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haploformer.adjustment import FoldAdjustment
from haploformer.formats.eqtl_tables import ExternalEqtls
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import (
    BaselinesParameters,
    EqtlScanParameters,
    ExpressionParameters,
    ExternalEqtlsParameters,
)

logger = logging.getLogger(__name__)

_EFFECT_NAMES = {"sad": "SAD", "sadr": "SADR", "log_fold_change": "log2 fold change"}
_SUMMARY_NAMES = {"tissue_mean": "the tissue's mean", "all_tracks_mean": "the mean of all tracks"}


def compare_with_eqtls(
    eqtls: ExternalEqtls,
    effects: pd.DataFrame,
    windows: pd.DataFrame,
    variants: StoredGenotypes,
    reference: FastaReference,
    options: ExternalEqtlsParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Pairs of predicted effect and slope, how both agree, fine-mapped variants with controls, and the audit."""
    from haploformer.effects.external import choose_effects

    chosen = choose_effects(effects, kind=options.effect, summary=options.summary)
    return _compare(eqtls, chosen, windows, variants, reference, options, tissue=options.tissue)


def report_concordance(
    eqtls: ExternalEqtls,
    pairs: pd.DataFrame,
    concordance: pd.DataFrame,
    matched: pd.DataFrame,
    audit: pd.DataFrame,
    predictions: TrackPredictions,
    options: ExternalEqtlsParameters,
) -> tuple[Any, str]:
    """Concordance by distance as a figure, and everything as a page."""
    from haploformer import figures
    from haploformer.effects.external import describe_matched

    compared = figures.ComparedTable(
        title="Predicted effects beside external eQTLs",
        heading="Effect against slope",
        source=eqtls.name,
        form=eqtls.form,
        effect=f"{_EFFECT_NAMES[options.effect]} of {_SUMMARY_NAMES[options.summary]}",
        null=options.null,
        summary=describe_matched(audit),
    )
    page = figures.build_concordance_page(
        compared, pairs, concordance, matched, audit, attributes=predictions.attributes
    )
    return figures.plot_concordance_by_distance(concordance), page


def scan_eqtls(
    genes: pd.DataFrame,
    variants: StoredGenotypes,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    adjusted: ExpressionParameters,
    baselines: BaselinesParameters,
    options: EqtlScanParameters,
) -> pd.DataFrame:
    """Each gene's variants against its expression in some of the people."""
    scanned = _choose_people(variants, options)
    study = (genes, variants, measured, covariates, adjusted)
    scan = _scan(*study, scanned, baselines, options, top_only=options.rows == "top")
    logger.info("%d of %d people scanned, %d associations", scanned.sum(), len(scanned), len(scan))
    return scan


def score_scan(
    eqtls: ExternalEqtls,
    genes: pd.DataFrame,
    variants: StoredGenotypes,
    reference: FastaReference,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    adjusted: ExpressionParameters,
    baselines: BaselinesParameters,
    scan: EqtlScanParameters,
    options: ExternalEqtlsParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The scan's slopes beside those of the people who were not scanned: pairs, how both agree, and the audit."""
    from haploformer.effects.external import number_effects

    others = ~_choose_people(variants, scan)
    found = _scan(genes, variants, measured, covariates, adjusted, others, baselines, scan, top_only=False)
    effects = number_effects(found.rename(columns={"slope": "effect"}))
    windows = _cis_windows(genes, variants, baselines)
    # The scan is of one tissue; external_eqtls.tissue is about the table of others.
    pairs, concordance, _, audit = _compare(eqtls, effects, windows, variants, reference, options, tissue=None)
    return pairs, concordance, audit


def report_scan(
    eqtls: ExternalEqtls,
    variants: StoredGenotypes,
    pairs: pd.DataFrame,
    concordance: pd.DataFrame,
    audit: pd.DataFrame,
    scan: EqtlScanParameters,
    options: ExternalEqtlsParameters,
) -> tuple[Any, str]:
    """How the people who were not scanned agree with the scan, as a figure and a page."""
    from haploformer import figures
    from haploformer.effects.external import MATCHED_COLUMNS, describe_matched

    scanned = _choose_people(variants, scan)
    compared = figures.ComparedTable(
        title="A scan beside the people who were not scanned",
        heading="Slope against slope",
        source=eqtls.name,
        form=eqtls.form,
        effect="Slope in the people who were not scanned",
        null=options.null,
        summary=describe_matched(audit),
    )
    adjusted = "adjusted for covariates of each part's people" if scan.adjusted else "as measured"
    facts = [("People scanned", f"{scanned.sum():,}"), ("People not scanned", f"{(~scanned).sum():,}")]
    nobody = pd.DataFrame(columns=MATCHED_COLUMNS)
    page = figures.build_concordance_page(
        compared, pairs, concordance, nobody, audit, facts=[*facts, ("Expression", adjusted)]
    )
    return figures.plot_concordance_by_distance(concordance), page


def compare_sizes(
    theirs: pd.DataFrame,
    genes: pd.DataFrame,
    variants: StoredGenotypes,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    adjusted: ExpressionParameters,
    baselines: BaselinesParameters,
    options: EqtlScanParameters,
) -> tuple[pd.DataFrame, Any, str]:
    """Each gene's strongest association in everybody beside that of a table that names no variant: by size alone."""
    from haploformer import figures
    from haploformer.effects.scan import top_associations
    from haploformer.effects.top_associations import compare_sizes

    everybody = np.ones(len(variants.genotypes.individual_ids), bool)
    scan = _scan(genes, variants, measured, covariates, adjusted, everybody, baselines, options, top_only=True)
    found = compare_sizes(top_associations(scan), theirs)
    logger.info("%.1f %% of our %d genes are in the other table", 100 * found.matched_share, len(scan))
    sizes = found.table.merge(genes[["gene_id", "gene_name"]], on="gene_id")[["gene_id", "gene_name", "ours", "theirs"]]
    adjusted = "adjusted for covariates" if options.adjusted else "expression as measured"
    page = figures.build_sizes_page(
        sizes,
        pearson_r=found.pearson_r,
        spearman_r=found.spearman_r,
        n_only_ours=found.n_only_ours,
        n_only_theirs=found.n_only_theirs,
        scan=f"{len(everybody):,} people, cis window of {baselines.cis_window:,} bases, {adjusted}",
    )
    return sizes, figures.plot_sizes(sizes), page


def _compare(
    eqtls: ExternalEqtls,
    effects: Any,
    windows: pd.DataFrame,
    variants: StoredGenotypes,
    reference: FastaReference,
    options: ExternalEqtlsParameters,
    *,
    tissue: str | None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Harmonisation first, told before anything rests on it; then the comparison."""
    from haploformer.effects.external import CompareOptions, audit_file, compare_effects, match_rows
    from haploformer.genome.intervals import Interval
    from haploformer.genome.reference import NoReference
    from haploformer.genome.variants import named_alleles

    places = zip(windows["contig"], windows["start"], windows["end"], strict=True)
    matched = match_rows(
        eqtls.table,
        effects,
        gene_ids=set(effects.table["gene_id"]),
        intervals=[Interval(*place) for place in places],
        reference=None if isinstance(reference, NoReference) else reference,
        source=eqtls.name,
        tissue=tissue,
        known_ids=named_alleles(variants.genotypes.records) if options.alleles_by_id else None,
        ref_named=variants.genotypes.provenance.get("ref_named", True),
        min_matched_share=options.min_matched_share,
    )
    logger.info("%s: %s", eqtls.name, matched.counts.summary())
    how = CompareOptions(
        options.edges,
        options.min_pip,
        options.max_pip,
        options.controls_per_case,
        options.null,
        options.draws,
        options.seed,
    )
    found = compare_effects(effects, matched, how)
    audit = pd.concat([audit_file(eqtls.n_repeated, eqtls.n_without_variant), found.audit], ignore_index=True)
    return found.pairs, found.concordance, found.matched, audit


def _choose_people(variants: StoredGenotypes, options: EqtlScanParameters) -> NDArray[np.bool_]:
    from haploformer.effects.scan import split_people

    people = list(variants.genotypes.individual_ids)
    return split_people(people, chosen=options.individuals, share=options.share, seed=options.seed)


def _cis_windows(genes: pd.DataFrame, variants: StoredGenotypes, options: BaselinesParameters) -> pd.DataFrame:
    from haploformer.genome.cis import locate_cis_windows

    return locate_cis_windows(genes, variants.genotypes, length=options.cis_window)


def _scan(
    genes: pd.DataFrame,
    variants: StoredGenotypes,
    measured: pd.DataFrame,
    covariates: pd.DataFrame,
    adjusted: ExpressionParameters,
    people: NDArray[np.bool_],
    baselines: BaselinesParameters,
    options: EqtlScanParameters,
    *,
    top_only: bool,
) -> pd.DataFrame:
    """Associations among some people; scale and covariates are fitted to these people alone."""
    from haploformer.effects.scan import scan_genes
    from haploformer.expression.matrix import IndividualMatrix
    from haploformer.genome.cis import CisDosages

    dosages = CisDosages(variants.genotypes, _cis_windows(genes, variants, baselines))
    ids = list(dosages.individual_ids)
    expression = IndividualMatrix.from_long(measured, row="gene_id", value="expression").select_individuals(ids)
    values, residualise, n_degrees = expression.values, None, None
    if options.adjusted:
        residualise, n_degrees = _adjustment(covariates, [ids[i] for i in np.flatnonzero(people)], adjusted)
        values = values.copy()
        values[:, people] = residualise.normalise(np.ascontiguousarray(values[:, people].T)).T
    return scan_genes(
        genes,
        dosages.of_gene,
        dict(zip(expression.row_ids, values, strict=True)),
        people,
        residualise=residualise,
        n_degrees=n_degrees,
        top_only=top_only,
    )


def _adjustment(
    covariates: pd.DataFrame, individual_ids: list[str], adjusted: ExpressionParameters
) -> tuple[FoldAdjustment, int]:
    """What is fitted to these people, and the degrees of freedom left."""
    from haploformer.baselines.crossfit import with_degrees
    from haploformer.expression.covariates import adjustment_for

    everybody = np.ones(len(individual_ids), bool)
    return with_degrees(adjustment_for(covariates, individual_ids, **adjusted.adjustment))(everybody)
