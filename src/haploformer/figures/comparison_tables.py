"""The report's tables of how sure a result is: intervals, differences, permuted people, populations, other studies."""

from __future__ import annotations

import pandas as pd

from haploformer.figures.comparisons import differences_from
from haploformer.figures.style import check_columns, model_colours, model_label, order_models, three_decimals
from haploformer.figures.tables import ABSENT, Cell, Column, Table, count_cell, number_cell, plain_table, text_cell

_INTERVALS = (Column("95 % over loci"), Column("95 % over people"))


def mean_table(comparison: pd.DataFrame) -> Table:
    """The mean r of each model with both intervals: the rows of ``schemas.model_comparison`` without another model."""
    means = comparison[comparison["other"].isna()]
    rows = tuple(
        (name, count_cell(row["n_genes"]), number_cell(row["difference"]), *_intervals(row))
        for name, row in _by_model(means)
    )
    columns = (Column("Model", numeric=False), Column("Genes"), Column("Mean\N{NO-BREAK SPACE}r"), *_INTERVALS)
    return Table(columns, rows, _loci_caption(comparison))


def difference_table(comparison: pd.DataFrame, *, model: str) -> Table:
    """What ``model`` has more than each other one."""
    rows = differences_from(comparison, model=model)
    colours = model_colours(rows["other"])
    columns = (
        Column(f"{model_label(model)} minus", numeric=False),
        Column("Mean difference"),
        *_INTERVALS,
        Column("Share of genes won"),
        Column("Wilcoxon p"),
    )
    cells = tuple(
        (
            text_cell(model_label(row["other"]), colour=colours[row["other"]]),
            number_cell(row["difference"]),
            *_intervals(row),
            number_cell(row["win_rate"]),
            Cell(f"{row['wilcoxon_p']:.2g}", repr(float(row["wilcoxon_p"]))),
        )
        for row in rows.to_dict("records")
    )
    return Table(
        columns,
        cells,
        "Wins and Wilcoxon's test take genes for independent, which neighbours are not: descriptive only.",
    )


def accuracy_table(summary: pd.DataFrame) -> Table:
    """``haploformer.evaluation.accuracy.summarise_accuracy``, one row per model."""
    needed = [
        "model",
        "n_genes",
        "n_significant",
        "n_wrong_sign",
        "n_large",
        "n_large_wrong_sign",
        "mean_r2",
        "median_slope",
    ]
    check_columns("accuracy", summary.columns, needed)
    columns = (
        Column("Model", numeric=False),
        Column("Genes with r above 0, FDR 5 %"),
        Column("Genes with r below 0"),
        Column("Of |r| above 0.2: wrong sign"),
        Column("Mean r2"),
        Column("Calibration slope, median"),
    )
    cells = tuple(
        (
            name,
            _of(row["n_significant"], row["n_genes"]),
            _of(row["n_wrong_sign"], row["n_genes"]),
            _of(row["n_large_wrong_sign"], row["n_large"]),
            number_cell(row["mean_r2"]),
            number_cell(row["median_slope"]),
        )
        for name, row in _by_model(summary)
    )
    return Table(
        columns,
        cells,
        "FDR by Benjamini and Hochberg over the genes of a model. The slope is of measured on predicted within folds, 1 "
        "where predictions have the right size; coverage has none.",
    )


def null_table(null: pd.DataFrame) -> Table:
    """One row per model of ``schemas.permutation_null``."""
    check_columns(
        "permutation_null", null.columns, ["model", "n_permutations", "observed", "mean", "low", "high", "p_value"]
    )
    columns = (
        Column("Model", numeric=False),
        Column("Mean\N{NO-BREAK SPACE}r"),
        Column("People permuted: mean"),
        Column("95 %"),
        Column("p"),
    )
    cells = tuple(
        (
            name,
            number_cell(row["observed"]),
            number_cell(row["mean"]),
            _interval(row["low"], row["high"]),
            Cell(f"{row['p_value']:.2g}", repr(float(row["p_value"]))),
        )
        for name, row in _by_model(null)
    )
    n = int(null["n_permutations"].iloc[0])
    return Table(
        columns,
        cells,
        f"{n} permutations of people, each the same for all genes and fold seeds; fits stay as they are.",
    )


def population_table(population_scores: pd.DataFrame, audit: pd.DataFrame) -> Table:
    """Mean r of each model within each population, and the populations that have too few people."""
    means = population_scores.groupby(["model", "population"])["pearson_r"].mean()
    models = order_models(population_scores["model"]) if len(population_scores) else []
    colours = model_colours(models)
    sizes = audit.loc[audit["scored"]].set_index("population")["n"]
    columns = [Column("Model", numeric=False), *(Column(f"{name}, {n:,} people") for name, n in sizes.items())]
    rows: list[tuple[Cell, ...]] = [
        (
            text_cell(model_label(model), colour=colours[model]),
            *(number_cell(means.get((model, population))) for population in sizes.index),
        )
        for model in models
    ]
    if not rows:
        columns = [Column("Population", numeric=False), Column("People")]
        rows = [(text_cell(name), count_cell(n)) for name, n in zip(audit["population"], audit["n"], strict=True)]
    left_out = audit[~audit["scored"]]
    told = "; ".join(f"{row.population}: {row.reason}" for row in left_out.itertuples())
    return Table(
        tuple(columns),
        tuple(rows),
        "Mean r over genes among the people of one population; the models are trained on all."
        + (f" Not scored: {told}." if told else ""),
    )


