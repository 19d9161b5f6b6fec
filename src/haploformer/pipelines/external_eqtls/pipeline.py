"""``external_eqtls``: predicted effects beside measured slopes; ``eqtl_scan`` and ``eqtl_sizes``: our own slopes."""

from kedro.pipeline import Pipeline, node, pipeline

from haploformer.pipelines.external_eqtls import nodes

_COHORT = [
    *("genes", "variants", "measured_expression", "covariates"),
    *("params:expression", "params:baselines", "params:eqtl_scan"),
]


def create_pipeline() -> Pipeline:
    """An external table of eQTLs and predicted effects in; concordance, audit, figure and page out."""
    return pipeline(
        [
            node(
                nodes.compare_with_eqtls,
                [
                    *("external_eqtls", "variant_effects", "tss_windows", "variants", "reference_genome"),
                    "params:external_eqtls",
                ],
                ["effect_pairs", "effect_concordance", "matched_variants", "harmonise_audit"],
                name="compare_with_eqtls",
            ),
            node(
                nodes.report_concordance,
                [
                    *("external_eqtls", "effect_pairs", "effect_concordance", "matched_variants", "harmonise_audit"),
                    *("variant_track_predictions", "params:external_eqtls"),
                ],
                ["figure_effect_concordance", "effect_concordance_page"],
                name="report_concordance",
            ),
        ]
    )


def create_scan_pipeline() -> Pipeline:
    """Dosages and expression in; a table of QTLtools' form from some of the people, and how the others agree, out."""
    return pipeline(
        [
            node(nodes.scan_eqtls, _COHORT, "eqtl_scan", name="scan_eqtls"),
            node(
                nodes.score_scan,
                [
                    *("eqtl_scan", "genes", "variants", "reference_genome", "measured_expression", "covariates"),
                    *("params:expression", "params:baselines", "params:eqtl_scan", "params:external_eqtls"),
                ],
                ["scan_pairs", "scan_concordance", "scan_audit"],
                name="score_scan",
            ),
            node(
                nodes.report_scan,
                [
                    *("eqtl_scan", "variants", "scan_pairs", "scan_concordance", "scan_audit"),
                    *("params:eqtl_scan", "params:external_eqtls"),
                ],
                ["figure_scan_concordance", "scan_concordance_page"],
                name="report_scan",
            ),
        ]
    )


def create_size_pipeline() -> Pipeline:
    """A table of strongest associations without variants in; their sizes beside ours out."""
    return pipeline(
        [
            node(
                nodes.compare_sizes,
                ["top_associations", *_COHORT],
                ["eqtl_sizes", "figure_eqtl_sizes", "eqtl_sizes_page"],
                name="compare_sizes",
            )
        ]
    )
