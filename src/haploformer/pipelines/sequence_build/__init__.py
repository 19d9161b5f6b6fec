"""Pipeline ``sequence_build``."""

from haploformer.pipelines.sequence_build.pipeline import create_pipeline

__all__ = ["create_pipeline"]
