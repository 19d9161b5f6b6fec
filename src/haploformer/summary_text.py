"""The last lines of a run: what came out, in a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from haploformer.evaluation.known_answer import no_known_answer
from haploformer.predicted_expression import PREDICTED

MEAN_R = "mean_pearson_r"

#: Rows of a prediction that are printed; the table has all.
MAX_ROWS = 12


def describe_predictions(table: pd.DataFrame) -> str:
    """The first rows of the tissue's mean, for a terminal.

    Parameters
    ----------
    table : DataFrame, schema ``selected_predictions`` or ``sequence_predictions``
    """
    tissue = table[table["summary"] == "tissue_mean"]
    names = [name for name in ("gene_name", "individual_id", "sequence") if name in table]
    numbers = [name for name in ("personal", "reference", "difference", "coverage") if name in table]
    lines = [(*names, *numbers, "weights")]
    for row in tissue.head(MAX_ROWS).to_dict("records"):
        cells = [str(row[name]) for name in names] + [f"{row[name]:.5g}" for name in numbers]
        lines.append((*cells, str(row["weights"])))
    more = f"\n({len(tissue):,} rows in all)" if len(tissue) > MAX_ROWS else ""
    return "\n".join(_aligned(lines)) + more


def describe_effects(table: pd.DataFrame) -> str:
    """The strongest effects on the tissue's mean, for a terminal.

    Parameters
    ----------
    table : DataFrame, schema ``variant_effects`` or ``haplotype_effects``
    """
    tissue = table[table["summary"] == "tissue_mean"]
    if "effect_kind" in table:
        tissue = tissue[(tissue["effect_kind"] == "log_fold_change") & (tissue["bins"] == "centre")]
        names, numbers = ["gene_id", "variant_id"], ["tss_distance", "alt_frequency", "effect"]
    else:
        tissue = tissue[tissue["variant_id"].notna()]
        names, numbers = ["gene_id", "variant_id"], ["single_effect", "left_out_effect"]
    ordered = tissue.loc[tissue[numbers[-1]].abs().sort_values(ascending=False, kind="stable").index]
    # Many haplotypes carry the same variant.
    strongest = ordered.drop_duplicates(["gene_id", "variant_id"]).head(MAX_ROWS)
    lines = [(*names, *numbers)]
    for row in strongest.to_dict("records"):
        cells = ["" if pd.isna(row[name]) else f"{row[name]:.5g}" for name in numbers]
        lines.append((*(str(row[name]) for name in names), *cells))
    return "\n".join(_aligned(lines)) + f"\n({len(tissue):,} rows of the tissue's mean, the strongest above)"


def describe_concordance(table: pd.DataFrame) -> str:
    """Each statistic by distance beside its null, for a terminal.

    Parameters
    ----------
    table : DataFrame, schema ``effect_concordance``
    """
    lines = [("statistic", "distance, bases", "n", "value", "null", "sd", "p")]
    for row in table.to_dict("records"):
        distance = "all" if pd.isna(row["low"]) else f"{row['low']:g} to {row['high']:g}"
        numbers = [row[name] for name in ("value", "null_mean", "null_sd", "p_value")]
        cells = ["" if pd.isna(number) else f"{number:.3f}" for number in numbers]
        lines.append((row["statistic"], distance, f"{row['n']:,}", *cells))
    return "\n".join(_aligned(lines))


def describe_audit(audit: pd.DataFrame) -> str:
    """A line per source and kind: how many are kept, and how many are left out for which reason.

    Parameters
    ----------
    audit : DataFrame, schema ``audit``
    """
    lines = []
    for (source, kind), rows in audit.groupby(["source", "record_class"], sort=False):
        parts = []
        for outcome, words in (("kept", ""), ("dropped", "not: ")):
            told = rows[rows["outcome"] == outcome]
            parts += [
                words + ", ".join(f"{n:,} {reason}" for reason, n in zip(told["reason"], told["count"], strict=True))
            ]
        lines.append((f"{source}, {kind}", "; ".join(part for part in parts if not part.endswith(": ") and part)))
    return "\n".join(_aligned(lines))


def describe_disease_effects(table: pd.DataFrame) -> str:
    """The disease variants with the strongest effects on the tissue's mean, for a terminal.

    Parameters
    ----------
    table : DataFrame, schema ``disease_variant_effects``
    """
    tissue = table[table["summary"] == "tissue_mean"]
    lines = [("gene", "variant", "to the TSS", "ALT frequency", "trait or significance", "log2 fold change")]
    for row in tissue.drop_duplicates(["gene_id", "variant_id"]).head(MAX_ROWS).to_dict("records"):
        told = row["trait"] if row["source"] == "gwas" else row["significance"]
        frequency = "" if pd.isna(row["alt_frequency"]) else f"{row['alt_frequency']:.3f}"
        trait = "" if pd.isna(told) else str(told)[:40]
        place = f"{row['tss_distance']:,}"
        lines.append((row["gene_name"], row["variant_id"], place, frequency, trait, f"{row['log_fold_change']:.4g}"))
    n_pairs = len(tissue.drop_duplicates(["gene_id", "contig", "pos", "ref", "alt"]))
    return "\n".join(_aligned(lines)) + f"\n({n_pairs:,} pairs of gene and disease variant, the strongest above)"


def describe_differences(table: pd.DataFrame) -> str:
    """The genes whose predictions differ most between two groups, for a terminal.

    Parameters
    ----------
    table : DataFrame, schema ``population_differences``
    """
    tissue = table[table["summary"] == "tissue_mean"]
    tissue = tissue.loc[tissue["log2_fold_change"].abs().sort_values(ascending=False, kind="stable").index]
    first, second = (f"{tissue[name].iloc[0]} ({tissue[f'n_{name}'].iloc[0]})" for name in ("first", "second"))
    lines = [("gene", "difference", "sum of effects", "shared variants", "private variants", "background")]
    for row in tissue.head(MAX_ROWS).to_dict("records"):
        private = row["private_first"] + row["private_second"] + row["fixed"]
        numbers = [row["exact_difference"], row["additive_difference"], row["shared"], private, row["background"]]
        lines.append((row["gene_name"], *(f"{number:.4g}" for number in numbers)))
    return f"Predicted coverage of {first} less that of {second}:\n" + "\n".join(_aligned(lines))


def describe_faithfulness(table: pd.DataFrame) -> str:
    """How many genes have linear weights that stand for their predictions.

    Parameters
    ----------
    table : DataFrame, schema ``linear_faithfulness``
    """
    n = int(table["faithful"].sum())
    return f"{n} of {len(table)} genes are faithful, the others are marked; median r {table['r'].median():.3f}"


def describe_verification(table: pd.DataFrame) -> str:
    """How many files of stored predictions are as they were written.

    Parameters
    ----------
    table : DataFrame, schema ``prediction_verification``
    """
    n = int((table["state"] == "whole").sum())
    return f"{n} of {len(table)} files are as they were written, {table['n_bytes'].sum():,} bytes"


def describe_validation(table: pd.DataFrame) -> str:
    """One line per input: the file, and what was found in it.

    Parameters
    ----------
    table : DataFrame, schema ``input_validation``
    """
    lines: list[tuple[str, ...]] = [("input", "file", "kind", "bytes", "integrity", "found")]
    for name, rows in table.groupby("input", sort=False):
        first = rows.iloc[0]
        if pd.isna(first["file"]):
            lines.append((str(name), "not given", first["kind"], "", "", ""))
            continue
        lines.append(
            (str(name), first["file"], first["kind"], f"{first['n_bytes']:,}", _integrity(first), _found(rows))
        )
    return "\n".join(_aligned(lines))


def _integrity(row: pd.Series) -> str:
    parts = {"bgzip": ["BGZF end block"], "gzip": ["gzip checksum"], "none": []}[row["compression"]]
    parts = parts + ([] if pd.isna(row["indices"]) else [f"index {row['indices']}"])
    return ", ".join([*parts, "sha256 as recorded" if row["checksum"] else "no sha256 recorded"])


def _found(rows: pd.DataFrame) -> str:
    """Counts over all contigs by class and reason: what is kept, then what is left out."""
    contigs = list(dict.fromkeys(rows["contig"].dropna()))
    parts = [f"contigs {', '.join(contigs[:4])}{f' and {len(contigs) - 4} more' if len(contigs) > 4 else ''}"][
        : len(contigs)
    ]
    for outcome, words in (("kept", ""), ("dropped", "left out: ")):
        summed = rows[rows["outcome"] == outcome].groupby(["record_class", "reason"], sort=False)["count"].sum()
        told = [
            f"{kind} {count:,}{'' if reason == 'used' else f' ({reason})'}" for (kind, reason), count in summed.items()
        ]
        parts += [words + ", ".join(told)] if told else []
    return "; ".join(parts)


def describe_scores(gene_scores: pd.DataFrame, check: pd.DataFrame | None = None) -> str:
    """Mean r of each model, with the interval in which it is known to lie where there is one.

    Parameters
    ----------
    gene_scores : DataFrame, schema ``gene_scores``
    check : DataFrame, schema ``known_answer_check``, optional
    """
    check = no_known_answer() if check is None else check
    expected = check[check["quantity"] == MEAN_R].set_index("model")
    lines = [("model", "weights", "genes", "mean r", "expected", "")]
    for model, scores in gene_scores.groupby("model", sort=False):
        weights = scores["weights"].iloc[0]
        interval, verdict = "", ""
        if model in expected.index:
            row = expected.loc[model]
            interval = f"{row['low']:.3f} to {row['high']:.3f}"
            verdict = "inside" if row["inside"] else "OUTSIDE"
        mean = f"{scores['pearson_r'].mean():.3f}"
        lines.append((str(model), "" if pd.isna(weights) else str(weights), str(len(scores)), mean, interval, verdict))
    rows = _aligned(lines)
    other = check[check["quantity"] != MEAN_R]
    rows += [
        f"{row.model}: {row.quantity} {row.value:.2g}, expected {row.low:g} to {row.high:g}, "
        f"{'inside' if row.inside else 'OUTSIDE'}"
        for row in other.itertuples()
    ]
    return "\n".join(rows)


def describe_populations(population_scores: pd.DataFrame, gene_scores: pd.DataFrame) -> str:
    """Mean r of each model in each population that it was not trained on.

    Parameters
    ----------
    population_scores : DataFrame, schema ``population_scores``
    gene_scores : DataFrame, schema ``gene_scores``
        For the weights that each model rests on.
    """
    weights = gene_scores.groupby("model")["weights"].first()
    means = population_scores.groupby(["model", "population"], sort=False)["pearson_r"].mean().unstack()
    lines = [("model", "weights", *(f"mean r in {name}, held out" for name in means.columns))]
    for model, row in means.iterrows():
        name = weights.get(model)
        lines.append((str(model), "" if pd.isna(name) else str(name), *(f"{value:.3f}" for value in row)))
    return "\n".join(_aligned(lines))


def describe_applied(audit: pd.DataFrame, predicted: pd.DataFrame) -> str:
    """Of each model the share of variants that were found, and how many genes and people it predicts.

    Parameters
    ----------
    audit : DataFrame, schema ``apply_audit``
    predicted : DataFrame, schema ``applied_predictions``
    """
    n_people = predicted.groupby("model")["individual_id"].nunique()
    lines = [("model", "variants matched", "turned", "set aside", "genes", "without prediction", "people")]
    for model, rows in audit.groupby("model", sort=False):
        n_wanted, n_matched = rows["n_wanted"].sum(), rows["n_matched"].sum()
        share = f"{n_matched:,} of {n_wanted:,} ({100 * n_matched / n_wanted:.1f} %)" if n_wanted else ""
        n_predicted = int((rows["outcome"] == PREDICTED).sum())
        turned, aside = (str(rows[name].sum()) if n_wanted else "" for name in ("n_turned", "n_ambiguous"))
        counts = (n_predicted, len(rows) - n_predicted, n_people.get(model, 0))
        lines.append((str(model), share, turned, aside, *(str(count) for count in counts)))
    return "\n".join(_aligned(lines))


def describe_across_genes(scores: pd.DataFrame) -> str:
    """r over genes of each model, with its interval, whose genes they are, and what expression was taken for.

    Parameters
    ----------
    scores : DataFrame, schema ``across_genes_scores``
    """
    from haploformer.evaluation.across_genes import describe_scale

    lines = [("model", "weights", "genes held out by", "genes", "quantity", "r", "95 % interval")]
    for row in scores.itertuples():
        interval = "" if pd.isna(row.low) else f"{row.low:.3f} to {row.high:.3f}"
        lines.append((row.model, row.weights, row.held_out, str(row.n_genes), row.quantity, f"{row.r:.3f}", interval))
    remarks = [f"{held_out}: {rows['remark'].iloc[0]}" for held_out, rows in scores.groupby("held_out", sort=False)]
    taken_for = [describe_scale(scale) for scale in scores["scale"].unique()]
    return "\n".join(_aligned(lines) + remarks + taken_for)


def describe_held_out_genes(scores: pd.DataFrame) -> str:
    """Mean r over genes that the stack's weights have not seen, among people whom they have and have not.

    Parameters
    ----------
    scores : DataFrame, schema ``shared_stack_scores``
    """
    if scores.empty:
        return "No gene is held out: their windows overlap."
    means = scores.groupby(["model", "people"], sort=False)["pearson_r"].agg(r="mean", n="size")
    lines = [("weights of other genes", "people", "genes", "mean r")]
    for row in means.reset_index().itertuples():
        lines.append((row.model, row.people, str(row.n), f"{row.r:.3f}"))
    return "\n".join(_aligned(lines))


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells in columns of equal width."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
