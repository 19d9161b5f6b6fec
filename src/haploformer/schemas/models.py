"""What was fitted."""

from __future__ import annotations

from haploformer.schemas.columns import flag, integer, number, table, text

#: REML share of a gene's adjusted expression that the variants of its cis window explain, over all ``n`` people. Null
#: where nothing can be said: no usable variant, or constant expression. ``at_boundary``: h2 is 0 or (nearly) 1.
cis_heritability = table(
    {
        "gene_id": text(),
        "cis_window": integer(2),
        "h2": number(nullable=True, low=0.0, high=1.0),
        "se": number(nullable=True, low=0.0, high=float("inf")),
        "n": integer(1),
        "n_variants": integer(),
        "at_boundary": flag(),
    },
    unique=["gene_id", "cis_window"],
)

#: Weight of one unit of dosage of ``alt``, in the unit of measured expression.
dosage_weights = table(
    {
        "gene_id": text(),
        "model": text(),
        "fold_seed": integer(),
        "fold": integer(),
        "variant_id": text(),
        "contig": text(),
        "pos": integer(1),
        "ref": text(),
        "alt": text(),
        "weight": number(),
    }
)

#: What the model of each outer fold is. ``n_usable``: variants that training supports; ``n_weights``: those with a weight.
#: ``setting``: lambda of an elastic net, threshold of p of a PRS (0: top SNP), h2 of BLUP; null for the top SNP and where
#: nothing could be fitted. ``fell_back``: no variant met it, so that the top SNP stands in. ``n_unfinished``: lambdas, over
#: all training sets without the fold, at which coordinate descent had not converged.
dosage_fits = table(
    {
        "gene_id": text(),
        "model": text(),
        "fold_seed": integer(),
        "fold": integer(),
        "n_usable": integer(),
        "n_weights": integer(),
        "setting": number(nullable=True),
        "fell_back": flag(),
        "n_unfinished": integer(),
    },
    unique=["gene_id", "model", "fold_seed", "fold"],
)

#: Weight of each standardised feature in the stack, and its share in the variance of the held-out prediction: shares of a
#: fold sum to 1, and are null where the prediction is constant.
stack_weights = table(
    {
        "gene_id": text(),
        "fold_seed": integer(),
        "fold": integer(),
        "feature": text(),
        "weight": number(),
        "share": number(nullable=True),
    },
    unique=["gene_id", "fold_seed", "fold", "feature"],
)
