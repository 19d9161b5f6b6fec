"""Pipeline ``across_genes``."""

from haploformer.pipelines.across_genes.pipeline import create_pipeline

__all__ = ["create_pipeline"]
