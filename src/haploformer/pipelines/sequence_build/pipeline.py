"""``sequence_build``: primary tables become distinct haplotype windows."""

from kedro.pipeline import Node, Pipeline, node, pipeline

from haploformer.pipelines.sequence_build import nodes

_STUDY = ["genes", "reference_genome", "variants", "params:enformer", "params:sequence_build"]
_WINDOWS = ["tss_windows", "sequence_audit"]


def create_pipeline() -> Pipeline:
    """Genes, variants and the reference in, haplotype windows out."""
    return pipeline([node(nodes.build_tss_windows, _STUDY, _WINDOWS, name="build_tss_windows"), _haplotypes()])


def create_pipeline_of_new_people() -> Pipeline:
    """The same for people whom models are applied to, whether they vary in a window or not."""
    windows = node(nodes.build_windows_of_new_people, _STUDY, _WINDOWS, name="build_windows_of_new_people")
    return pipeline([windows, _haplotypes()])


def _haplotypes() -> Node:
    return node(
        nodes.collect_haplotypes,
        ["tss_windows", "variants", "reference_genome", "params:data_prep", "params:sequence_build"],
        ["haplotype_windows", "window_audit"],
        name="collect_haplotypes",
    )
