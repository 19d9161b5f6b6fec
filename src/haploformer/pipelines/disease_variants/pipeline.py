"""``disease_variants``: what GWAS hits and ClinVar's variants do to the predictions of the genes near them."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.disease_variants import nodes
from haploformer.window_predictions import create_prediction_pipeline


def create_shard_pipeline() -> Pipeline:
    """Windows of disease variants in, predicted tracks out: all of them, or one part of several."""
    return create_prediction_pipeline("disease_windows", "disease_track_predictions", name="predict_disease_tracks")


def create_pipeline() -> Pipeline:
    """Files of disease variants and the study's genes in; ranked effects as a table, a figure and a page out."""
    return (
        pipeline(
            [
                node(
                    nodes.collect_disease_variants,
                    [
                        *("gwas_catalog", "clinvar", "gene_annotation", "genes", "tss_windows", "variants"),
                        *("reference_genome", "params:sequence_build", "params:variant_effects"),
                        "params:disease_variants",
                    ],
                    ["disease_windows", "disease_variants", "disease_audit"],
                    name="collect_disease_variants",
                ),
            ]
        )
        + create_shard_pipeline()
        + pipeline(
            [
                node(
                    nodes.tabulate_disease_effects,
                    ["disease_track_predictions", "disease_variants", "tss_windows", "track_table", "params:enformer"],
                    "disease_variant_effects",
                    name="tabulate_disease_effects",
                ),
                node(
                    nodes.report_disease_effects,
                    [
                        *("disease_variant_effects", "disease_audit", "tss_windows", "disease_track_predictions"),
                        *("track_table", "params:enformer"),
                    ],
                    ["figure_disease_loci", "disease_variants_page"],
                    name="report_disease_effects",
                ),
            ]
        )
    )
