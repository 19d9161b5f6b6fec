"""Pipeline ``sequence_build``."""

from haploformer.pipelines.sequence_build.pipeline import create_pipeline, create_pipeline_of_new_people

__all__ = ["create_pipeline", "create_pipeline_of_new_people"]
