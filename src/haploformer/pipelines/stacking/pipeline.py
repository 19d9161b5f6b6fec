"""``stacking``: the models combined within each gene, across people."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.stacking import nodes

#: Predictions of all models, as both stacks take them.
_PREDICTIONS = [
    "predicted_expression_top_snp",
    "predicted_expression_prs",
    "predicted_expression_blup",
    "predicted_expression_elastic_net",
    "predicted_expression_enformer",
    "predicted_expression_enformer_all_tracks",
    "predicted_expression_enformer_all_bins",
]

#: What their weights are trained on.
_INNER = [
    "inner_predictions_top_snp",
    "inner_predictions_prs",
    "inner_predictions_blup",
    "inner_predictions_elastic_net",
]

#: What is to be predicted, and of whom.
_EXPRESSION = ["measured_expression", "covariates", "person_folds"]


def create_pipeline() -> Pipeline:
    """Predictions of all models in, stacked predictions and weights out."""
    return pipeline(
        [
            node(
                nodes.fit_stack,
                [
                    *_PREDICTIONS,
                    *_INNER,
                    *_EXPRESSION,
                    "track_predictions",
                    "params:stacking",
                ],
                ["predicted_expression_stack", "predicted_expression_stack_without_enformer", "stack_weights"],
                name="fit_stack",
            ),
        ]
    )


def create_final_pipeline() -> Pipeline:
    """The stack of everybody, for `apply`."""
    return pipeline(
        [
            node(
                nodes.fit_final_stack,
                [
                    *_PREDICTIONS,
                    "final_dosage_models",
                    *_EXPRESSION,
                    "track_predictions",
                    "params:stacking",
                ],
                ["final_stack_weights", "final_track_weights"],
                name="fit_final_stack",
            ),
            node(
                nodes.describe_final_stack,
                [
                    "track_predictions",
                    "track_table",
                    "params:stacking",
                    "params:enformer",
                    "params:sequence_build",
                    "params:data_prep",
                ],
                "final_enformer_facts",
                name="describe_final_stack",
            ),
        ]
    )


def create_gene_pipeline(name: str = "share_stack") -> Pipeline:
    """Predictions of all models in, scores and weights of stacks that are learned on other genes out."""
    return pipeline(
        [
            node(
                nodes.share_stack,
                [
                    *_PREDICTIONS,
                    *_INNER,
                    *_EXPRESSION,
                    "genes",
                    "params:stacking",
                    "params:enformer",
                    "params:baselines",
                    "params:evaluation",
                ],
                ["shared_stack_scores", "shared_stack_weights"],
                name=name,
            ),
        ]
    )
