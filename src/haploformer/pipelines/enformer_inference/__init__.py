"""Pipeline ``enformer_inference``."""

from haploformer.pipelines.enformer_inference.pipeline import create_pipeline, create_shard_pipeline

__all__ = ["create_pipeline", "create_shard_pipeline"]
