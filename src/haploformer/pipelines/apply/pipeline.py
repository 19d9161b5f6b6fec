"""``apply``: models of a cohort are carried to people whose expression nobody measured."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.apply import nodes

_OUTPUTS = ["applied_predictions", "apply_audit", "applied_beds"]


def create_gene_pipeline() -> Pipeline:
    """The genes that the models are of."""
    return pipeline(
        [
            node(
                nodes.select_trained_genes,
                ["trained_genes", "params:data_prep", "params:select"],
                "genes",
                name="select_trained_genes",
            )
        ]
    )


def create_baseline_pipeline() -> Pipeline:
    """Models of everybody and other people's variants in, their predicted expression out; no sequence is read."""
    return _matching() + pipeline(
        [
            node(
                nodes.apply_dosage_models,
                ["matched_weights", "trained_dosage_models", "genes", "variants"],
                _OUTPUTS,
                name="apply_dosage_models",
            )
        ]
    )


def create_pipeline() -> Pipeline:
    """The same with Enformer and the stack."""
    return _matching() + pipeline(
        [
            node(
                nodes.describe_applied_enformer,
                [
                    "trained_enformer_facts",
                    "track_predictions",
                    "track_table",
                    "params:enformer",
                    "params:sequence_build",
                    "params:data_prep",
                ],
                "applied_enformer_facts",
                name="describe_applied_enformer",
            ),
            node(
                nodes.apply_all_models,
                [
                    "matched_weights",
                    "trained_dosage_models",
                    "trained_stack_weights",
                    "trained_track_weights",
                    "applied_enformer_facts",
                    "predicted_expression_enformer",
                    "predicted_expression_enformer_all_tracks",
                    "predicted_expression_enformer_all_bins",
                    "track_predictions",
                    "genes",
                    "variants",
                ],
                _OUTPUTS,
                name="apply_all_models",
            ),
        ]
    )


def _matching() -> Pipeline:
    return pipeline(
        [
            node(
                nodes.match_weights,
                ["trained_dosage_weights", "trained_facts", "genes", "variants", "params:apply"],
                "matched_weights",
                name="match_weights",
            )
        ]
    )
