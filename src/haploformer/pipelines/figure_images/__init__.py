"""Pipeline ``figure_images``."""

from haploformer.pipelines.figure_images.pipeline import create_pipeline

__all__ = ["create_pipeline"]
