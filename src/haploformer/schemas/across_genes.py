"""Levels of genes on the reference genome."""

from __future__ import annotations

from haploformer.schemas.columns import integer, number, table, text

#: Genes whose level is known: ``level`` is log2(mean expression over people + 1) where expression was taken for TPM, the
#: mean where it was taken for logarithms (``scale``: ``tpm``, ``log2``). ``enformer_split``: which of Enformer's
#: sequences the window overlaps (null where they are not told). ``fold``: null for genes that are held out altogether
#: (``held_out`` is ``enformer test``) or left out (``held_out`` is null); ``locus``: contig and megabase of the TSS.
gene_levels = table(
    {
        "gene_id": text(unique=True),
        "gene_name": text(),
        "contig": text(),
        "tss": integer(),
        "strand": text(isin=["+", "-", "."]),
        "n_individuals": integer(1),
        "scale": text(isin=["tpm", "log2"]),
        "level": number(),
        "n_share": number(low=0.0, high=1.0),
        "enformer_split": text(nullable=True, isin=["train", "valid", "test", "mixed", "none"]),
        "held_out": text(nullable=True, isin=["gene folds", "enformer test"]),
        "fold": integer(nullable=True),
        "locus": text(),
    }
)

#: Level of each gene by models that were not fitted to it; ``enformer``: log2(the tissue's mean coverage + 1).
across_genes_predictions = table(
    {
        "gene_id": text(),
        "model": text(isin=["enformer", "across_genes"]),
        "held_out": text(isin=["gene folds", "enformer test"]),
        "fold": integer(nullable=True),
        "level": number(),
        "predicted": number(),
    },
    unique=["gene_id", "model"],
)

#: r over genes of measured and predicted level; ``low`` and ``high`` are null with fewer than five loci of 1 Mb. ``scale``:
#: of the expression, as in ``gene_levels``.
across_genes_scores = table(
    {
        "model": text(isin=["enformer", "across_genes"]),
        "weights": text(),
        "scale": text(isin=["tpm", "log2"]),
        "held_out": text(isin=["gene folds", "enformer test"]),
        "quantity": text(isin=["pearson", "spearman"]),
        "r": number(low=-1.0, high=1.0),
        "low": number(nullable=True, low=-1.0, high=1.0),
        "high": number(nullable=True, low=-1.0, high=1.0),
        "n_genes": integer(6),
        "n_loci": integer(1),
        "n_constant_folds": integer(),
        "remark": text(),
    },
    unique=["model", "held_out", "quantity"],
)

#: Level per training sd of log1p(coverage); rows of weight 0 are left out. ``fold`` is null for the net of all folds.
across_genes_weights = table(
    {
        "fold": integer(nullable=True),
        "track": integer(),
        "description": text(nullable=True),
        "bin": integer(),
        "weight": number(),
    },
    unique=["fold", "track", "bin"],
)
