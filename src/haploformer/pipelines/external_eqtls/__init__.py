"""Pipelines ``external_eqtls``, ``eqtl_scan`` and ``eqtl_sizes``."""

from haploformer.pipelines.external_eqtls.pipeline import create_pipeline, create_scan_pipeline, create_size_pipeline

__all__ = ["create_pipeline", "create_scan_pipeline", "create_size_pipeline"]
