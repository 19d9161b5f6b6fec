"""Pipeline ``population_effects``."""

from haploformer.pipelines.population_effects.pipeline import create_pipeline

__all__ = ["create_pipeline"]
