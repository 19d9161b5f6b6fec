"""A page on models that are tested on a population that they were not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from haploformer.figures import tables
from haploformer.figures.cohort import prediction_facts, untrained_notices
from haploformer.figures.conditions import StudyConditions
from haploformer.figures.page import ReportFigure, render_page
from haploformer.figures.style import model_label, order_models

_READING = [
    (
        "Held out",
        "The models are trained on people of all other populations, inner folds and the stack included, and tested on "
        "this one. Relatives of its people are not trained on.",
    ),
    (
        "Within a population",
        "r is taken among the people of one population. Pooled over populations it would count that their means differ.",
    ),
    (
        "Seen and unseen",
        "A model on dosages is fitted to the variants of its own genes and says nothing of others. Enformer without a fit "
        "has seen no gene's expression and no person of this study. Weights of other genes: one weight of each feature, "
        "learned on genes that share no sequence with those it is applied to. In-sample r is not given: it says nothing.",
    ),
]


def build_population_page(
    population_scores: pd.DataFrame,
    cells: pd.DataFrame,
    figure: go.Figure,
    attributes: Mapping[str, Any],
    conditions: StudyConditions,
) -> str:
    """One self-contained HTML page.

    Parameters
    ----------
    population_scores : DataFrame
        ``schemas.population_scores``, designs ``seen`` and ``held out``.
    cells : DataFrame
        ``schemas.design_cells``.
    figure : Figure
        ``plot_populations`` of these scores.
    attributes : mapping
        Of the stored predictions.
    conditions : StudyConditions
        Of the cohort's run.
    """
    n_genes = population_scores["gene_id"].nunique()
    sizes = population_scores.groupby("population")["n"].max()
    people = ", ".join(f"{name} {n:,}" for name, n in sizes.items())
    caption = (
        f"{n_genes} genes; people: {people}. Filled: trained on all populations ({conditions.describe_people()[:-1]}). "
        "Open: trained on all people of the other populations, each population left out once."
    )
    resting = conditions.describe_models(population_scores["model"])
    shown = cells.assign(model=[model_label(model) for model in cells["model"]])
    names = {"model": "Model", "genes": "Genes", "people": "People", "n_genes": "Number of genes"}
    names |= {"mean_pearson_r": "Mean r", "remark": "Remark"}
    return render_page(
        "predictions.html",
        title="Trained on other populations",
        facts=[("Genes", f"{n_genes:,}"), ("People", people), *prediction_facts(attributes)],
        notices=untrained_notices(attributes),
        headlines=population_headlines(population_scores),
        heading="What training has seen",
        figures=[ReportFigure("r within each population", figure, caption, conditions=resting)],
        predictions=tables.plain_table(
            shown[list(names)].rename(columns=names), caption="Mean r over genes by what training has seen."
        ),
        reading=_READING,
    )


def population_headlines(population_scores: pd.DataFrame) -> list[str]:
    """Per population, what each model keeps of its mean r where the population was not trained on."""
    means = population_scores.groupby(["population", "model", "design"])["pearson_r"].mean()
    sentences = []
    for population in sorted(population_scores.loc[population_scores["design"] == "held out", "population"].unique()):
        parts = []
        for model in order_models(population_scores["model"]):
            seen, unseen = means.get((population, model, "seen")), means.get((population, model, "held out"))
            if unseen is not None:
                before = "" if seen is None else f" ({seen:.3f} if it is)"
                parts.append(f"{model_label(model)} {unseen:.3f}{before}")
        sentences.append(f"{population}, not trained on: mean r of {', '.join(parts)}.")
    return sentences
