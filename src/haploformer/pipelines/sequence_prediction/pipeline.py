"""``sequence_prediction``: sequences of nobody in particular become predicted coverage."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.sequence_prediction import nodes


def create_pipeline() -> Pipeline:
    """A FASTA, or regions of the reference, in; all tracks, a table, a figure and a page out."""
    return pipeline(
        [
            node(
                nodes.plan_sequence_predictions,
                ["sequences", "reference_genome", "track_table", "params:enformer", "params:execution"],
                "sequence_track_predictions",
                name="predict_sequence_tracks",
            ),
            node(
                nodes.tabulate_sequences,
                ["sequences", "reference_genome", "sequence_track_predictions", "track_table", "params:enformer"],
                "sequence_prediction",
                name="tabulate_sequence_prediction",
            ),
            node(
                nodes.report_sequences,
                ["sequence_prediction", "sequence_track_predictions", "track_table", "params:enformer"],
                ["figure_sequence_prediction", "sequence_prediction_page"],
                name="report_sequence_prediction",
            ),
        ]
    )
