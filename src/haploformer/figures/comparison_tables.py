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
    means = population_scores.groupby(["population", "model"])["pearson_r"].mean()
    models = order_models(population_scores["model"]) if len(population_scores) else []
    colours = model_colours(models)
    columns = [Column("Population", numeric=False), Column("People")]
    columns += [Column(model_label(model), colour=colours[model]) for model in models]
    rows = []
    for row in audit.to_dict("records"):
        cells = [text_cell(row["population"]), count_cell(row["n"])]
        cells += [number_cell(means.get((row["population"], model))) for model in models]
        rows.append(tuple(cells))
    left_out = audit[~audit["scored"]]
    told = "; ".join(f"{row.population}: {row.reason}" for row in left_out.itertuples())
    return Table(
        tuple(columns),
        tuple(rows),
        "Mean r over genes among the people of one population; the models are trained on all."
        + (f" Not scored: {told}." if told else ""),
    )


def published_table(published: pd.DataFrame) -> Table:
    """``haploformer.evaluation.published.published_table``."""
    names = ["source", "cohort", "model", "quantity", "condition", "value"]
    check_columns("published", published.columns, names)
    return plain_table(
        published[names].rename(columns=str.capitalize),
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
