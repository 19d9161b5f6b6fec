"""Pipeline ``baselines``."""

from haploformer.pipelines.baselines.pipeline import (
    create_final_pipeline,
    create_pipeline,
    create_refit_pipeline,
    create_scoring_pipeline,
)

__all__ = ["create_final_pipeline", "create_pipeline", "create_refit_pipeline", "create_scoring_pipeline"]
