"""Tables from elsewhere, and predicted effects beside them."""

from __future__ import annotations

from haploformer.schemas.columns import flag, integer, number, table, text

#: Rows of external eQTL tables. The slope is that of ``alt``. ``trait_id`` is what was mapped: the gene, or one of its
#: transcripts. Nulls are what the file does not say; ``variant_id`` is as written, alleles and place are read from it.
external_eqtls = table(
    {
        "tissue": text(nullable=True),
        "trait_id": text(),
        "gene_id": text(),
        "variant_id": text(),
        "rsid": text(nullable=True),
        "contig": text(nullable=True),
        "pos": integer(1, nullable=True),
        "ref": text(nullable=True),
        "alt": text(nullable=True),
        "slope": number(nullable=True),
        "slope_se": number(nullable=True, low=0.0, high=float("inf")),
        "pvalue": number(nullable=True, low=0.0, high=1.0),
        "maf": number(nullable=True, low=0.0, high=0.5),
        "pip": number(nullable=True, low=0.0, high=1.0),
        "cs_id": text(nullable=True),
        "build": text(nullable=True, isin=["GRCh37", "GRCh38"]),
    },
    unique=["tissue", "trait_id", "variant_id", "cs_id"],
)

#: Each gene's strongest association where a table names no variant: nothing but its size can be compared.
top_associations = table(
    {
        "gene_id": text(unique=True),
        "tss_distance": number(nullable=True),
        "maf": number(nullable=True, low=0.0, high=0.5),
        "r": number(low=-1.0, high=1.0),
    }
)

#: Associations of the GWAS catalog, one row per study, SNP and trait. ``risk_allele`` is null where it is not known; its
#: strand is that of the study. ``contig`` and ``pos`` are those of the file, of whatever build it is.
gwas_associations = table(
    {
        "rsid": text(nullable=True),
        "contig": text(nullable=True),
        "pos": integer(1, nullable=True),
        "risk_allele": text(nullable=True),
        "neg_log10_pvalue": number(nullable=True, low=0.0, high=float("inf")),
        "trait": text(),
        "reported_genes": text(nullable=True),
        "publication": text(nullable=True),
    }
)

#: Variants of ClinVar in one build. ``of_haplotype``: the significance is that of several variants together.
clinvar_variants = table(
    {
        "variation_id": text(),
        "rsid": text(nullable=True),
        "contig": text(),
        "pos": integer(1),
        "ref": text(),
        "alt": text(),
        "gene_symbols": text(nullable=True),
        "significance": text(nullable=True),
        "review_status": text(nullable=True),
        "phenotypes": text(nullable=True),
        "of_haplotype": flag(),
    },
    unique=["variation_id", "contig", "pos", "ref", "alt"],
)

#: Disease-associated variants near genes, the strongest evidence first. ``source``: gwas, clinvar. ``allele``: the risk
#: allele on the forward strand, ClinVar's ALT; null where it is not known. ``alt_frequency``: in the cohort, null where
#: nobody was typed. ``tss_distance``: bases downstream of the TSS, negative upstream.
disease_variants = table(
    {
        "source": text(isin=["gwas", "clinvar"]),
        "variant_id": text(),
        "rsid": text(nullable=True),
        "contig": text(),
        "pos": integer(1),
        "ref": text(),
        "alt": text(),
        "gene_id": text(),
        "gene_name": text(),
        "tss_distance": integer(None),
        "trait": text(nullable=True),
        "significance": text(nullable=True),
        "neg_log10_pvalue": number(nullable=True, low=0.0, high=float("inf")),
        "allele": text(nullable=True),
        "alt_frequency": number(nullable=True, low=0.0, high=1.0),
    }
)

#: `disease_variants` with what is predicted at the centre bins, a row per summary and track; rows of one ``rank`` are about
#: one variant, gene and trait; 1 is the largest log fold change of the tissue's mean. ``risk_log_fold_change``: of the risk
#: allele against the other one, null where it is not known.
disease_variant_effects = table(
    {
        "rank": integer(1),
        **disease_variants.columns,
        "summary": text(),
        "track": integer(nullable=True),
        "coverage_ref": number(low=0.0, high=float("inf")),
        "coverage_alt": number(low=0.0, high=float("inf")),
        "sad": number(),
        "sadr": number(),
        "log_fold_change": number(),
        "risk_log_fold_change": number(nullable=True),
    },
    unique=["rank", "summary", "track"],
)

#: Predicted effects beside measured ones, and beside their null. ``statistic``: sign_concordance, spearman, auroc. ``low``
#: and ``high`` are bases from the TSS; null in the rows of all distances. ``p_value`` is two-sided, over draws.
effect_concordance = table(
    {
        "statistic": text(isin=["sign_concordance", "spearman", "auroc"]),
        "low": number(nullable=True),
        "high": number(nullable=True),
        "n": integer(),
        "n_left_out": integer(),
        "value": number(nullable=True, low=-1.0, high=1.0),
        "null_mean": number(nullable=True),
        "null_sd": number(nullable=True),
        "p_value": number(nullable=True, low=0.0, high=1.0),
    },
    unique=["statistic", "low", "high"],
)

#: Pairs of gene and variant that have both a predicted effect and a slope in an external table; both of ``alt``.
#: ``tss_distance``: bases downstream of the TSS. ``maf``: in the cohort, null where nobody was called.
effect_pairs = table(
    {
        "gene_id": text(),
        "variant_id": text(),
        "contig": text(),
        "pos": integer(1),
        "ref": text(),
        "alt": text(),
        "tss_distance": integer(None),
        "maf": number(nullable=True, low=0.0, high=0.5),
        "effect": number(),
        "slope": number(),
        "pvalue": number(nullable=True, low=0.0, high=1.0),
    },
    unique=["gene_id", "contig", "pos", "ref", "alt"],
)

#: Fine-mapped variants (``is_case``) and their controls, alike in distance and frequency; ``set`` holds them together.
matched_variants = table(
    {
        "set": integer(),
        "is_case": flag(),
        "gene_id": text(),
        "variant_id": text(),
        "contig": text(),
        "pos": integer(1),
        "ref": text(),
        "alt": text(),
        "tss_distance": integer(None),
        "maf": number(low=0.0, high=0.5),
        "effect": number(),
    },
    unique=["gene_id", "contig", "pos", "ref", "alt"],
)

#: What became of the rows of an external table. ``left out`` and ``used`` count each row once; ``put right`` is told of
#: rows that match; ``case``, ``control``, ``no case`` and ``neither`` count gene and variant.
harmonise_audit = table(
    {
        "step": text(isin=["read", "select", "harmonise", "compare", "fine-map"]),
        "outcome": text(isin=["left out", "used", "put right", "case", "control", "no case", "neither"]),
        "reason": text(),
        "count": integer(),
    },
    unique=["step", "reason"],
)

#: Absolute r of each gene's strongest association, ours beside that of a table that names no variant.
eqtl_sizes = table(
    {
        "gene_id": text(unique=True),
        "gene_name": text(),
        "ours": number(low=0.0, high=1.0),
        "theirs": number(low=0.0, high=1.0),
    }
)
