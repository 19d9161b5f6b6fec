"""Linear weights, for a biobank."""

from __future__ import annotations

from haploformer.schemas.columns import flag, integer, number, table, text

#: How near the linear form of each gene comes to the exact predictions. Genes with ``faithful`` false are marked wherever
#: the linear form is exported.
linear_faithfulness = table(
    {
        "gene_id": text(unique=True),
        "n": integer(),
        "n_variants": integer(),
        "r": number(nullable=True, low=-1.0, high=1.0),
        "slope": number(nullable=True),
        "largest_difference": number(nullable=True, low=0.0, high=float("inf")),
        "faithful": flag(),
    }
)

#: Alleles of linear weights, kept and left out, by gene.
linear_audit = table(
    {"gene_id": text(), "outcome": text(isin=["kept", "dropped"]), "reason": text(), "count": integer()},
    unique=["gene_id", "reason"],
)
