"""``validate``: what the checks of a cohort's inputs found; as before every run, they come first (`hooks`)."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.validate import nodes


def create_pipeline() -> Pipeline:
    """Files in, one table out; nothing is computed."""
    return pipeline(
        [
            node(
                nodes.tabulate_inputs,
                [
                    "checked_inputs",
                    "reference_genome",
                    "genotype_file",
                    "expression_bed",
                    "covariate_table",
                    "sample_panel",
                    "relatedness_table",
                    "gene_annotation",
                    "track_table",
                    "known_answer",
                    "params:sequence_build",
                    "params:enformer",
                    "params:expression",
                ],
                "input_validation",
                name="tabulate_inputs",
            )
        ]
    )
