"""Pipeline ``baselines``."""

from haploformer.pipelines.baselines.pipeline import create_pipeline

__all__ = ["create_pipeline"]
