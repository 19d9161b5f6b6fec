"""The report's tables: from tidy tables to rows of text, rounded, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from haploformer.figures.style import check_columns, model_colours, model_label, order_models, three_decimals
from haploformer.figures.windows import window_names

#: What a missing value looks like.
ABSENT = "\N{EN DASH}"


@dataclass(frozen=True)
class Cell:
    """What one cell shows, what it is sorted by, and a smaller note beside it.

    Attributes
    ----------
    text : str
    sort : str
        A number as text in a numeric column, else the text; empty for a missing value, which sorts last.
    note : str
    colour : str
        Of the swatch before the text; none if empty.
    """

    text: str
    sort: str
    note: str = ""
    colour: str = ""


@dataclass(frozen=True)
class Column:
    """Heading of a column; a numeric one is aligned to the right."""

    label: str
    numeric: bool = True
    colour: str = ""


@dataclass(frozen=True)
class Table:
    """Columns, rows of as many cells, and a caption that says what is shown."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), "a row is longer or shorter than the heading"


def text_cell(value: object, *, colour: str = "") -> Cell:
    """A cell with the text of ``value``."""
    return Cell(ABSENT, "") if _missing(value) else Cell(str(value), str(value), colour=colour)


def count_cell(value: object) -> Cell:
    """A cell with a whole number, in groups of three digits."""
    return Cell(ABSENT, "") if _missing(value) else Cell(f"{int(str(value)):,}", str(value))


def number_cell(value: object, *, note: str = "") -> Cell:
    """A cell with a number of three decimals."""
    if _missing(value):
        return Cell(ABSENT, "")
    number = float(str(value))
    return Cell(three_decimals(number), repr(number), note)


def _missing(value: object) -> bool:
    return value is None or bool(pd.isna(value))


def plain_table(table: pd.DataFrame, *, caption: str) -> Table:
    """A table as it is, numbers with four significant digits."""
    columns = tuple(Column(str(name), numeric=pd.api.types.is_numeric_dtype(table[name])) for name in table.columns)
    rows = tuple(
        tuple(_plain_cell(value, column) for value, column in zip(row, columns, strict=True))
        for row in table.itertuples(index=False)
    )
    return Table(columns, rows, caption)


def _plain_cell(value: object, column: Column) -> Cell:
    if not column.numeric or _missing(value):
        return text_cell(value)
    number = float(str(value))
    return Cell(f"{int(number):,}" if number.is_integer() else f"{number:.4g}", repr(number))


def model_summary_table(summary: pd.DataFrame) -> Table:
    """One row per model of the summary; the columns of a known answer only where it is given."""
    needed = ["model", "n_genes", "mean_pearson_r", "median_pearson_r", "mean_spearman_r", "n_constant_genes"]
    check_columns("model_summary", summary.columns, needed)
    columns = [
        Column("Model", numeric=False),
        Column("Genes"),
        Column("Mean\N{NO-BREAK SPACE}r"),
        Column("Median\N{NO-BREAK SPACE}r"),
        Column("Mean Spearman"),
        Column("Genes with a constant prediction"),
    ]
    expected = "expected_low" in summary.columns and bool(summary["expected_low"].notna().any())
    if expected:
        check_columns("model_summary", summary.columns, ["expected_high", "inside"])
        columns += [Column("Mean\N{NO-BREAK SPACE}r expected"), Column("Inside", numeric=False)]
    colours = model_colours(summary["model"])
    rows = []
    ordered = summary.set_index("model").loc[order_models(summary["model"])].reset_index()
    for row in ordered.to_dict("records"):
        cells = [
            text_cell(model_label(row["model"]), colour=colours[row["model"]]),
            count_cell(row["n_genes"]),
            number_cell(row["mean_pearson_r"]),
            number_cell(row["median_pearson_r"]),
            number_cell(row["mean_spearman_r"]),
            count_cell(row["n_constant_genes"]),
        ]
        if expected:
            cells += [_interval(row["expected_low"], row["expected_high"]), _yes_or_no(row["inside"])]
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows))


def _interval(low: float, high: float) -> Cell:
    return text_cell(low) if _missing(low) else Cell(f"{three_decimals(low)} to {three_decimals(high)}", repr(low))


def _yes_or_no(value: object) -> Cell:
    return text_cell(value) if _missing(value) else text_cell("yes" if value else "no")


