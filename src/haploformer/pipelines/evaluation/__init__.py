"""Pipeline ``evaluation``."""

from haploformer.pipelines.evaluation.pipeline import create_pipeline, create_population_pipeline

__all__ = ["create_pipeline", "create_population_pipeline"]
