"""``verify``: stored predictions are hashed again."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.verify import nodes


def create_pipeline() -> Pipeline:
    """Files of predictions in, the state of each out."""
    return pipeline(
        [node(nodes.verify_predictions, "prediction_files", "prediction_verification", name="verify_predictions")]
    )