def known_answer_table(known_answer_check: pd.DataFrame) -> Table:
    """One row per model and quantity of ``schemas.known_answer_check``."""
    check_columns(
        "known_answer_check", known_answer_check.columns, ["model", "quantity", "value", "low", "high", "inside"]
    )
    columns = (
        Column("Model", numeric=False),
        Column("Quantity", numeric=False),
        Column("Came out"),
        Column("Expected"),
        Column("Inside", numeric=False),
    )
    rows = tuple(
        (
            text_cell(model_label(row["model"])),
            text_cell(str(row["quantity"]).replace("_", " ")),
            number_cell(row["value"]),
            _interval(row["low"], row["high"]),
            _yes_or_no(row["inside"]),
        )
        for row in known_answer_check.to_dict("records")
    )
    return Table(columns, rows)


def gene_table(gene_scores: pd.DataFrame) -> Table:
    """One row per gene, a column with the r of each model; the note of a cell is its sd over fold seeds."""
    needed = ["gene_id", "gene_name", "model", "n", "pearson_r", "pearson_r_seed_sd", "n_constant_folds"]
    check_columns("gene_scores", gene_scores.columns, needed)
    models = order_models(gene_scores["model"])
    colours = model_colours(models)
    columns = [Column("Gene", numeric=False), Column("Gene id", numeric=False), Column("People")]
    columns += [Column(model_label(model), colour=colours[model]) for model in models]
    rows = []
    for gene_id, scores in gene_scores.groupby("gene_id", sort=False):
        by_model = {row["model"]: row for row in scores.to_dict("records")}
        cells = [text_cell(scores["gene_name"].iloc[0]), text_cell(gene_id), _people(scores["n"])]
        cells += [_score(by_model[model]) if model in by_model else text_cell(None) for model in models]
        rows.append(tuple(cells))
    rows.sort(key=lambda cells: (cells[0].text, cells[1].text))
    caption = f"r across people of {len(rows):,} genes by each model."
    if bool(gene_scores["pearson_r_seed_sd"].notna().any()):
        caption += " \N{PLUS-MINUS SIGN}: sd over fold seeds, not a confidence interval."
    if bool((gene_scores["n_constant_folds"] > 0).any()):
        caption += " *: the prediction is constant in at least one fold, which counts as r = 0."
    return Table(tuple(columns), tuple(rows), caption)


def _people(counts: pd.Series) -> Cell:
    low, high = int(counts.min()), int(counts.max())
    return count_cell(low) if low == high else Cell(f"{low:,}{ABSENT}{high:,}", str(low))


def _score(row: dict) -> Cell:
    notes = ["*"] if row["n_constant_folds"] > 0 else []
    if not _missing(row["pearson_r_seed_sd"]):
        notes.append(f"\N{PLUS-MINUS SIGN} {three_decimals(row['pearson_r_seed_sd'])}")
    return number_cell(row["pearson_r"], note=" ".join(notes))


def stack_weight_table(stack_weights: pd.DataFrame) -> Table:
    """The weight of each feature: its mean over folds within a gene, then mean, median and range over genes; its share."""
    check_columns("stack_weights", stack_weights.columns, ["gene_id", "feature", "weight"])
    per_gene = stack_weights.groupby(["feature", "gene_id"])["weight"].mean()
    zero = stack_weights["weight"].eq(0).groupby(stack_weights["feature"]).mean()
    features = order_models(stack_weights["feature"])
    colours = model_colours(features)
    columns = (
        Column("Feature", numeric=False),
        Column("Genes"),
        Column("Mean weight"),
        Column("Median"),
        Column("Lowest"),
        Column("Highest"),
        Column("Share of fits with weight 0"),
        Column("Share of the prediction's variance"),
    )
    shares = stack_weights.groupby("feature")["share"].mean() if "share" in stack_weights else {}
    rows = []
    for feature in features:
        weights = per_gene.loc[feature]
        statistics = [
            weights.mean(),
            weights.median(),
            weights.min(),
            weights.max(),
            zero[feature],
            shares.get(feature),
        ]
        rows.append(
            (
                text_cell(model_label(feature), colour=colours[feature]),
                count_cell(len(weights)),
                *map(number_cell, statistics),
            )
        )
    return Table(columns, tuple(rows), "Weight of each standardised feature, averaged over folds, then over genes.")


