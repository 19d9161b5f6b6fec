"""``data_prep``: the users' files become audited tables."""

from kedro.pipeline import Node, Pipeline, node, pipeline

from haploformer.pipelines.data_prep import nodes


def create_pipeline() -> Pipeline:
    """Files in, primary tables out: the people whom all files know."""
    return pipeline(
        [
            _genes(),
            *_genotypes(),
            node(
                nodes.select_individuals,
                [
                    "expression_bed",
                    "genotype_file",
                    "covariate_table",
                    "sample_panel",
                    "params:data_prep",
                    "params:select",
                ],
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
                    "params:select",
                ],
                ["input_audit", "individual_audit"],
                name="audit_inputs",
            ),
            node(
                nodes.group_people,
                ["individuals", "variants", "relatedness_table", "params:evaluation"],
                "person_groups",
                name="group_people",
            ),
            node(
                nodes.assign_person_folds,
                ["individuals", "person_groups", "params:evaluation"],
                "person_folds",
                name="assign_person_folds",
            ),
        ]
    )


def create_prediction_pipeline() -> Pipeline:
    """What a prediction alone needs: genes, people with genotypes, and their variants."""
    return pipeline([_genes()]) + create_genotype_pipeline()


def create_genotype_pipeline() -> Pipeline:
    """Genes that are known already in, people with genotypes and their variants out: no expression is read."""
    return pipeline(
        [
            *_genotypes(),
            node(
                nodes.select_genotyped_individuals,
                ["genotype_file", "sample_panel", "params:data_prep", "params:select"],
                "individuals",
                name="select_genotyped_individuals",
            ),
            node(nodes.audit_genotypes, "variants", ["input_audit", "individual_audit"], name="audit_genotypes"),
        ]
    )


def create_population_folds() -> Pipeline:
    """People and their folds in, one assignment per held-out population out."""
    return pipeline(
        [
            node(
                nodes.hold_out_populations,
                ["individuals", "person_groups", "person_folds", "params:evaluation"],
                "population_folds",
                name="hold_out_populations",
            )
        ]
    )


def _genes() -> Node:
    return node(
        nodes.select_genes,
        ["expression_bed", "gene_annotation", "params:data_prep", "params:select"],
        "genes",
        name="select_genes",
    )


def _genotypes() -> list[Node]:
    return [
        node(
            nodes.phase_genotypes,
            ["genotype_file", "reference_genome", "genes", "params:data_prep"],
            "phased_genotypes",
            name="phase_genotypes",
        ),
        node(
            nodes.read_genotypes,
            [
                "phased_genotypes",
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
    ]
