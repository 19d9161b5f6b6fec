"""Normalisation of expression in the steps that look at everybody, or at some people alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from haploformer.genome.cis import CisDosages, locate_cis_windows
from haploformer.parameters import (
    BaselinesParameters,
    EqtlScanParameters,
    ExpressionParameters,
    StackingParameters,
)
from haploformer.pipelines.baselines import nodes as baselines
from haploformer.pipelines.external_eqtls import nodes as external_eqtls
from haploformer.pipelines.stacking import nodes as stacking
from tests.builders.study import WINDOW, Study

OPTIONS = BaselinesParameters(cis_window=WINDOW, threads=1)
RANK, NONE = ExpressionParameters(normalise="rank"), ExpressionParameters()


@dataclass(frozen=True)
class Stored:
    genotypes: object


@pytest.fixture(scope="module")
def study() -> Study:
    made = Study()
    made.genotypes.provenance.update(source="study.vcf", sha256="0" * 64)
    return made


def heritability(study: Study, expression: np.ndarray, adjusted: ExpressionParameters) -> pd.DataFrame:
    dosages = CisDosages(study.genotypes, locate_cis_windows(study.genes, study.genotypes, length=WINDOW))
    return baselines.estimate_heritability(dosages, study.measured(expression), study.covariates, adjusted, OPTIONS)


def scan(study: Study, expression: np.ndarray, adjusted: ExpressionParameters) -> pd.DataFrame:
    options = EqtlScanParameters(rows="all")
    cohort = (study.genes, Stored(study.genotypes), study.measured(expression), study.covariates)
    return external_eqtls.scan_eqtls(*cohort, adjusted, OPTIONS, options)


def final_models(study: Study, expression: np.ndarray, adjusted: ExpressionParameters) -> pd.DataFrame:
    windows = locate_cis_windows(study.genes, study.genotypes, length=WINDOW)
    shared = (study.measured(expression), study.covariates, study.folds, adjusted)
    weights, models, _, facts = baselines.fit_final_dosage_models(
        windows, Stored(study.genotypes), *shared, study.genes, OPTIONS
    )
    assert facts["adjusted"] == {"covariates": "all", "normalise": adjusted.normalise}
    run = study.run(expression, adjusted=adjusted)
    predicted = pd.concat([run[f"{model} predicted"] for model in baselines.MODELS])
    enformer = predicted.drop_duplicates(["gene_id", "individual_id"]).assign(
        model="enformer", fold=None, fold_seed=None
    )
    enformer["predicted_expression"] = np.arange(len(enformer)) % 7.0
    options = StackingParameters(features=("elastic_net", "blup", "enformer"))
    stack, _ = stacking.fit_final_stack(pd.concat([predicted, enformer]), models, *shared, study.predictions, options)
    return pd.concat([weights[["weight"]], models[["intercept"]], stack[["coefficient", "intercept"]]])


@pytest.mark.parametrize("step", [heritability, scan])
def test_rank__a_monotone_scale_of_the_same_people_changes_nothing_to_the_bit(study, step) -> None:
    first, second = (step(study, expression, RANK) for expression in (study.expression, np.exp(study.expression)))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert not step(study, np.exp(study.expression), NONE).equals(step(study, study.expression, NONE))


@pytest.mark.parametrize("normalise", ["rank", "scale"])
def test_final_models__are_of_the_scale_that_everybody_gives(study, normalise) -> None:
    adjusted = ExpressionParameters(normalise=normalise)
    first, second = (final_models(study, unit * study.expression, adjusted) for unit in (1, 1024))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert not final_models(study, study.expression, NONE).equals(first)


def test_scan__as_measured_is_not_normalised(study) -> None:
    options = EqtlScanParameters(rows="all", adjusted=False)
    cohort = (study.genes, Stored(study.genotypes), study.measured(study.expression), study.covariates)
    found = [external_eqtls.scan_eqtls(*cohort, adjusted, OPTIONS, options) for adjusted in (RANK, NONE)]
    pd.testing.assert_frame_equal(*found, check_exact=True)
