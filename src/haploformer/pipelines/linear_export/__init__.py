"""Pipeline ``linear_export``."""

from haploformer.pipelines.linear_export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
