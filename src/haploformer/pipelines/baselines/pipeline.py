"""``baselines``: expression predicted from dosages alone."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.baselines import nodes

_EXPRESSION = ["measured_expression", "covariates", "person_folds", "params:expression"]


def create_pipeline() -> Pipeline:
    """Variants and measured expression in, out-of-fold predictions and what was fitted out."""
    located = node(
        nodes.locate_cis_variants,
        ["genes", "variants", "params:baselines"],
        ["cis_windows", "cis_dosages"],
        name="locate_cis_variants",
    )
    return pipeline([located]) + _fits()


def create_refit_pipeline() -> Pipeline:
    """The same fits once more, to the variants of the cis windows that are stored."""
    opened = node(nodes.open_cis_variants, ["cis_windows", "variants"], "cis_dosages", name="open_cis_variants")
    return pipeline([opened]) + _fits()


def _fits() -> Pipeline:
    return pipeline(
        [
            node(
                nodes.fit_dosage_models,
                ["cis_dosages", *_EXPRESSION, "params:baselines"],
                [*_tables_of_models(), "dosage_fits"],
                name="fit_dosage_models",
            ),
            node(
                nodes.estimate_heritability,
                ["cis_dosages", "measured_expression", "covariates", "params:expression", "params:baselines"],
                "cis_heritability",
                name="estimate_heritability",
            ),
            node(
                nodes.fit_structure_models,
                ["variants", *_EXPRESSION, "params:baselines"],
                [
                    "predicted_expression_genotype_pcs",
                    "predicted_expression_covariates_only",
                    "predicted_expression_genotype_pcs_unadjusted",
                ],
                name="fit_structure_models",
            ),
            node(
                nodes.score_unadjusted,
                [
                    "predicted_expression_covariates_only",
                    "predicted_expression_genotype_pcs_unadjusted",
                    "measured_expression",
                    "person_folds",
                    "params:expression",
                    "genes",
                ],
                "unadjusted_scores",
                name="score_unadjusted",
            ),
        ]
    )


def create_scoring_pipeline() -> Pipeline:
    """Scores of the baselines alone, for runs without Enformer."""
    return pipeline(
        [
            node(
                nodes.score_baselines,
                [
                    *(f"predicted_expression_{model}" for model in (*nodes.MODELS, "genotype_pcs")),
                    *_EXPRESSION,
                    "genes",
                ],
                "baseline_scores",
                name="score_baselines",
            )
        ]
    )


def create_final_pipeline() -> Pipeline:
    """Models of everybody, for `apply`."""
    return pipeline(
        [
            node(
                nodes.fit_final_dosage_models,
                ["cis_windows", "variants", *_EXPRESSION, "genes", "params:baselines"],
                ["final_dosage_weights", "final_dosage_models", "final_genes", "final_facts"],
                name="fit_final_dosage_models",
            )
        ]
    )


def _tables_of_models() -> list[str]:
    patterns = ("predicted_expression_{}", "inner_predictions_{}", "{}_weights")
    return [pattern.format(model) for model in nodes.MODELS for pattern in patterns]
