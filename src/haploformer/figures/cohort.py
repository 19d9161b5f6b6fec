"""What the report of a cohort says in words: facts of the run, warnings, the result in sentences, captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from haploformer.figures.comparisons import differences_from
from haploformer.figures.conditions import StudyConditions
from haploformer.figures.explorer import Explorer
from haploformer.figures.page import ReportFigure
from haploformer.figures.style import model_label, order_models, remark_model, split_reach

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
    attributes: Mapping[str, Any],
    conditions: StudyConditions,
    gene_scores: pd.DataFrame,
    adjusted: Sequence[tuple[str, str]],
    genes: pd.DataFrame,
) -> list[tuple[str, str]]:
    """The run in pairs of label and value.

    Parameters
    ----------
    attributes : mapping
        Of the stored predictions: identity and provenance.
    conditions : StudyConditions
    gene_scores : DataFrame, schema ``gene_scores``
    adjusted : sequence of (label, value)
        `adjusted_facts`.
    genes : DataFrame, schema ``genes``
    """
    seeds = ", ".join(map(str, conditions.fold_seeds))
    windows = " and ".join(f"{length:,}" for length in conditions.cis_windows)
    return [
        ("People", f"{conditions.n_people:,}"),
        ("Genes", f"{gene_scores['gene_id'].nunique():,} scored of {len(genes):,}"),
        ("Contigs", ", ".join(sorted(genes["contig"].unique()))),
        *adjusted,
        ("Folds", f"{conditions.n_folds} by person, seeds {seeds}"),
        ("Cis window of the baselines", f"{windows} bases round the TSS"),
        ("Tracks of the tissue", conditions.tissue_tracks),
        *prediction_facts(attributes),
    ]


def adjusted_facts(n_covariates: int, covariates: str, normalise: str) -> list[tuple[str, str]]:
    """What was fitted to the training people before any model, in pairs of label and value.

    Parameters
    ----------
    n_covariates : int
        Of the table.
    covariates : str
        ``all``, ``none`` or a formula.
    normalise : str
        ``none``, ``rank`` or ``scale``.
    """
    columns = f"{n_covariates}" if covariates == "all" else covariates
    scales = {
        "none": "as in the file",
        "rank": "normal quantiles of training ranks, others placed between them",
        "scale": "in training sds from the training mean",
    }
    known = n_covariates > 0 and covariates != "none"
    return [
        ("Covariates", f"{columns}, fitted on training people" if known else "none"),
        ("Expression", f"{scales[normalise]}{', then residuals on the covariates' if known else ''}"),
    ]


def prediction_facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What predictions rest on, in pairs of label and value: files, model, weights, window, tracks, bins, code.

    Parameters
    ----------
    attributes : mapping
        Of the stored predictions: identity and provenance.
    """
    geometry, bins = attributes["geometry"], attributes["bins"]
    files = {
        "Genotypes": "genotypes",
        "Variants of": "variants",
        "Reference": "reference",
        "Sequences": "sequences",
    }
    sources = [(label, attributes[name]) for label, name in files.items() if name in attributes]
    return [
        *((label, _file_with_digits(source)) for label, source in sources),
        *([("Haplotypes", str(attributes["haplotypes"]))] if "haplotypes" in attributes else []),
        ("Model", f"{attributes['model']}, engine {attributes['engine']}, {attributes['precision']}"),
        ("Weights", _weights_with_digits(attributes)),
        ("Position features", attributes["position_features"]),
        ("Window", f"{geometry['window']:,} bases" + (" round the TSS" if "haplotypes" in attributes else "")),
        ("Tracks", f"{len(attributes['tracks']):,} stored"),
        ("Bins", f"{bins[0]} to {bins[-1]} of {geometry['n_bins']}, {attributes['transform']}"),
        ("Code", f"haploformer {attributes['code_version']}"),
    ]


def _file_with_digits(source: Mapping[str, Any]) -> str:
    """What a source is called, with the first digits of its sha256 where it is a file."""
    digits = f" (sha256 {source['sha256'][:12]})" if "sha256" in source else ""
    return f"{source['source']}{digits}"


def _weights_with_digits(attributes: Mapping[str, Any]) -> str:
    """What the weights are called, with the first digits of their sha256; the name of a file has them already."""
    name, digits = str(attributes["weights"]), attributes["weights_sha256"][:12]
    return name if digits in name else f"{name} (sha256 {digits})"


def cohort_notices(attributes: Mapping[str, Any], known_answer_notice: str | None) -> list[str]:
    """What a reader must know before any number."""
    return [*([] if known_answer_notice is None else [known_answer_notice]), *untrained_notices(attributes)]


