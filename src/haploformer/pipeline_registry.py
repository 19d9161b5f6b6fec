"""The pipelines that ``kedro run`` knows."""

from kedro.pipeline import Pipeline

from haploformer.pipelines import (
    baselines,
    data_prep,
    enformer_inference,
    evaluation,
    prediction_report,
    sequence_build,
    sequence_prediction,
    stacking,
    validate,
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
    }
    cohort = (
        pipelines["data_prep"]
        + pipelines["sequence_build"]
        + pipelines["enformer_inference"]
        + pipelines["baselines"]
        + pipelines["stacking"]
        + pipelines["evaluation"]
    )
    prediction = data_prep.create_prediction_pipeline() + pipelines["sequence_build"] + pipelines["enformer_inference"]
    selections = {
        "individual_prediction": prediction + prediction_report.create_individual_report(),
        "gene_prediction": prediction + prediction_report.create_gene_report(),
        "sequence_prediction": sequence_prediction.create_pipeline(),
    }
    shards = {"enformer_shards": enformer_inference.create_shard_pipeline()}
    checks = {"validate": validate.create_pipeline(), "verify": verify.create_pipeline()}
    return pipelines | shards | selections | checks | {"__default__": cohort}
