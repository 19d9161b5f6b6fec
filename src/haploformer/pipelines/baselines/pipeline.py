"""``baselines``: expression predicted from dosages alone."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.baselines import nodes

_INPUTS = ["cis_dosages", "measured_expression", "covariates", "person_folds", "params:baselines"]


def create_pipeline() -> Pipeline:
    """Variants and measured expression in, out-of-fold predictions and weights out."""
    return pipeline(
        [
            node(
                nodes.locate_cis_variants,
                ["genes", "variants", "params:baselines"],
                ["cis_windows", "cis_dosages"],
                name="locate_cis_variants",
            ),
            node(
                nodes.fit_top_snp,
                _INPUTS,
                ["predicted_expression_top_snp", "inner_predictions_top_snp", "top_snp_weights"],
                name="fit_top_snp",
            ),
            node(
                nodes.fit_elastic_net,
                _INPUTS,
                ["predicted_expression_elastic_net", "inner_predictions_elastic_net", "elastic_net_weights"],
                name="fit_elastic_net",
            ),
        ]
    )
