"""``data_prep``: the users' files become audited tables."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.data_prep import nodes


def create_pipeline() -> Pipeline:
    """Files in, primary tables out."""
    return pipeline(
        [
            node(
                nodes.select_genes,
                ["expression_bed", "gene_annotation", "params:data_prep"],
                "genes",
                name="select_genes",
            ),
            node(
                nodes.select_individuals,
                ["expression_bed", "genotype_file", "covariate_table", "sample_panel", "params:data_prep"],
                "individuals",
                name="select_individuals",
            ),
            node(
                nodes.prepare_expression,
                ["expression_bed", "genes", "individuals"],
                "measured_expression",
                name="prepare_expression",
            ),
            node(nodes.prepare_covariates, ["covariate_table", "individuals"], "covariates", name="prepare_covariates"),
            node(
                nodes.read_genotypes,
                [
                    "genotype_file",
                    "reference_genome",
                    "genes",
                    "individuals",
                    "params:data_prep",
                    "params:enformer",
                    "params:baselines",
                ],
                "variants",
                name="read_genotypes",
            ),
            node(
                nodes.audit_inputs,
                [
                    "expression_bed",
                    "genotype_file",
                    "covariate_table",
                    "gene_annotation",
                    "genes",
                    "individuals",
                    "variants",
                    "params:data_prep",
                ],
                ["input_audit", "individual_audit"],
                name="audit_inputs",
            ),
            node(
                nodes.assign_person_folds,
                ["individuals", "params:evaluation"],
                "person_folds",
                name="assign_person_folds",
            ),
        ]
    )
