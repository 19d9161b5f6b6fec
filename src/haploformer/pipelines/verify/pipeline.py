"""``verify``: stored predictions are hashed again."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.verify import nodes


def create_pipeline() -> Pipeline:
    """Predictions in, the state of each of their files out."""
    return pipeline(
        [node(nodes.verify_predictions, "track_predictions", "prediction_verification", name="verify_predictions")]
    )
