"""``variant_effects``: what each variant does to each gene's prediction; and what the parts of a haplotype do."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.variant_effects import nodes
from haploformer.window_predictions import create_prediction_pipeline, plan_window_predictions


def create_shard_pipeline() -> Pipeline:
    """Windows of single variants in, predicted tracks out: all of them, or one part of several."""
    return create_prediction_pipeline("variant_windows", "variant_track_predictions", name="predict_variant_tracks")


def create_pipeline() -> Pipeline:
    """Genes' windows and variants in; effects as a table, a figure and a page out."""
    return (
        pipeline(
            [
                node(
                    nodes.collect_variant_windows,
                    [
                        *("tss_windows", "variants", "reference_genome"),
                        *("params:data_prep", "params:sequence_build", "params:variant_effects"),
                    ],
                    ["variant_windows", "variant_audit"],
                    name="collect_variant_windows",
                ),
                node(
                    nodes.count_frequencies,
                    ["variant_windows", "variants", "individuals"],
                    "variant_frequencies",
                    name="count_frequencies",
                ),
            ]
        )
        + create_shard_pipeline()
        + pipeline(
            [
                node(
                    nodes.tabulate_variant_effects,
                    [
                        *("variant_track_predictions", "tss_windows", "variant_frequencies", "track_table"),
                        "params:enformer",
                    ],
                    "variant_effects",
                    name="tabulate_variant_effects",
                ),
                node(
                    nodes.report_variant_effects,
                    ["variant_effects", "genes", "variant_track_predictions", "track_table", "params:enformer"],
                    ["figure_variant_effects", "variant_effects_page"],
                    name="report_variant_effects",
                ),
            ]
        )
    )


def create_haplotype_pipeline() -> Pipeline:
    """Predicted haplotypes and single effects in; each haplotype taken apart out."""
    return pipeline(
        [
            node(
                nodes.collect_left_out_windows,
                ["haplotype_windows", "variants"],
                "left_out_windows",
                name="collect_left_out_windows",
            ),
            node(
                plan_window_predictions,
                ["left_out_windows", "track_table", "params:enformer", "params:execution"],
                "left_out_track_predictions",
                name="predict_left_out_tracks",
            ),
            node(
                nodes.tabulate_haplotype_effects,
                [
                    *("haplotype_windows", "track_predictions", "left_out_windows", "left_out_track_predictions"),
                    *("variant_effects", "track_table", "params:enformer"),
                ],
                ["haplotype_effects", "additivity"],
                name="tabulate_haplotype_effects",
            ),
            node(
                nodes.report_haplotype_effects,
                [
                    *("haplotype_effects", "additivity", "genes", "track_predictions", "track_table"),
                    "params:enformer",
                ],
                ["figure_haplotype_effects", "haplotype_effects_page"],
                name="report_haplotype_effects",
            ),
        ]
    )


def create_mutagenesis_pipeline() -> Pipeline:
    """A stretch of a gene's window in; all substitutions of its bases as a table, a heat map and a page out."""
    return pipeline(
        [
            node(
                nodes.collect_mutation_windows,
                ["genes", "tss_windows", "reference_genome", "params:sequence_build", "params:variant_effects"],
                "mutagenesis_windows",
                name="collect_mutation_windows",
            ),
            node(
                plan_window_predictions,
                ["mutagenesis_windows", "track_table", "params:enformer", "params:execution"],
                "mutagenesis_track_predictions",
                name="predict_mutagenesis_tracks",
            ),
            node(
                nodes.tabulate_mutations,
                ["mutagenesis_track_predictions", "tss_windows", "track_table", "params:enformer"],
                "mutagenesis",
                name="tabulate_mutations",
            ),
            node(
                nodes.report_mutations,
                ["mutagenesis", "genes", "mutagenesis_track_predictions", "track_table", "params:enformer"],
                ["figure_mutagenesis", "mutagenesis_effects_page"],
                name="report_mutations",
            ),
        ]
    )
