"""The parameters that users set, one frozen model per group; most groups are read by more than one pipeline."""

from __future__ import annotations

from haploformer.parameters.effects import (
    VARIANT_FILES,
    DiseaseVariantsParameters,
    Edges,
    EqtlScanParameters,
    ExternalEqtlsParameters,
    LinearExportParameters,
    MutagenesisParameters,
    PopulationEffectsParameters,
    VariantEffectsParameters,
)
from haploformer.parameters.enformer import (
    ClusterParameters,
    EnformerParameters,
    ExecutionParameters,
)
from haploformer.parameters.models import (
    AcrossGenesParameters,
    ApplyParameters,
    BaselinesParameters,
    EvaluationParameters,
    StackFeature,
    StackingParameters,
)
from haploformer.parameters.study import (
    BeagleParameters,
    DataPrepParameters,
    ExpressionParameters,
    SelectParameters,
    SequenceBuildParameters,
)
from haploformer.parameters.values import ParameterGroup

__all__ = [
    "AcrossGenesParameters",
    "ApplyParameters",
    "BaselinesParameters",
    "BeagleParameters",
    "ClusterParameters",
    "DataPrepParameters",
    "DiseaseVariantsParameters",
    "Edges",
    "EnformerParameters",
    "EqtlScanParameters",
    "EvaluationParameters",
    "ExecutionParameters",
    "ExpressionParameters",
    "ExternalEqtlsParameters",
    "GROUPS",
    "LinearExportParameters",
    "MutagenesisParameters",
    "ParameterGroup",
    "PopulationEffectsParameters",
    "SHORTCUTS",
    "SelectParameters",
    "SequenceBuildParameters",
    "StackFeature",
    "StackingParameters",
    "VARIANT_FILES",
    "VariantEffectsParameters",
]

#: Every group by its name in ``conf/*/parameters.yml``.
GROUPS: dict[str, type[ParameterGroup]] = {
    "select": SelectParameters,
    "data_prep": DataPrepParameters,
    "expression": ExpressionParameters,
    "sequence_build": SequenceBuildParameters,
    "enformer": EnformerParameters,
    "execution": ExecutionParameters,
    "variant_effects": VariantEffectsParameters,
    "external_eqtls": ExternalEqtlsParameters,
    "eqtl_scan": EqtlScanParameters,
    "linear_export": LinearExportParameters,
    "baselines": BaselinesParameters,
    "stacking": StackingParameters,
    "evaluation": EvaluationParameters,
    "apply": ApplyParameters,
    "disease_variants": DiseaseVariantsParameters,
    "population_effects": PopulationEffectsParameters,
    "across_genes": AcrossGenesParameters,
}

#: Names that may stand beside the groups on the command line: ``conf/base`` reads them.
SHORTCUTS = (
    *("raw_dir", "genotypes", "run_name", "gene", "individual", "sequences", "id_map", "relatedness"),
    *("eqtls", "top_associations", "gwas", "clinvar", "clinvar_build"),
    *("levels", "enformer_sequences"),
    *("executor", "shard_index", "shard_count"),
)
