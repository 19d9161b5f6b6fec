"""Pipeline ``verify``."""

from haploformer.pipelines.verify.pipeline import create_pipeline

__all__ = ["create_pipeline"]
