"""``across_genes``: the level of each gene from Enformer on the reference genome, without anybody's genotypes."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.across_genes import nodes


def create_pipeline() -> Pipeline:
    """Expression with levels and the reference in, predicted levels and their r over genes out."""
    return pipeline(
        [
            node(
                nodes.prepare_levels,
                [
                    "expression_levels",
                    "gene_annotation",
                    "reference_genome",
                    "enformer_sequences",
                    "params:data_prep",
                    "params:select",
                    "params:sequence_build",
                    "params:enformer",
                    "params:across_genes",
                ],
                "gene_levels",
                name="prepare_levels",
            ),
            node(
                nodes.plan_reference_predictions,
                [
                    "gene_levels",
                    "reference_genome",
                    "track_table",
                    "params:enformer",
                    "params:execution",
                    "params:across_genes",
                ],
                "reference_track_predictions",
                name="predict_reference_tracks",
            ),
            node(
                nodes.fit_across_genes,
                [
                    "gene_levels",
                    "reference_track_predictions",
                    "track_table",
                    "params:enformer",
                    "params:across_genes",
                ],
                ["across_genes_predictions", "across_genes_weights"],
                name="fit_across_genes",
            ),
            node(
                nodes.score_across_genes,
                ["across_genes_predictions", "gene_levels", "reference_track_predictions", "params:across_genes"],
                "across_genes_scores",
                name="score_across_genes",
            ),
        ]
    )
