"""The step of ``validate``: the checks themselves run before every pipeline."""

from __future__ import annotations

import pandas as pd

from haploformer.formats.expression_bed import ExpressionBed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.genotype_batch import GenotypeFile
from haploformer.formats.known_answer import KnownAnswer
from haploformer.input_audit import CheckedInputs
from haploformer.parameters import EnformerParameters, ExpressionParameters, SequenceBuildParameters


def tabulate_inputs(
    checked_inputs: CheckedInputs,
    reference_genome: FastaReference,
    genotype_file: GenotypeFile,
    expression_bed: ExpressionBed,
    covariate_table: pd.DataFrame,
    sample_panel: pd.DataFrame,
    relatedness_table: pd.DataFrame,
    gene_annotation: pd.DataFrame,
    track_table: pd.DataFrame,
    known_answer: KnownAnswer | None,
    sequence_build: SequenceBuildParameters,
    enformer: EnformerParameters,
    expression: ExpressionParameters,
) -> pd.DataFrame:
    """What the checks of a cohort's inputs found in each; genotypes and expression are counted in the checks."""
    from haploformer.input_audit import audit_inputs, validation_table

    inputs = {
        "reference_genome": reference_genome,
        "covariate_table": covariate_table,
        "sample_panel": sample_panel,
        "relatedness_table": relatedness_table,
        "gene_annotation": gene_annotation,
        "track_table": track_table,
        "known_answer": known_answer,
    }
    study = checked_inputs.study
    options = {
        "max_n_share": sequence_build.max_n_share,
        "tissue": enformer.tracks,
        "covariates": expression.covariates,
    }
    counts = audit_inputs(inputs, study, **options)
    return validation_table(checked_inputs.files, counts)