def cohort_remarks(person_groups: pd.DataFrame) -> list[str]:
    """What holds for every cohort and limits what its numbers say."""
    return [
        "What was normalised or estimated over everybody before it came here (rank-normal expression, PEER factors, "
        "principal components) has seen the held-out people; that cannot be undone. "
        + describe_relatives(person_groups)
    ]


def describe_relatives(person_groups: pd.DataFrame) -> str:
    """What was done so that nobody's relatives are on the other side of a split.

    Parameters
    ----------
    person_groups : DataFrame, schema ``person_groups``
    """
    tested = str(person_groups["tested"].iloc[0])
    n = int((person_groups["reason"] != "alone").sum())
    shared = f"{n} people share a fold with one." if n else "there are none."
    if "kinship" in tested:
        table = ", or are in the relatedness table" if "relatedness table" in tested else ""
        basis = tested[tested.index("(") + 1 : tested.index(")")]
        return f"Relatives are those whose kinship by their genotypes says so (KING-robust, {basis}){table}: {shared}"
    if "relatedness table" in tested:
        duplicates = "" if "duplicates" in tested else " Duplicates were not looked for: too few common variants."
        return f"Relatives are those of the relatedness table, others were not looked for: {shared}{duplicates}"
    if "duplicates" in tested:
        return f"Relatedness was not tested, but for duplicates: {shared}"
    return "Relatedness was not tested, and duplicates were not looked for: there are too few common variants."


def untrained_notices(attributes: Mapping[str, Any]) -> list[str]:
    """A warning where the predictions come from untrained weights."""
    if attributes["weights"] != UNTRAINED:
        return []
    return [
        "Enformer's weights are untrained (random from a seed). Its predictions, and whatever is made of them, say "
        "nothing about the published model."
    ]


#: A gene counts as gained or lost by Enformer if its r differs by more than this.
GAIN = 0.05

_DOSAGE_MODELS = ("top_snp", "prs", "elastic_net", "blup")


def cohort_headlines(comparison: pd.DataFrame, gene_scores: pd.DataFrame) -> list[str]:
    """Does Enformer add anything to a person's genotype, and where? In three sentences.

    Parameters
    ----------
    comparison : DataFrame, schema ``model_comparison``
    gene_scores : DataFrame, schema ``gene_scores``
        Of the same models; a model's remark is told with its number.
    """
    means = comparison[comparison["other"].isna()].set_index("model")
    named = {name.split(" (")[0]: name for name in means.index}
    sentences = []
    dosage = [name for bare, name in named.items() if split_reach(bare)[0] in _DOSAGE_MODELS]
    if dosage:
        sentences.append(_genotype_sentence(means, dosage, named.get("enformer")))
    if "stack" in named and "stack_without_enformer" in named:
        stack, without = named["stack"], named["stack_without_enformer"]
        row = differences_from(comparison, model=stack).set_index("other").loc[without]
        sentences.append(_stack_sentence(means, stack, without, row))
        sentences.append(_gene_sentence(gene_scores, stack, without))
    return sentences


def _genotype_sentence(means: pd.DataFrame, dosage: list[str], enformer: str | None) -> str:
    """The best of the models on dosages; that it was chosen by the number that is told, which flatters it, is told too."""
    row = means.loc[means.loc[dosage, "difference"].idxmax()]
    which = f"{model_label(str(row.name))}"
    if len(dosage) > 1:
        which = f"the best of {len(dosage)} models ({which}, chosen by this very r, so that it is a little too high)"
    text = (
        f"From genotype alone, {which} predicts the expression of held-out people with a mean "
        f"r of {row['difference']:.3f} over {int(row['n_genes'])} genes (95 % over people: {row['low_people']:.3f} to "
        f"{row['high_people']:.3f}{', of this model by itself' if len(dosage) > 1 else ''})"
    )
    if enformer is None:
        return f"{text}."
    zero = means.loc[enformer]
    return (
        f"{text}; {model_label(enformer)}, which has seen nobody's expression, reaches {zero['difference']:.3f} "
        f"({zero['low_people']:.3f} to {zero['high_people']:.3f})."
    )


