"""``linear_export``: linear weights that stand for the predictions, in the forms of biobanks' tools."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.linear_export import nodes


def create_pipeline() -> Pipeline:
    """Single effects and the cohort's predictions in; weights, covariances, and how faithful they are, out."""
    return pipeline(
        [
            node(
                nodes.fit_linear_forms,
                [
                    *("variant_effects", "enformer_summaries", "variants", "genes", "person_folds"),
                    *("variant_track_predictions", "track_predictions"),
                    *("params:linear_export", "params:baselines", "params:enformer"),
                ],
                ["linear_weights", "linear_faithfulness", "linear_audit"],
                name="fit_linear_forms",
            ),
            node(
                nodes.report_linear_forms,
                [
                    *("linear_faithfulness", "linear_audit", "genes", "variant_track_predictions"),
                    "params:linear_export",
                ],
                ["figure_linear_faithfulness", "linear_faithfulness_page"],
                name="report_linear_forms",
            ),
        ]
    )
