"""From an external eQTL table to its verdict on effects: which rows count, what became of the others, how both agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from haploformer.effects.concordance import Null, concordance_by_distance
from haploformer.effects.matching import auroc_by_distance, match_controls
from haploformer.effects.pairs import EffectPairs, FineMapped, is_about, pair_slopes, split_fine_mapped
from haploformer.effects.tables import CENTRE
from haploformer.errors import InputError
from haploformer.genome.genes import without_version
from haploformer.genome.harmonise import HarmoniseCounts, alleles_by_id, harmonise, is_ambiguous
from haploformer.genome.intervals import Interval
from haploformer.genome.reference import Reference

_ALLELE = ["contig", "pos", "ref", "alt"]

#: What a row is about, beside the numbers of each table.
_NAMED = ["gene_id", "variant_id", *_ALLELE, "tss_distance", "maf"]

PAIR_COLUMNS = [*_NAMED, "effect", "slope", "pvalue"]
MATCHED_COLUMNS = ["set", "is_case", *_NAMED, "effect"]
AUDIT_COLUMNS = ["step", "outcome", "reason", "count"]

#: Reasons of `HarmoniseCounts`, in words.
_REASONS = {
    "n_outside": "outside the genes' windows",
    "n_without_alleles": "without two alleles that name a sequence",
    "n_ambiguous": "A/T or C/G, or an indel the other way round: which allele is meant cannot be told",
    "n_ref_differs": "no allele is the reference's",
    "n_absent": "no variant of ours has this place",
    "n_other_alleles": "our variants of this place have other alleles",
    "n_repeated": "an earlier row is about the same gene and variant",
}


@dataclass(frozen=True, eq=False)
class ChosenEffects:
    """Effects of one kind, to be compared.

    Attributes
    ----------
    variants : DataFrame (n_variants,)
        ``variant_id, contig, pos, ref, alt``, each allele once.
    table : DataFrame (n_pairs,)
        ``gene_id, variant`` (row number in ``variants``), ``variant_id, contig, pos, ref, alt, tss_distance, maf,
        effect``; maf is NaN where nobody was called.
    """

    variants: pd.DataFrame
    table: pd.DataFrame


def number_effects(table: pd.DataFrame) -> ChosenEffects:
    """Effects with their variants numbered.

    Parameters
    ----------
    table : DataFrame
        ``gene_id, variant_id, contig, pos, ref, alt, tss_distance, alt_frequency, effect``, a row per gene and variant.
    """
    variants = table[["variant_id", *_ALLELE]].drop_duplicates(_ALLELE, ignore_index=True)
    place = pd.MultiIndex.from_frame(variants[_ALLELE])
    frequency = table["alt_frequency"].to_numpy(np.float64)
    numbered = table.assign(
        variant=place.get_indexer(pd.MultiIndex.from_frame(table[_ALLELE])), maf=np.minimum(frequency, 1 - frequency)
    )
    return ChosenEffects(variants, numbered[["variant", *_NAMED, "effect"]].reset_index(drop=True))


def choose_effects(effects: pd.DataFrame, *, kind: str, summary: str) -> ChosenEffects:
    """Of all effects those of one kind and summary, at the centre bins.

    Parameters
    ----------
    effects : DataFrame, schema ``variant_effects``
    """
    chosen = (effects["bins"] == CENTRE) & (effects["effect_kind"] == kind) & (effects["summary"] == summary)
    return number_effects(effects[chosen])


@dataclass(frozen=True)
class CompareOptions:
    """How effects and slopes are compared.

    Attributes
    ----------
    edges : sequence of float
        Ends of the bins of distance to the TSS.
    min_pip, max_pip : float
        From and up to which probability a variant is fine-mapped, or a control.
    controls_per_case : int
    null : str
    n_draws, seed : int
        Of each null.
    """

    edges: Sequence[float]
    min_pip: float = 0.9
    max_pip: float = 0.01
    controls_per_case: int = 5
    null: Null = "swapped"
    n_draws: int = 1000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class MatchedRows:
    """Rows of an external table that are about our genes and variants, and what became of the others.

    Attributes
    ----------
    table, doubtful : DataFrame
        As of `haploformer.genome.harmonise.Harmonised`.
    counts : HarmoniseCounts
    audit : DataFrame
        `AUDIT_COLUMNS`.
    """

    table: pd.DataFrame
    doubtful: pd.DataFrame
    counts: HarmoniseCounts
    audit: pd.DataFrame


def match_rows(
    eqtls: pd.DataFrame,
    effects: ChosenEffects,
    *,
    gene_ids: Collection[str],
    intervals: Sequence[Interval],
    reference: Reference | None,
    source: str,
    tissue: str | None = None,
    known_ids: pd.DataFrame | None = None,
    ref_named: bool = True,
    min_matched_share: float = 0.0,
) -> MatchedRows:
    """Find the rows about our genes and variants, the slope's allele put right.

    Parameters
    ----------
    eqtls : DataFrame, schema ``external_eqtls``
    effects : ChosenEffects
    gene_ids : collection of str
        Ours; versions do not count.
    intervals : sequence of Interval
        The genes' windows.
    reference : Reference, optional
    source : str
        The table's name, for messages.
    tissue : str, optional
        Which one of a table of several.
    known_ids : DataFrame, optional
        Variants from whose ids alleles are taken where the table has none (`alleles_by_id`).
    ref_named : bool
        Whether our genotypes' file says which allele is REF; PLINK1 does not.
    min_matched_share : float

    Raises
    ------
    InputError
        If the table is of several tissues and none is chosen, of other genes, of another build, or too few rows match.
    """
    of_tissue, rows = choose_rows(eqtls, gene_ids, source=source, tissue=tissue)
    n_by_id = 0
    if known_ids is not None:
        rows, n_by_id = alleles_by_id(rows, known_ids)
    found = harmonise(
        rows,
        effects.variants,
        source=source,
        reference=reference,
        intervals=intervals,
        within=["trait_id", "cs_id"],
        ref_named=ref_named,
        min_matched_share=min_matched_share,
    )
    left_out = [
        ("select", "left out", "another tissue", len(eqtls) - len(of_tissue)),
        ("select", "left out", "of a gene that has no effects", len(of_tissue) - len(rows)),
        *(("harmonise", "left out", reason, getattr(found.counts, name)) for name, reason in _REASONS.items()),
    ]
    told = [
        ("harmonise", "put right", "REF and ALT the other way round", found.counts.n_swapped),
        ("harmonise", "put right", "alleles of the other strand", found.counts.n_flipped),
        ("harmonise", "put right", "alleles told by the id alone", n_by_id),
    ]
    return MatchedRows(
        found.table, found.doubtful, found.counts, pd.DataFrame([*left_out, *told], columns=AUDIT_COLUMNS)
    )


def choose_rows(
    eqtls: pd.DataFrame, gene_ids: Collection[str], *, source: str, tissue: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the tissue, and of these those about our genes; parameters as of `match_rows`.

    Raises
    ------
    InputError
        If the table is of several tissues and none is chosen, or no row is about one of our genes.
    """
    of_tissue = eqtls[_is_of_tissue(eqtls["tissue"], tissue, source)]
    ours = without_version(of_tissue["gene_id"]).isin(set(without_version(pd.Series(list(gene_ids), dtype=object))))
    rows = of_tissue[ours.to_numpy()]
    if rows.empty and len(of_tissue):
        raise InputError(
            f"{source}: gene_id",
            f"none of the {len(of_tissue):,} rows is about one of our {len(gene_ids):,} genes (first there: "
            f"{of_tissue['gene_id'].iloc[0]}, ours: {min(gene_ids, default='none')})",
            "give a table of some of these genes, whose ids are those of the expression table",
        )
    return of_tissue, rows


