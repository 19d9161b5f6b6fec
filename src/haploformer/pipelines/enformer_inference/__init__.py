"""Pipeline ``enformer_inference``."""

from haploformer.pipelines.enformer_inference.pipeline import create_pipeline

__all__ = ["create_pipeline"]
