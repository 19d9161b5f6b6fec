"""Pipeline ``validate``."""

from haploformer.pipelines.validate.pipeline import create_pipeline

__all__ = ["create_pipeline"]
