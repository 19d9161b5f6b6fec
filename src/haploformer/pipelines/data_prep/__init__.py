"""Pipeline ``data_prep``."""

from haploformer.pipelines.data_prep.pipeline import (
    create_genotype_pipeline,
    create_pipeline,
    create_population_folds,
    create_prediction_pipeline,
)

__all__ = ["create_genotype_pipeline", "create_pipeline", "create_population_folds", "create_prediction_pipeline"]
