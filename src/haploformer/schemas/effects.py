"""Predicted effects of variants."""

from __future__ import annotations

from haploformer.schemas.columns import integer, number, table, text

#: Effects of single variants on single genes: ALT less REF, everything else as in the reference. ``tss_distance``: bases
#: from the TSS to ``pos``, downstream positive. ``alt_frequency``: in the cohort, null where nobody was called.
#: ``bins``: those round the TSS, or all. ``summary``: ``tissue_mean``, ``all_tracks_mean``, or ``track`` (one of the
#: tissue's). Coverage is the mean over these bins. ``effect_kind``: docs/methods.md defines each.
variant_effects = table(
    {
        "gene_id": text(),
        "variant_id": text(),
        "contig": text(),
        "pos": integer(1),
        "ref": text(),
        "alt": text(),
        "tss_distance": integer(None),
        "alt_frequency": number(nullable=True, low=0.0, high=1.0),
        "bins": text(isin=["centre", "all"]),
        "summary": text(),
        "track": integer(nullable=True),
        "coverage_ref": number(low=0.0, high=float("inf")),
        "coverage_alt": number(low=0.0, high=float("inf")),
        "effect_kind": text(isin=["sad", "sadr", "log_fold_change"]),
        "effect": number(),
    },
    unique=["gene_id", "contig", "pos", "ref", "alt", "bins", "summary", "track", "effect_kind"],
)

#: Share of ALT among the called alleles; ``population`` is ``all`` for everybody.
variant_frequencies = table(
    {
        "variant_id": text(),
        "contig": text(),
        "pos": integer(1),
        "ref": text(),
        "alt": text(),
        "population": text(),
        "alt_frequency": number(low=0.0, high=1.0),
    },
    unique=["contig", "pos", "ref", "alt", "population"],
)

#: Each haplotype's coverage less the reference's (mean over the centre bins), the sum of its variants' single effects, and
#: of each variant its effect alone and the haplotype less the haplotype without it. One row with nulls for a haplotype
#: without variants.
haplotype_effects = table(
    {
        "gene_id": text(),
        "individual_id": text(),
        "haplotype": integer(),
        "summary": text(),
        "n_variants": integer(),
        "exact_difference": number(),
        "additive_sum": number(),
        "variant_id": text(nullable=True),
        "contig": text(nullable=True),
        "pos": integer(1, nullable=True),
        "ref": text(nullable=True),
        "alt": text(nullable=True),
        "single_effect": number(nullable=True),
        "left_out_effect": number(nullable=True),
    },
    unique=["gene_id", "individual_id", "haplotype", "summary", "contig", "pos", "ref", "alt"],
)

#: Sum of single effects against exact differences over people (mean of both copies). ``r`` is null for fewer than three
#: people or where a side is constant; ``largest_difference`` is relative to the largest exact one.
additivity = table(
    {
        "gene_id": text(),
        "summary": text(),
        "n": integer(),
        "r": number(nullable=True, low=-1.0, high=1.0),
        "largest_difference": number(nullable=True, low=0.0, high=float("inf")),
    },
    unique=["gene_id", "summary"],
)

#: What each variant adds to the difference of two groups' mean predictions where effects add up: ``effect`` (coverage with
#: ALT alone less the reference's, centre bins) times ``frequency_difference`` (``first`` less ``second``). ``carried``: who
#: carries its alleles, see docs/methods.md. ``rank``: by size within gene and summary.
population_effects = table(
    {
        "gene_id": text(),
        "gene_name": text(),
        "summary": text(),
        "rank": integer(1),
        "variant_id": text(),
        "contig": text(),
        "pos": integer(1),
        "ref": text(),
        "alt": text(),
        "tss_distance": integer(None),
        "first": text(),
        "second": text(),
        "first_frequency": number(nullable=True, low=0.0, high=1.0),
        "second_frequency": number(nullable=True, low=0.0, high=1.0),
        "frequency_difference": number(nullable=True, low=-1.0, high=1.0),
        "carried": text(isin=["shared", "private_first", "private_second", "fixed", "same", "uncalled"]),
        "effect": number(),
        "contribution": number(nullable=True),
    },
    unique=["gene_id", "summary", "contig", "pos", "ref", "alt"],
)

#: Mean predicted coverage of two groups of people. ``exact_difference`` = ``shared`` + ``private_first`` +
#: ``private_second`` + ``fixed`` (together ``additive_difference``) + ``background``. ``standardised_difference``: in
#: standard deviations within the groups. ``driver``: the variant that adds most, null where none adds anything.
population_differences = table(
    {
        "gene_id": text(),
        "gene_name": text(),
        "summary": text(),
        "first": text(),
        "second": text(),
        "n_first": integer(1),
        "n_second": integer(1),
        "reference": number(low=0.0, high=float("inf")),
        "first_mean": number(low=0.0, high=float("inf")),
        "second_mean": number(low=0.0, high=float("inf")),
        "exact_difference": number(),
        "log2_fold_change": number(),
        "standardised_difference": number(nullable=True),
        "additive_difference": number(),
        "shared": number(),
        "private_first": number(),
        "private_second": number(),
        "fixed": number(),
        "background": number(),
        "n_shared_variants": integer(),
        "n_private_first_variants": integer(),
        "n_private_second_variants": integer(),
        "n_fixed_variants": integer(),
        "n_same_variants": integer(),
        "n_uncalled_variants": integer(),
        "driver": text(nullable=True),
        "driver_contribution": number(nullable=True),
    },
    unique=["gene_id", "summary"],
)
