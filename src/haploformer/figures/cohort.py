"""What the report of a cohort says in words: facts of the run, warnings, the result in sentences, captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from haploformer.figures.page import ReportFigure
from haploformer.figures.style import model_label, remark_model

UNTRAINED = "untrained"


def label_models(table: pd.DataFrame, weights: Mapping[str, str], *, column: str = "model") -> pd.DataFrame:
    """The table with every model that rests on untrained weights called so.

    Parameters
    ----------
    table : DataFrame
        With model names in ``column``.
    weights : mapping of model to weights
        Models that rest on an Enformer.
    """
    untrained = {model: remark_model(model, UNTRAINED) for model, name in weights.items() if name == UNTRAINED}
    return table.assign(**{column: table[column].replace(untrained)})


def model_weights(gene_scores: pd.DataFrame) -> dict[str, str]:
    """The weights that each model rests on, of those that rest on an Enformer."""
    resting = gene_scores.dropna(subset=["weights"]).drop_duplicates("model")
    return dict(zip(resting["model"], resting["weights"], strict=True))


def cohort_facts(
    attributes: Mapping[str, Any], gene_scores: pd.DataFrame, n_covariates: int, genes: pd.DataFrame
) -> list[tuple[str, str]]:
    """The run in pairs of label and value.

    Parameters
    ----------
    attributes : mapping
        Of the stored predictions: identity and provenance.
    gene_scores : DataFrame, schema ``gene_scores``
    n_covariates : int
    genes : DataFrame, schema ``genes``
    """
    folds = f"{gene_scores['n_folds'].max()} by person, {gene_scores['n_fold_seeds'].max()} assignments"
    return [
        ("People", f"{gene_scores['n'].max():,}"),
        ("Genes", f"{gene_scores['gene_id'].nunique():,} scored of {len(genes):,}"),
        ("Contigs", ", ".join(sorted(genes["contig"].unique()))),
        ("Covariates", f"{n_covariates}, fitted on training people" if n_covariates else "none"),
        ("Folds", folds),
        *prediction_facts(attributes),
    ]


def prediction_facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What predictions rest on, in pairs of label and value: files, model, weights, window, tracks, bins, code.

    Parameters
    ----------
    attributes : mapping
        Of the stored predictions: identity and provenance.
    """
    geometry, bins = attributes["geometry"], attributes["bins"]
    files = {"Genotypes": "genotypes", "Reference": "reference", "Sequences": "sequences"}
    sources = [(label, attributes[name]) for label, name in files.items() if name in attributes]
    return [
        *((label, f"{source['source']} (sha256 {source['sha256'][:12]})") for label, source in sources),
        *([("Haplotypes", str(attributes["haplotypes"]))] if "haplotypes" in attributes else []),
        ("Model", f"{attributes['model']}, engine {attributes['engine']}, {attributes['precision']}"),
        ("Weights", _weights_with_digits(attributes)),
        ("Position features", attributes["position_features"]),
        ("Window", f"{geometry['window']:,} bases" + (" round the TSS" if "haplotypes" in attributes else "")),
        ("Tracks", f"{len(attributes['tracks']):,} stored"),
        ("Bins", f"{bins[0]} to {bins[-1]} of {geometry['n_bins']}, {attributes['transform']}"),
        ("Code", f"haploformer {attributes['code_version']}"),
    ]


def _weights_with_digits(attributes: Mapping[str, Any]) -> str:
    """What the weights are called, with the first digits of their sha256; the name of a file has them already."""
    name, digits = str(attributes["weights"]), attributes["weights_sha256"][:12]
    return name if digits in name else f"{name} (sha256 {digits})"


def cohort_notices(attributes: Mapping[str, Any], known_answer_notice: str | None) -> list[str]:
    """What a reader must know before any number."""
    notices = [] if known_answer_notice is None else [known_answer_notice]
    notices += untrained_notices(attributes)
    notices.append(
        "What was normalised or estimated over everybody before it came here (rank-normal expression, PEER factors, "
        "principal components) has seen the held-out people; that cannot be undone. Relatedness was not tested."
    )
    return notices


def untrained_notices(attributes: Mapping[str, Any]) -> list[str]:
    """A warning where the predictions come from untrained weights."""
    if attributes["weights"] != UNTRAINED:
        return []
    return [
        "Enformer's weights are untrained (random from a seed). Its predictions, and whatever is made of them, say "
        "nothing about the published model."
    ]


def cohort_headlines(summary: pd.DataFrame) -> list[str]:
    """The result in three sentences.

    Parameters
    ----------
    summary : DataFrame
        ``model, n_genes, mean_pearson_r``, one row per model; a model's remark is told with its number.
    """
    label = {name.split(" (")[0]: model_label(name) for name in summary["model"]}
    r = summary.assign(model=summary["model"].str.split(" (", regex=False).str[0]).set_index("model")["mean_pearson_r"]
    n_genes = int(summary["n_genes"].max())
    sentences = []
    if "elastic_net" in r:
        sentences.append(
            f"From dosages alone, an elastic net predicts the expression of held-out people with a mean r of "
            f"{r['elastic_net']:.3f} over {n_genes} genes."
        )
    if "enformer" in r:
        sentences.append(f"{label['enformer']}, without having seen anybody's expression, reaches {r['enformer']:.3f}.")
    if "stack" in r and "elastic_net" in r:
        gain = r["stack"] - r["elastic_net"]
        verb = "adds" if gain > 0 else "does not add: the difference is"
        sentences.append(f"{label['stack']} reaches {r['stack']:.3f}: beyond the elastic net it {verb} {gain:+.3f}.")
    return sentences


def cohort_figures(
    figures: Sequence[go.Figure], attributes: Mapping[str, Any], gene_scores: pd.DataFrame, *, with_individuals: bool
) -> list[ReportFigure]:
    """The figures with titles and captions.

    Parameters
    ----------
    figures : four Figures
        Scores by model, model against model, predicted against measured, distinct haplotypes.
    with_individuals : bool
        Whether the one that shows people is among them.
    """
    by_model, against, predicted, haplotypes = figures
    n_models = gene_scores["model"].nunique()
    whom = (
        f"{gene_scores['n'].max():,} people, {gene_scores['n_folds'].max()} folds by person in "
        f"{gene_scores['n_fold_seeds'].max()} assignments; window of {attributes['geometry']['window']:,} bases, "
        f"{len(attributes['bins'])} centre bins; weights: {attributes['weights']}."
    )
    shown = [
        ReportFigure("r of every gene, by model", by_model, f"Each point is a gene; the mean is marked. {whom}"),
        ReportFigure("Stack against elastic net", against, f"Each point is a gene. {whom}"),
    ]
    if with_individuals:
        caption = (
            f"The gene that the stack predicts best, and the one in the middle. Each point is a held-out person in the "
            f"first assignment to folds, standardised within the fold; the r above is the mean over all. {whom}"
        )
        shown.append(ReportFigure("Predicted against measured", predicted, caption, min_width=150 * n_models))
    caption = f"Chromosome copies in each gene's window, and how many of them differ. {whom}"
    return [*shown, ReportFigure("Distinct haplotypes", haplotypes, caption)]
