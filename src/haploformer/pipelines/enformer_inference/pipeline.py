"""``enformer_inference``: haplotype windows become predicted expression."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.enformer_inference import nodes
from haploformer.window_predictions import create_prediction_pipeline


def create_shard_pipeline() -> Pipeline:
    """Haplotype windows in, predicted tracks out: all of them, or one part of several."""
    return create_prediction_pipeline("haplotype_windows", "track_predictions", name="predict_haplotype_tracks")


def create_pipeline() -> Pipeline:
    """Haplotype windows in, predicted tracks and zero-shot predictions out."""
    return create_shard_pipeline() + pipeline(
        [
            node(
                nodes.summarise_predictions,
                ["track_predictions", "track_table", "params:enformer"],
                "enformer_summaries",
                name="summarise_predictions",
            ),
            node(
                nodes.predict_zero_shot,
                ["enformer_summaries", "params:enformer"],
                [
                    "predicted_expression_enformer",
                    "predicted_expression_enformer_all_tracks",
                    "predicted_expression_enformer_all_bins",
                ],
                name="predict_zero_shot",
            ),
        ]
    )
