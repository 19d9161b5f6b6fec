"""Steps of ``linear_export``."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.formats.predictdb import PredictDbExport
from haploformer.formats.stored_predictions import TrackPredictions
from haploformer.parameters import BaselinesParameters, EnformerParameters, LinearExportParameters

logger = logging.getLogger(__name__)

#: What is exported: the summary that is the prediction of expression, as coverage.
SUMMARY = "tissue_mean"


def fit_linear_forms(
    effects: pd.DataFrame,
    summaries: pd.DataFrame,
    variants: StoredGenotypes,
    genes: pd.DataFrame,
    person_folds: pd.DataFrame,
    effect_predictions: TrackPredictions,
    predictions: TrackPredictions,
    options: LinearExportParameters,
    baselines: BaselinesParameters,
    enformer: EnformerParameters,
) -> tuple[PredictDbExport, pd.DataFrame, pd.DataFrame]:
    """Each gene's linear form over the variants with an effect, beside the exact predictions of the same people."""
    from haploformer.effects.linear import compare_forms
    from haploformer.effects.linear_cohort import exact_predictions, gene_coverage
    from haploformer.effects.same_predictions import require_same_model, require_same_predictions
    from haploformer.formats.predictdb import Panel, PredictDbExport, select_polymorphic
    from haploformer.genome.allele_dosages import find_alleles
    from haploformer.stacking.folds import select_folds

    require_same_model(effect_predictions.attributes, predictions.attributes)
    require_same_predictions(effects, summaries)
    people = list(variants.genotypes.individual_ids)
    exact = exact_predictions(summaries, people, summary=SUMMARY)
    coverage = gene_coverage(effects, summary=SUMMARY)
    dosages, absent = find_alleles(variants.genotypes, coverage[coverage["gene_id"].isin(list(exact))])
    seed = int(person_folds["fold_seed"].iloc[0])
    folds = None if options.form == "additive" else select_folds(person_folds, people, fold_seed=seed)
    found = _fit(options, baselines, exact, dosages, folds)
    weights = {gene_id: form.weights for gene_id, form in found.forms.items()}
    selected = select_polymorphic(weights, dosages.of_gene, build=str(options.build))
    n_variants = {gene_id: int((values != 0).sum()) for gene_id, values in weights.items()}
    faithfulness = compare_forms(found.predicted, exact, n_variants=n_variants, floor=options.min_r, folds=folds)
    logger.info("%d of %d genes are faithful", faithfulness["faithful"].sum(), len(faithfulness))
    export = PredictDbExport(
        selected,
        _describe_genes(faithfulness, genes, coverage),
        Panel(options.panel, len(people), str(options.build)),
        "+".join(enformer.tracks),
        _construction(options, effect_predictions.attributes),
        dosages.of_gene,
    )
    return export, faithfulness, _audit(selected, absent)


def report_linear_forms(
    faithfulness: pd.DataFrame,
    audit: pd.DataFrame,
    genes: pd.DataFrame,
    predictions: TrackPredictions,
    options: LinearExportParameters,
) -> tuple[Any, str]:
    """How near each gene's linear form comes to its predictions, as a figure and a page."""
    from haploformer import figures

    named = faithfulness.merge(genes[["gene_id", "gene_name"]], on="gene_id", how="left")
    page = figures.build_linear_page(
        named,
        audit,
        predictions.attributes,
        form=options.form,
        floor=options.min_r,
        panel=options.panel,
        build=str(options.build),
    )
    return figures.plot_faithfulness(named, floor=options.min_r), page


def _fit(options: LinearExportParameters, baselines: BaselinesParameters, exact: Any, dosages: Any, folds: Any) -> Any:
    from haploformer.baselines.elastic_net import ElasticNet
    from haploformer.effects.linear_cohort import additive_forms, surrogate_forms

    if folds is None:
        return additive_forms(dosages.alleles, list(exact), dosages.of_gene)
    model = ElasticNet(l1_ratio=baselines.l1_ratio, min_maf=baselines.min_maf)
    return surrogate_forms(model, exact, dosages.of_gene, folds)


def _describe_genes(faithfulness: pd.DataFrame, genes: pd.DataFrame, coverage: pd.DataFrame) -> pd.DataFrame:
    """What the database says of each gene; nobody has measured how its weights do against expression."""
    n_in_window = coverage.groupby("gene_id").size()
    named = faithfulness.merge(genes[["gene_id", "gene_name"]], on="gene_id", how="left", validate="1:1")
    return named.assign(
        gene_type=None,
        n_variants=named["gene_id"].map(n_in_window).fillna(0).astype(np.int64),
        r2=np.nan,
        p_value=np.nan,
        q_value=np.nan,
        linear_r=named["r"],
    )


def _construction(options: LinearExportParameters, attributes: Any) -> dict[str, str]:
    bins = attributes["bins"]
    return {
        "form": options.form,
        "model": str(attributes["model"]),
        "weights": str(attributes["weights"]),
        "weights_sha256": str(attributes["weights_sha256"]),
        "window": str(attributes["geometry"]["window"]),
        "bins": f"{bins[0]}-{bins[-1]}",
        "unit": "mean coverage per copy of the effect allele",
        "code": f"haploformer {attributes['code_version']}",
    }


def _audit(selected: Any, absent: pd.DataFrame) -> pd.DataFrame:
    n_absent = absent.groupby("gene_id").size()
    n_kept = selected.weights.groupby("gene_id").size()
    rows = []
    for gene_id, n_monomorphic in selected.n_monomorphic.items():
        rows += [
            (gene_id, "kept", "with a weight", int(n_kept.get(gene_id, 0))),
            (gene_id, "dropped", "nobody of the panel differs", n_monomorphic),
            (gene_id, "dropped", "weight 0", selected.n_zero[gene_id]),
            (gene_id, "dropped", "not among the cohort's variants", int(n_absent.get(gene_id, 0))),
        ]
    return pd.DataFrame(rows, columns=["gene_id", "outcome", "reason", "count"])
