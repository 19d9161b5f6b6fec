"""Windows round genes, and what lies in them."""

from __future__ import annotations

from haploformer.schemas.columns import integer, number, table, text

#: The model's input interval of each gene; ``n_share`` is the share of bases that are N or off the contig.
tss_windows = table(
    {
        "gene_id": text(unique=True),
        "contig": text(),
        "start": integer(None),
        "end": integer(),
        "tss": integer(),
        "strand": text(isin=["+", "-", "."]),
        "n_share": number(low=0.0, high=1.0),
    }
)

#: Variants and haplotypes of each window. ``n_overlapping``: alleles left out because an earlier one covers them.
window_audit = table(
    {
        "gene_id": text(unique=True),
        "n_snp": integer(),
        "n_mnp": integer(),
        "n_insertion": integer(),
        "n_deletion": integer(),
        "n_missing": integer(),
        "n_overlapping": integer(),
        "n_haplotypes": integer(),
        "n_distinct": integer(),
        "n_share": number(low=0.0, high=1.0),
    }
)

#: Interval of the variants that the baselines use for a gene; ``cis_window`` is its length before the contig cuts it.
cis_windows = table(
    {
        "gene_id": text(),
        "contig": text(),
        "start": integer(),
        "end": integer(),
        "n_variants": integer(),
        "cis_window": integer(2),
    },
    unique=["gene_id", "cis_window"],
)
