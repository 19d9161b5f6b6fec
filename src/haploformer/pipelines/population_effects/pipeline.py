"""``population_effects``: why predicted expression differs between two groups of people."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.population_effects import nodes


def create_pipeline() -> Pipeline:
    """Predictions of people and effects of their variants in; both groups' differences taken apart out."""
    return pipeline(
        [
            node(
                nodes.compare_populations,
                [
                    *("variant_effects", "enformer_summaries", "variants", "individuals", "genes"),
                    "params:population_effects",
                ],
                ["population_effects", "population_differences"],
                name="compare_populations",
            ),
            node(
                nodes.report_population_effects,
                [
                    *("population_effects", "population_differences", "enformer_summaries", "individuals"),
                    *("variant_track_predictions", "track_table", "params:enformer"),
                ],
                ["figure_population_effects", "population_effects_page"],
                name="report_population_effects",
            ),
        ]
    )
