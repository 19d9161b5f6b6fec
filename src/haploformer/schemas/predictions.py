"""What models predict."""

from __future__ import annotations

from haploformer.schemas.columns import each, integer, number, table, text

#: Enformer's predicted coverage: mean over the centre bins and both haplotypes, and of the reference window.
#: ``summary``: ``tissue_mean``, ``all_tracks_mean``, or ``all_bins_mean`` (all tracks, every bin).
#: ``log2_fold_change`` = log2(personal + 1) - log2(reference + 1).
enformer_summaries = table(
    {
        "gene_id": text(),
        "individual_id": text(),
        "summary": text(),
        "personal": number(low=0.0, high=float("inf")),
        "reference": number(low=0.0, high=float("inf")),
        "difference": number(),
        "log2_fold_change": number(),
    },
    unique=["gene_id", "individual_id", "summary"],
)

#: Predictions of a selection of genes and people, to be read by people: `enformer_summaries` with names beside the ids.
#: ``measured``: expression as in the file, null for who is not in it. ``weights``: "untrained" or a file.
selected_predictions = table(
    {
        "gene_id": text(),
        "gene_name": text(),
        "contig": text(),
        "tss": integer(),
        "individual_id": text(),
        "population": text(nullable=True),
        "summary": text(),
        "personal": number(low=0.0, high=float("inf")),
        "reference": number(low=0.0, high=float("inf")),
        "difference": number(),
        "log2_fold_change": number(),
        "measured": number(nullable=True),
        "weights": text(),
    },
    unique=["gene_id", "individual_id", "summary"],
)

#: Predicted coverage of sequences: summaries, and each of the tissue's tracks (``summary`` is then ``track``).
#: ``contig``, ``start`` and ``end`` are null for sequences of a FASTA; ``n_share`` is the share of N or off the contig.
sequence_predictions = table(
    {
        "sequence": text(),
        "contig": text(nullable=True),
        "start": integer(None, nullable=True),
        "end": integer(None, nullable=True),
        "n_share": number(low=0.0, high=1.0),
        "summary": text(),
        "track": integer(nullable=True),
        "description": text(nullable=True),
        "coverage": number(low=0.0, high=float("inf")),
        "weights": text(),
    }
)

#: What every predictor writes.
predicted_expression = table(
    {
        "gene_id": text(),
        "individual_id": text(),
        "model": text(),
        "fold_seed": integer(nullable=True),
        "fold": integer(nullable=True),
        "predicted_expression": number(),
    },
    unique=["gene_id", "individual_id", "model", "fold_seed"],
)

#: Predictions for training people by models that saw neither their own fold nor the outer ``fold``: the stack's features.
#: A column for each person, ``person:`` and the id; null for the people of ``fold``.
inner_predictions = table(
    {
        "gene_id": text(),
        "model": text(),
        "fold_seed": integer(),
        "fold": integer(),
        "person:.+": each(number(nullable=True)),
    },
    unique=["gene_id", "model", "fold_seed", "fold"],
)
