"""Models of everybody, carried to other people."""

from __future__ import annotations

from haploformer.schemas.columns import flag, integer, number, table, text

#: Weights of the models of everybody. ``weight``: adjusted expression per copy of ``alt``; ``mean_dosage``: copies of it in
#: the mean training person, which a missing one is taken for. Prediction: ``intercept`` (``final_dosage_models``) + sum of
#: weight x (copies - mean_dosage).
_final_weights = {
    "gene_id": text(),
    "model": text(),
    "variant_id": text(),
    "contig": text(),
    "pos": integer(1),
    "ref": text(),
    "alt": text(),
    "weight": number(),
    "mean_dosage": number(low=0.0, high=2.0),
}

final_dosage_weights = table(_final_weights, unique=["gene_id", "model", "contig", "pos", "ref", "alt"])

#: One row per gene and model of everybody; ``n_usable`` to ``n_unfinished`` as in ``dosage_fits``.
final_dosage_models = table(
    {
        "gene_id": text(),
        "model": text(),
        "intercept": number(),
        "n_usable": integer(),
        "n_weights": integer(),
        "setting": number(nullable=True),
        "fell_back": flag(),
        "n_unfinished": integer(),
    },
    unique=["gene_id", "model"],
)

#: Members of the stack of everybody: ``intercept`` + sum of coefficient x (prediction - mean). ``sd``: of the member's
#: predictions of training people. ``mean`` is null for components, whose tracks are in ``final_track_weights``.
final_stack_weights = table(
    {
        "gene_id": text(),
        "model": text(),
        "feature": text(),
        "coefficient": number(),
        "mean": number(nullable=True),
        "sd": number(low=0.0, high=float("inf")),
        "intercept": number(),
    },
    unique=["gene_id", "model", "feature"],
)

#: What components add to the stack: sum of weight x (log2(coverage + 1) - mean) over the tracks. No rows without them.
final_track_weights = table(
    {"gene_id": text(), "track": integer(), "weight": number(), "mean": number()}, unique=["gene_id", "track"]
)

#: ``final_dosage_weights`` beside the records of other people. ``record``: row of their ``variants``, -1 for none;
#: ``allele``: index whose copies count as ``alt``; ``outcome``: how it was found, or why not.
matched_weights = table(
    _final_weights
    | {
        "record": integer(-1),
        "allele": integer(-1),
        "outcome": text(isin=["as written", "turned", "ambiguous", "missing"]),
    },
    unique=["gene_id", "model", "contig", "pos", "ref", "alt"],
)

#: What `apply` predicts. Adjusted expression, as the models were fitted to; of Enformer by itself, coverage.
applied_predictions = table(
    {"gene_id": text(), "individual_id": text(), "model": text(), "predicted_expression": number()},
    unique=["gene_id", "individual_id", "model"],
)

#: Variants that a model wants and finds: ``n_wanted = n_matched + n_ambiguous + n_missing``; ``n_turned`` of the matched.
#: ``n_calls_filled``: calls of matched variants that are missing and taken for the training mean. Shares are null where a
#: model has no variant of its own. ``outcome`` says why a gene has no prediction.
apply_audit = table(
    {
        "gene_id": text(),
        "model": text(),
        "n_wanted": integer(),
        "n_matched": integer(),
        "n_turned": integer(),
        "n_ambiguous": integer(),
        "n_missing": integer(),
        "n_calls_filled": integer(),
        "matched_share": number(nullable=True, low=0.0, high=1.0),
        "weighted_share": number(nullable=True, low=0.0, high=1.0),
        "outcome": text(),
    },
    unique=["gene_id", "model"],
)
