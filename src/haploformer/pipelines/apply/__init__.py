"""Pipeline ``apply``."""

from haploformer.pipelines.apply.pipeline import create_baseline_pipeline, create_gene_pipeline, create_pipeline

__all__ = ["create_baseline_pipeline", "create_gene_pipeline", "create_pipeline"]