def _is_of_tissue(tissues: pd.Series, wanted: str | None, source: str) -> pd.Series:
    there = sorted(tissues.dropna().unique())
    if wanted is None:
        if len(there) > 1:
            raise InputError(
                source,
                f"the table is of {len(there)} tissues ({', '.join(there[:6])})",
                "choose one: external_eqtls.tissue",
            )
        return pd.Series(True, index=tissues.index)
    if wanted not in there:
        raise InputError(
            f"{source}: tissue",
            f"there is no {wanted} (there: {', '.join(there[:6]) or 'no tissue is told'})",
            "correct external_eqtls.tissue, or leave it out",
        )
    return tissues == wanted


@dataclass(frozen=True, eq=False)
class EffectComparison:
    """Effects beside slopes, and fine-mapped variants beside their controls.

    Attributes
    ----------
    pairs : DataFrame
        `PAIR_COLUMNS`.
    concordance : DataFrame, schema ``effect_concordance``
    matched : DataFrame
        `MATCHED_COLUMNS`.
    audit : DataFrame
        `AUDIT_COLUMNS`. The rows ``used`` and ``left out`` count each row of the table once.
    """

    pairs: pd.DataFrame
    concordance: pd.DataFrame
    matched: pd.DataFrame
    audit: pd.DataFrame


