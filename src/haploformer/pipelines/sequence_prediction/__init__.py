"""Pipeline ``sequence_prediction``."""

from haploformer.pipelines.sequence_prediction.pipeline import create_pipeline

__all__ = ["create_pipeline"]