def _stack_sentence(means: pd.DataFrame, stack: str, without: str, row: pd.Series) -> str:
    intervals = [(row["low_people"], row["high_people"], "over people")]
    if pd.notna(row["low_loci"]):
        intervals.append((row["low_loci"], row["high_loci"], "over loci"))
    if all(low > 0 for low, _, _ in intervals):
        verdict = "Enformer adds to genotype"
    elif all(high < 0 for _, high, _ in intervals):
        verdict = "Enformer takes away from genotype"
    else:
        verdict = "Enformer does not demonstrably change what genotype tells"
    told = ", ".join(f"{low:+.3f} to {high:+.3f} {over}" for low, high, over in intervals)
    told += "" if len(intervals) > 1 else "; too few loci to say so of other genes"
    return (
        f"{verdict}: {model_label(stack)} reaches {means.loc[stack, 'difference']:.3f} with it and "
        f"{means.loc[without, 'difference']:.3f} without, a difference of {row['difference']:+.3f} (95 %: {told})."
    )


def _gene_sentence(gene_scores: pd.DataFrame, stack: str, without: str) -> str:
    wide = gene_scores.pivot(index="gene_id", columns="model", values="pearson_r")
    gain = (wide[stack] - wide[without]).dropna()
    names = gene_scores.drop_duplicates("gene_id").set_index("gene_id")["gene_name"]
    better, worse = int((gain > GAIN).sum()), int((gain < -GAIN).sum())
    top = gain.sort_values(ascending=False, kind="stable").head(3)
    where = ", ".join(f"{names[gene]} ({value:+.3f})" for gene, value in top.items() if value > GAIN)
    most = f", most in {where}" if where else ""
    return f"By more than {GAIN}, r rises in {better} of {len(gain)} genes{most}, and falls in {worse}."


@dataclass(frozen=True)
class _Shown:
    """What a figure of the report is called, what its caption says first, and of which models it is; None of all."""

    title: str
    caption: str
    models: tuple[str, ...] | None = None


_FIGURES = {
    "by_model": _Shown("r of every gene, by model", "Each point is a gene; the mean is marked."),
    "against": _Shown("Stack against elastic net", "Each point is a gene.", ("elastic_net", "stack")),
    "differences": _Shown(
        "What the stack has more than each model",
        "Difference in mean r over genes. Intervals are from the 2.5 % to the 97.5 % point of a bootstrap.",
    ),
    "null": _Shown(
        "People permuted",
        "The mean r over genes beside that of permutations of people, the same for all genes and fold seeds.",
    ),
    "populations": _Shown(
        "r within each population",
        "Mean r over genes among the people of one population; the models are trained on all.",
    ),
    "heritability": _Shown(
        "r against cis-heritability",
        "Each point is a gene; the line is what an additive model of the same cis window can reach. With some hundred "
        "people h2 is too uncertain to leave genes out by (standard error in the hover).",
    ),
    "predicted": _Shown(
        "Predicted against measured",
        "Choose any gene and model. Each point is a held-out person in the first assignment to folds, both sides "
        "standardised within the fold; the r as shown is computed from these points as the r of a gene is. The page's "
        "address names the choice (#gene=...&model=...).",
    ),
    "haplotypes": _Shown(
        "Distinct haplotypes", "Chromosome copies in each gene's window, and how many of them differ.", ()
    ),
}


def cohort_figures(
    figures: Mapping[str, go.Figure],
    conditions: StudyConditions,
    gene_scores: pd.DataFrame,
    *,
    explorer: Explorer | None,
) -> list[ReportFigure]:
    """The figures with titles and captions.

    Parameters
    ----------
    figures : mapping
        Of ``by_model, against, differences, null, populations, heritability, haplotypes`` those that there are, in any
        order.
    conditions : StudyConditions
        What captions say of people, folds, windows, tracks and weights.
    gene_scores : DataFrame, schema ``gene_scores``
        Models as they are called in the figures.
    explorer : Explorer, optional
        Predicted against measured, which shows people one by one; None where they are not shown.
    """
    models = order_models(gene_scores["model"])
    wide = {"predicted": 0, "against": 0} | {name: max(560, 104 * len(models)) for name in ("by_model", "populations")}
    if explorer is not None:
        figures = {**figures, "predicted": explorer.figure}
    return [
        ReportFigure(
            shown.title,
            figures[name],
            shown.caption,
            min_width=wide.get(name, 560),
            conditions=_describe(conditions, models, shown.models),
            explorer=explorer if name == "predicted" else None,
        )
        for name, shown in _FIGURES.items()
        if name in figures
    ]


def _describe(conditions: StudyConditions, models: Sequence[str], of: tuple[str, ...] | None) -> str:
    """Conditions of the models of a figure; where it is of none, of the sequence windows alone."""
    if of == ():
        return (
            f"{conditions.n_people:,} people; Enformer's windows of {conditions.model_window:,} bases round the TSS. No "
            "model, fold, track or weight enters."
        )
    return conditions.describe(models if of is None else [model for model in models if split_reach(model)[0] in of])