def variant_audit_table(audit: pd.DataFrame) -> Table:
    """Records kept and dropped by source, class and reason, summed over contigs."""
    keys = ["source", "record_class", "outcome", "reason"]
    check_columns("audit", audit.columns, [*keys, "count"])
    # a kept row precedes the dropped ones of its class
    summed = audit.groupby(keys, sort=False)["count"].sum().reset_index()
    summed = summed.sort_values(
        ["source", "record_class", "outcome", "count", "reason"], ascending=[True, True, False, False, True]
    )
    columns = tuple(Column(label, numeric=False) for label in ("Source", "Class", "Outcome", "Reason"))
    rows = tuple(
        (*(text_cell(row[key]) for key in keys), count_cell(row["count"])) for row in summed.to_dict("records")
    )
    kept = int(summed.loc[summed["outcome"] == "kept", "count"].sum())
    dropped = int(summed.loc[summed["outcome"] == "dropped", "count"].sum())
    return Table((*columns, Column("Records")), rows, f"{kept:,} records kept, {dropped:,} dropped.")


INDIVIDUAL_COUNTS = {
    "n_variants": "Variants",
    "n_missing": "Missing calls",
    "n_half_missing": "Half-missing calls",
    "n_imputed": "Imputed calls",
    "n_haploid": "Haploid calls",
    "n_heterozygous": "Heterozygous calls",
    "n_alternative": "Calls with an alternative allele",
    "n_private": "Alleles of nobody else",
}


def individual_summary_table(individual_audit: pd.DataFrame) -> Table:
    """Lowest, median and highest count over people of each kind of call."""
    check_columns("individual_audit", individual_audit.columns, ["individual_id", *INDIVIDUAL_COUNTS])
    columns = (
        Column("Per person", numeric=False),
        Column("Lowest"),
        Column("Median"),
        Column("Highest"),
        Column("People above 0"),
    )
    rows = tuple(
        (
            text_cell(label),
            count_cell(int(counts.min())),
            count_cell(round(float(counts.median()))),
            count_cell(int(counts.max())),
            count_cell(int((counts > 0).sum())),
        )
        for label, counts in ((label, individual_audit[name]) for name, label in INDIVIDUAL_COUNTS.items())
    )
    return Table(columns, rows, f"Calls of {len(individual_audit):,} people over the kept variants.")


def individual_table(individual_audit: pd.DataFrame) -> Table:
    """One row per person of ``schemas.individual_audit``."""
    return _counts(
        individual_audit,
        "individual_audit",
        first=(("Person", individual_audit["individual_id"].tolist()),),
        counts=INDIVIDUAL_COUNTS,
    )


WINDOW_COUNTS = {
    "n_snp": "SNPs",
    "n_mnp": "MNPs",
    "n_insertion": "Insertions",
    "n_deletion": "Deletions",
    "n_missing": "Missing calls",
    "n_overlapping": "Overlapping alleles",
    "n_haplotypes": "Haplotypes",
    "n_distinct": "Distinct",
}


def window_table(window_audit: pd.DataFrame, genes: pd.DataFrame | None = None) -> Table:
    """One row per window of ``schemas.window_audit``, with the share of distinct haplotypes and of N."""
    check_columns("window_audit", window_audit.columns, ["gene_id", *WINDOW_COUNTS, "n_share"])
    names = window_names(window_audit["gene_id"], genes)
    counts = _counts(window_audit, "window_audit", first=(("Gene", names),), counts=WINDOW_COUNTS)
    haplotypes = window_audit["n_haplotypes"].where(window_audit["n_haplotypes"] > 0)
    shares = (window_audit["n_distinct"] / haplotypes).tolist(), window_audit["n_share"].tolist()
    rows = tuple(
        (*row, number_cell(distinct), number_cell(unknown))
        for row, distinct, unknown in zip(counts.rows, *shares, strict=True)
    )
    distinct, total = int(window_audit["n_distinct"].sum()), int(window_audit["n_haplotypes"].sum())
    caption = (
        f"{len(rows):,} windows; {distinct:,} distinct of {total:,} haplotype windows. Overlapping alleles were left out "
        "because an earlier one covers them."
    )
    return Table((*counts.columns, Column("Share distinct"), Column("Share of N")), rows, caption)


def _counts(
    table: pd.DataFrame, name: str, *, first: Sequence[tuple[str, Iterable[object]]], counts: dict[str, str]
) -> Table:
    """Text columns, then a column per count."""
    check_columns(name, table.columns, list(counts))
    texts = [[text_cell(value) for value in values] for _, values in first]
    numbers = [[count_cell(value) for value in table[column].tolist()] for column in counts]
    columns = [Column(label, numeric=False) for label, _ in first] + [Column(label) for label in counts.values()]
    return Table(tuple(columns), tuple(zip(*texts, *numbers, strict=True)))