def compare_effects(effects: ChosenEffects, matched: MatchedRows, options: CompareOptions) -> EffectComparison:
    """Signs and ranks against slopes; where the table tells probabilities, AUROC of fine-mapped variants, too.

    Parameters
    ----------
    effects : ChosenEffects
    matched : MatchedRows
    options : CompareOptions
    """
    rng = np.random.default_rng(options.seed)
    paired = pair_slopes(effects.table, matched.table)
    edges, n_draws = options.edges, options.n_draws
    tables = [concordance_by_distance(paired.table, edges=edges, rng=rng, n_draws=n_draws, null=options.null)]
    audit = [_audit_pairs(matched, paired)]
    sets = pd.DataFrame(columns=MATCHED_COLUMNS)
    if matched.table["pip"].notna().any():
        # What the table says of these is set aside: they may be causal, and are no controls.
        ambiguous = is_ambiguous(effects.table["ref"].tolist(), effects.table["alt"].tolist())
        doubtful = is_about(effects.table, matched.doubtful) & ~is_about(effects.table, matched.table)
        typed = effects.table["maf"].notna().to_numpy()
        told = typed & ~ambiguous & ~doubtful
        split = split_fine_mapped(effects.table[told], matched.table, min_pip=options.min_pip, max_pip=options.max_pip)
        per_case = options.controls_per_case
        tables.append(
            auroc_by_distance(split.cases, split.pool, edges=edges, rng=rng, per_case=per_case, n_draws=n_draws)
        )
        sets = _list_sets(split, per_case)
        left_out = {
            "frequency not known": ~typed,
            "A/T or C/G: what the table says is set aside": typed & ambiguous,
            "an indel that the table has the other way round": typed & doubtful,
        }
        audit.append(_audit_fine_mapped(split, sets, {reason: int(flags.sum()) for reason, flags in left_out.items()}))
    return EffectComparison(
        paired.table[PAIR_COLUMNS],
        pd.concat(tables, ignore_index=True),
        sets,
        pd.concat([matched.audit, *audit], ignore_index=True),
    )


def _list_sets(split: FineMapped, per_case: int) -> pd.DataFrame:
    """The sets behind the AUROC of all distances."""
    sets = match_controls(split.cases, split.pool, per_case=per_case)
    cases = split.cases.iloc[sets.case].assign(set=np.arange(len(sets.case)), is_case=True)
    controls = split.pool.iloc[sets.control].assign(set=sets.set_of_control, is_case=False)
    both = pd.concat([cases, controls], ignore_index=True)
    return both.sort_values("set", kind="stable", ignore_index=True)[MATCHED_COLUMNS]


def _audit_pairs(matched: MatchedRows, paired: EffectPairs) -> pd.DataFrame:
    n_left = len(matched.table) - paired.n_without_slope - paired.n_without_effect - len(paired.table)
    rows = [
        ("compare", "left out", "no slope is told", paired.n_without_slope),
        ("compare", "left out", "no effect of this variant on this gene", paired.n_without_effect),
        ("compare", "left out", "a stronger row is about the same gene and variant", n_left),
        ("compare", "used", "gene and variant with an effect and a slope", len(paired.table)),
    ]
    return pd.DataFrame(rows, columns=AUDIT_COLUMNS)


def _audit_fine_mapped(split: FineMapped, sets: pd.DataFrame, left_out: dict[str, int]) -> pd.DataFrame:
    n_cases = int(sets["is_case"].sum())
    rows = [
        ("fine-map", "case", "fine-mapped, with a control", n_cases),
        ("fine-map", "control", "matched to a case", len(sets) - n_cases),
        ("fine-map", "no case", "fine-mapped, without a control like it", len(split.cases) - n_cases),
        ("fine-map", "no case", "fine-mapped, without an effect", split.n_without_effect),
        ("fine-map", "neither", "probability between both limits", split.n_between),
        *(("fine-map", "neither", reason, n) for reason, n in left_out.items()),
    ]
    return pd.DataFrame(rows, columns=AUDIT_COLUMNS)


def audit_file(n_repeated: int, n_without_variant: int) -> pd.DataFrame:
    """Rows that reading has left out, as `AUDIT_COLUMNS`."""
    rows = [
        ("read", "left out", "repeats an earlier row under another rsid", n_repeated),
        ("read", "left out", "no variant was tested", n_without_variant),
    ]
    return pd.DataFrame(rows, columns=AUDIT_COLUMNS)


def describe_matched(audit: pd.DataFrame) -> str:
    """The matched share in a line, from the audit of a comparison.

    Parameters
    ----------
    audit : DataFrame
        `AUDIT_COLUMNS`.
    """
    counts = audit.set_index(["step", "reason"])["count"]
    rows = audit[audit["outcome"].isin(["left out", "used"])]
    n_matched = int(rows.loc[rows["step"] == "compare", "count"].sum())
    harmonised = rows[rows["step"] == "harmonise"]
    n_inside = n_matched + int(harmonised["count"].sum()) - int(counts["harmonise", _REASONS["n_outside"]])
    share = 100 * n_matched / n_inside if n_inside else 0.0
    return (
        f"{share:.1f} % of the rows inside the windows matched ({n_matched:,} of {n_inside:,}; "
        f"{int(rows['count'].sum()):,} rows in all)"
    )
