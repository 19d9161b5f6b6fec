"""``figure_images``: stored figures as files for papers and slides."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.figure_images import nodes


def create_pipeline() -> Pipeline:
    """Every figure of a run in, a PNG and an SVG of each out."""
    return pipeline([node(nodes.render_figures, "stored_figures", "image_files", name="render_figures")])
