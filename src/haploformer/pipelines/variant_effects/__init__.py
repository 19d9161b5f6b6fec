"""Pipelines ``variant_effects``, ``haplotype_effects`` and ``mutagenesis``."""

from haploformer.pipelines.variant_effects.pipeline import (
    create_haplotype_pipeline,
    create_mutagenesis_pipeline,
    create_pipeline,
    create_shard_pipeline,
)

__all__ = ["create_haplotype_pipeline", "create_mutagenesis_pipeline", "create_pipeline", "create_shard_pipeline"]
