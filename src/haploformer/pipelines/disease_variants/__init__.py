"""Pipeline ``disease_variants``."""

from haploformer.pipelines.disease_variants.pipeline import create_pipeline, create_shard_pipeline

__all__ = ["create_pipeline", "create_shard_pipeline"]
