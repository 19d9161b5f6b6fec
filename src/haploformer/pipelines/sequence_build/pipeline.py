"""``sequence_build``: primary tables become distinct haplotype windows."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.sequence_build import nodes


def create_pipeline() -> Pipeline:
    """Genes, variants and the reference in, haplotype windows out."""
    return pipeline(
        [
            node(
                nodes.build_tss_windows,
                ["genes", "reference_genome", "variants", "params:enformer", "params:sequence_build"],
                ["tss_windows", "sequence_audit"],
                name="build_tss_windows",
            ),
            node(
                nodes.collect_haplotypes,
                ["tss_windows", "variants", "reference_genome", "params:data_prep", "params:sequence_build"],
                ["haplotype_windows", "window_audit"],
                name="collect_haplotypes",
            ),
        ]
    )
