"""``stacking``: the models combined within each gene, across people."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.stacking import nodes

_FITTED = ["top_snp", "prs", "blup", "elastic_net"]
_ZERO_SHOT = ["enformer", "enformer_all_tracks", "enformer_all_bins"]

#: What is to be predicted, and of whom.
_EXPRESSION = ["measured_expression", "covariates", "person_folds", "params:expression"]


def create_pipeline(*, suffix: str = "") -> Pipeline:
    """Predictions of all models in, stacked predictions and weights out; ``suffix`` ends the names of the nodes."""
    return _gather(suffix) + pipeline(
        [
            node(
                nodes.fit_stack,
                [
                    "gathered_predictions",
                    "gathered_inner_predictions",
                    *_EXPRESSION,
                    "track_predictions",
                    "params:stacking",
                ],
                ["predicted_expression_stack", "predicted_expression_stack_without_enformer", "stack_weights"],
                name=f"fit_stack{suffix}",
            ),
        ]
    )


def create_final_pipeline() -> Pipeline:
    """The stack of everybody, for `apply`."""
    return _gather() + pipeline(
        [
            node(
                nodes.fit_final_stack,
                [
                    "gathered_predictions",
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


def create_gene_pipeline(*, suffix: str = "") -> Pipeline:
    """Predictions of all models in, scores and weights of stacks that are learned on other genes out."""
    return _gather(suffix) + pipeline(
        [
            node(
                nodes.share_stack,
                [
                    "gathered_predictions",
                    "gathered_inner_predictions",
                    "enformer_summaries",
                    *_EXPRESSION,
                    "genes",
                    "params:stacking",
                    "params:enformer",
                    "params:baselines",
                    "params:evaluation",
                ],
                ["shared_stack_scores", "shared_stack_weights"],
                name=f"share_stack{suffix}",
            ),
        ]
    )


def _gather(suffix: str = "") -> Pipeline:
    """The predictions of all models, and what the stacks' weights are trained on, each as one table."""
    predicted = {model: f"predicted_expression_{model}" for model in (*_FITTED, *_ZERO_SHOT)}
    inner = {f"inner_{model}": f"inner_predictions_{model}" for model in _FITTED}
    gathered = ["gathered_predictions", "gathered_inner_predictions"]
    inputs = {"stacking": "params:stacking"} | predicted | inner
    return pipeline([node(nodes.gather_predictions, inputs, gathered, name=f"gather_predictions{suffix}")])
