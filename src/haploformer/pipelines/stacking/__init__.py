"""Pipeline ``stacking``."""

from haploformer.pipelines.stacking.pipeline import create_final_pipeline, create_gene_pipeline, create_pipeline

__all__ = ["create_final_pipeline", "create_gene_pipeline", "create_pipeline"]
