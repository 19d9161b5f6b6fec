"""``evaluation``: every model scored in the same way, figures, and the report."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.evaluation import nodes

#: Predictions of models that were fitted to nobody here, and of those that were, as the scoring steps take them.
_ZERO_SHOT = [f"predicted_expression_{model}" for model in ("enformer", "enformer_all_tracks", "enformer_all_bins")]
_FITTED = [
    f"predicted_expression_{model}"
    for model in ("top_snp", "prs", "blup", "genotype_pcs", "elastic_net", "stack", "stack_without_enformer")
]


def create_pipeline() -> Pipeline:
    """Predictions of all models in, scores and the report out."""
    return pipeline(
        [
            node(
                nodes.score_predictions,
                [
                    *_ZERO_SHOT,
                    *_FITTED,
                    "measured_expression",
                    "covariates",
                    "person_folds",
                    "params:expression",
                    "genes",
                    "track_predictions",
                    "params:stacking",
                    "params:enformer",
                ],
                ["scored_predictions", "gene_scores"],
                name="score_predictions",
            ),
            node(
                nodes.compare_models,
                ["gene_scores", "scored_predictions", "genes", "params:evaluation"],
                ["model_comparison", "permutation_null", "gene_accuracy"],
                name="compare_models",
            ),
            node(
                nodes.score_populations,
                [
                    "scored_predictions",
                    "individuals",
                    "person_folds",
                    "measured_expression",
                    "enformer_summaries",
                    "params:evaluation",
                ],
                ["population_scores", "population_audit", "person_scores"],
                name="score_populations",
            ),
            node(
                nodes.compare_with_known_answer,
                ["gene_scores", "enformer_summaries", "known_answer"],
                "known_answer_check",
                name="compare_with_known_answer",
            ),
            node(nodes.summarise_scores, ["gene_scores", "known_answer_check"], "scores", name="summarise_scores"),
            node(
                nodes.describe_conditions,
                [
                    "person_folds",
                    "cis_windows",
                    "stack_weights",
                    "track_predictions",
                    "track_table",
                    "params:enformer",
                ],
                "study_conditions",
                name="describe_conditions",
            ),
            node(
                nodes.plot_scores,
                [
                    "gene_scores",
                    "scored_predictions",
                    "known_answer_check",
                    "window_audit",
                    "genes",
                    "individuals",
                    "params:evaluation",
                ],
                [
                    "figure_scores_by_model",
                    "figure_stack_against_elastic_net",
                    "figure_predicted_against_measured",
                    "figure_distinct_haplotypes",
                ],
                name="plot_scores",
            ),
            node(
                nodes.plot_comparisons,
                ["gene_scores", "model_comparison", "permutation_null", "population_scores", "cis_heritability"],
                ["figure_model_differences", "figure_permutation_null", "figure_populations", "figure_heritability"],
                name="plot_comparisons",
            ),
            node(
                nodes.build_report,
                [
                    "gene_scores",
                    "known_answer_check",
                    "stack_weights",
                    "model_comparison",
                    "permutation_null",
                    "gene_accuracy",
                    "population_scores",
                    "population_audit",
                    "person_scores",
                    "unadjusted_scores",
                    "scored_predictions",
                    "individuals",
                    "figure_scores_by_model",
                    "figure_stack_against_elastic_net",
                    "figure_distinct_haplotypes",
                    "figure_model_differences",
                    "figure_permutation_null",
                    "figure_populations",
                    "figure_heritability",
                    "track_predictions",
                    "known_answer",
                    "input_audit",
                    "sequence_audit",
                    "individual_audit",
                    "window_audit",
                    "genes",
                    "covariates",
                    "person_groups",
                    "params:expression",
                    "study_conditions",
                    "params:evaluation",
                ],
                "evaluation_report",
                name="build_report",
            ),
        ]
    )


def create_population_pipeline() -> Pipeline:
    """Predictions by models that did not see a population in, scores within it out."""
    return pipeline(
        [
            node(
                nodes.score_held_out_populations,
                [
                    *_ZERO_SHOT,
                    *(f"held_out_{name}" for name in _FITTED),
                    "measured_expression",
                    "covariates",
                    "population_folds",
                    "params:expression",
                    "genes",
                ],
                "held_out_population_scores",
                name="score_held_out_populations",
            ),
            node(
                nodes.report_held_out_populations,
                [
                    "held_out_population_scores",
                    "population_scores",
                    "gene_scores",
                    "shared_stack_scores",
                    "held_out_shared_stack_scores",
                    "track_predictions",
                    "study_conditions",
                ],
                ["design_cells", "figure_held_out_populations", "held_out_populations_page"],
                name="report_held_out_populations",
            ),
        ]
    )