_QUANTITIES = {"deviation": "Deviations", "level": "Levels"}


def person_table(person_scores: pd.DataFrame) -> Table:
    """How r over genes is spread over people, by model and quantity; no person by name."""
    names = ["individual_id", "model", "quantity", "n_genes", "pearson_r"]
    check_columns("person_scores", person_scores.columns, names)
    colours = model_colours(person_scores["model"])
    columns = (
        Column("Model", numeric=False),
        Column("Compared", numeric=False),
        Column("People"),
        Column("Genes"),
        Column("Median\N{NO-BREAK SPACE}r of a person"),
        Column("Nine people in ten"),
        Column("People with r above 0"),
    )
    rows = []
    for quantity, label in _QUANTITIES.items():
        of_quantity = person_scores[person_scores["quantity"] == quantity]
        for model in order_models(of_quantity["model"]):
            r = of_quantity.loc[of_quantity["model"] == model, "pearson_r"]
            n_genes = of_quantity.loc[r.index, "n_genes"].max()
            cells = [text_cell(model_label(model), colour=colours[model]), text_cell(label)]
            cells += [count_cell(len(r)), count_cell(n_genes), number_cell(r.median())]
            cells += [_interval(*r.quantile([0.05, 0.95])), _of(int((r > 0).sum()), len(r))]
            rows.append(tuple(cells))
    n = int(person_scores["n_genes"].max())
    text = (
        "r over the genes of one person, not over people: it asks which of somebody's genes are further up or down than in "
        "other people, each gene less its mean over people and in its sd, not which gene is expressed more. Not "
        f"comparable with the r of a gene. With {n:,} genes a single person's r is uncertain by about "
        f"{1 / max(n - 3, 1) ** 0.5:.2f}, and neighbouring genes share variants. First assignment to folds."
    )
    if (person_scores["quantity"] == "level").any():
        text += (
            " Levels: logarithms of coverage and of expression, by Enformer without a fit. Genes differ far more than "
            "people do, so that this r is high where deviations' is not."
        )
    return Table(columns, tuple(rows), text)


def unadjusted_table(unadjusted_scores: pd.DataFrame) -> Table:
    """Mean r of models that are scored with expression as measured."""
    check_columns("unadjusted_scores", unadjusted_scores.columns, ["gene_id", "model", "pearson_r"])
    by_model = unadjusted_scores.groupby("model")["pearson_r"]
    summary = by_model.agg(["count", "mean", "median"]).reset_index()
    columns = (
        Column("Model", numeric=False),
        Column("Genes"),
        *map(Column, ("Mean\N{NO-BREAK SPACE}r", "Median\N{NO-BREAK SPACE}r")),
    )
    rows = tuple(
        (name, count_cell(row["count"]), number_cell(row["mean"]), number_cell(row["median"]))
        for name, row in _by_model(summary)
    )
    return Table(
        columns,
        rows,
        "r with expression as it stands in the file, covariates not taken off: what covariates alone, and genotype PCs, "
        "say of it. Not comparable with the r of the other models, which is with expression adjusted for these covariates; "
        "there a model of covariates has r = 0 by construction.",
    )


def published_table(published: pd.DataFrame) -> Table:
    """``haploformer.evaluation.published.published_table``."""
    names = ["source", "cohort", "model", "quantity", "condition", "value"]
    check_columns("published", published.columns, names)
    whole = published[names].assign(value=published["value"].str.replace(" ", "\N{NO-BREAK SPACE}"))
    return plain_table(
        whole.rename(columns=str.capitalize),
        caption="Other people, genes, weights and variants: to be set beside the numbers above, not equal.",
    )


def _by_model(table: pd.DataFrame) -> list[tuple[Cell, dict]]:
    """The rows of a table with one for each model, in the order of models, each behind the cell that names its model."""
    colours = model_colours(table["model"])
    rows = table.set_index("model", drop=False).loc[order_models(table["model"])].to_dict("records")
    return [(text_cell(model_label(row["model"]), colour=colours[row["model"]]), row) for row in rows]


def _intervals(row: pd.Series | dict) -> tuple[Cell, Cell]:
    return _interval(row["low_loci"], row["high_loci"]), _interval(row["low_people"], row["high_people"])


def _interval(low: float, high: float) -> Cell:
    if pd.isna(low):
        return Cell(ABSENT, "")
    return Cell(f"{three_decimals(low)} to {three_decimals(high)}", repr(float(low)))


def _of(count: int, total: int) -> Cell:
    return Cell(f"{int(count):,} of {int(total):,}", str(int(count)))


def _loci_caption(comparison: pd.DataFrame) -> str:
    n = int(comparison["n_loci"].iloc[0])
    few = "" if comparison["low_loci"].notna().any() else ", too few for an interval"
    return (
        f"Intervals by bootstrap over {n} loci of 1 Mb{few}, and over people with the models as fitted: training on other "
        "people would widen them."
    )
