"""The pipelines that ``kedro run`` knows."""

from kedro.pipeline import Pipeline, pipeline

from haploformer.pipelines import (
    across_genes,
    apply,
    baselines,
    data_prep,
    disease_variants,
    enformer_inference,
    evaluation,
    external_eqtls,
    figure_images,
    linear_export,
    population_effects,
    prediction_report,
    sequence_build,
    sequence_prediction,
    stacking,
    validate,
    variant_effects,
    verify,
)


def register_pipelines() -> dict[str, Pipeline]:
    """Each pipeline by its name; the default runs a cohort from the users' files to the report."""
    pipelines = {
        "data_prep": data_prep.create_pipeline(),
        "sequence_build": sequence_build.create_pipeline(),
        "enformer_inference": enformer_inference.create_pipeline(),
        "baselines": baselines.create_pipeline(),
        "stacking": stacking.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "final_models": baselines.create_final_pipeline() + stacking.create_final_pipeline(),
    }
    cohort = (
        pipelines["data_prep"]
        + pipelines["sequence_build"]
        + pipelines["enformer_inference"]
        + pipelines["baselines"]
        + pipelines["stacking"]
        + pipelines["evaluation"]
        + pipelines["final_models"]
    )
    prediction = data_prep.create_prediction_pipeline() + pipelines["sequence_build"] + pipelines["enformer_inference"]
    selections = {
        "individual_prediction": prediction + prediction_report.create_individual_report(),
        "gene_prediction": prediction + prediction_report.create_gene_report(),
        "sequence_prediction": sequence_prediction.create_pipeline(),
    }
    selections["across_genes"] = across_genes.create_pipeline()
    selections["baseline_scores"] = baselines.create_scoring_pipeline()
    selections["held_out_genes"] = stacking.create_gene_pipeline()
    selections["final_baselines"] = baselines.create_final_pipeline()
    new_people = apply.create_gene_pipeline() + data_prep.create_genotype_pipeline()
    selections["apply_baselines"] = new_people + apply.create_baseline_pipeline()
    with_sequence = new_people + sequence_build.create_pipeline_of_new_people() + pipelines["enformer_inference"]
    selections["apply"] = with_sequence + apply.create_pipeline()
    held_out = {"held_out_populations": _hold_out_populations()}
    effects = {
        "variant_effects": variant_effects.create_pipeline(),
        "haplotype_effects": prediction
        + variant_effects.create_pipeline()
        + variant_effects.create_haplotype_pipeline(),
        "mutagenesis": variant_effects.create_mutagenesis_pipeline(),
    }
    comparisons = {
        "external_eqtls": external_eqtls.create_pipeline(),
        "eqtl_scan": external_eqtls.create_scan_pipeline(),
        "eqtl_sizes": external_eqtls.create_size_pipeline(),
        "linear_export": linear_export.create_pipeline(),
    }
    questions = {
        "disease_variants": disease_variants.create_pipeline(),
        "population_effects": population_effects.create_pipeline(),
    }
    shards = {
        "enformer_shards": enformer_inference.create_shard_pipeline(),
        "variant_effect_shards": variant_effects.create_shard_pipeline(),
        "disease_variant_shards": disease_variants.create_shard_pipeline(),
    }
    selections["figure_images"] = figure_images.create_pipeline()
    checks = {"validate": validate.create_pipeline(), "verify": verify.create_pipeline()}
    return (
        pipelines
        | effects
        | questions
        | comparisons
        | shards
        | selections
        | held_out
        | checks
        | {"__default__": cohort}
    )


def _hold_out_populations() -> Pipeline:
    """The same models without a population, then tested on it; what they make has names of its own."""
    fit, without = baselines.create_refit_pipeline(), "_without_population"
    stack = stacking.create_pipeline(suffix=without) + stacking.create_gene_pipeline(suffix=without)
    needed = sorted((stack.inputs() & fit.all_outputs()) | {"predicted_expression_genotype_pcs"})
    models = fit.to_outputs(*needed) + stack
    outputs = {name: f"held_out_{name}" for name in models.all_outputs()}
    renamed = pipeline(models, inputs={"person_folds": "population_folds"}, outputs=outputs)
    renamed += stacking.create_gene_pipeline()
    return data_prep.create_population_folds() + renamed + evaluation.create_population_pipeline()
