"""Kedro hooks: inputs are checked before anything is written, and a run ends by saying what came out."""

from __future__ import annotations

import resource
import sys
from difflib import get_close_matches
from functools import partial
from typing import Any

import click
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline import Pipeline
from pydantic import ValidationError

from haploformer.errors import InputError
from haploformer.genome.reference import NoReference
from haploformer.input_audit import CheckedInputs
from haploformer.parameters import GROUPS, SHORTCUTS, ParameterGroup
from haploformer.preflight import COHORT_OUTPUTS, check_inputs, require_same_sources, require_stored_inputs

#: What the checks found: filled in before the first node, for `validate`, which reports it.
CHECKED_INPUTS = "checked_inputs"

#: Which of the project's datasets read an input.
_KINDS = {
    "genotype_file": ("VcfDataset", "PlinkDataset", "Plink2Dataset"),
    "reference_genome": ("FastaDataset",),
    "expression_bed": ("ExpressionBedDataset",),
    "covariate_table": ("CovariateTableDataset",),
    "sample_panel": ("SamplePanelDataset",),
    "gene_annotation": ("GeneAnnotationDataset",),
    "track_table": ("TrackTableDataset",),
    "known_answer": ("KnownAnswerDataset",),
    "sequences": ("SequencesDataset",),
    "external_eqtls": ("EqtlTableDataset",),
    "top_associations": ("TopAssociationsDataset",),
    "gwas_catalog": ("GwasCatalogDataset",),
    "clinvar": ("ClinvarDataset",),
    "expression_levels": ("ExpressionBedDataset",),
    "enformer_sequences": ("EnformerSequencesDataset",),
}

#: Entries of the catalog that are another view on what is stored under a second name.
SAME_STORE = {"prediction_files": "track_predictions", "stored_figures": "figure_scores_by_model"} | {
    f"trained_{name}": f"final_{name}"
    for name in (
        "dosage_weights",
        "dosage_models",
        "stack_weights",
        "track_weights",
        "genes",
        "facts",
        "enformer_facts",
    )
}


class InputHooks:
    """Refuse a run whose parameters or inputs cannot be used."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Every parameter is known, and every group valid."""
        check_parameters(context.config_loader["parameters"])

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Every input is there, readable, and fits the others."""
        names = {name for name in pipeline.inputs() if not name.startswith("params:") and name != "parameters"}
        made = pipeline.all_outputs()
        _require_runner(run_params.get("runner"))
        groups = check_parameters(catalog.load("parameters"))
        inputs = names - {CHECKED_INPUTS}
        if groups["baselines"].reference == "none" and "sequences" not in names:
            catalog["reference_genome"] = MemoryDataset(NoReference(), copy_mode="assign")
            inputs -= {"reference_genome"}
        _require_entries(inputs, catalog)
        if "trained_genes" in inputs:
            named = (run_params.get("runtime_params") or {}).get("run_name") is not None
            _require_own_folder(groups["apply"], catalog, named=named)
        _require_makers_of_handles(inputs, catalog)
        require_stored_inputs(inputs, catalog.exists, lambda name: _place(catalog, name), _producers())
        reads_variants = {"genotype_file", "variants"} <= names | made and catalog.exists("variants")
        if run_params.get("only_missing_outputs") and reads_variants:
            require_same_sources(catalog.load, groups["data_prep"], reference=groups["baselines"].reference)
        checked = made | COHORT_OUTPUTS if CHECKED_INPUTS in names else made
        study = check_inputs(names, checked, catalog.load, groups)
        if CHECKED_INPUTS in names:
            catalog.save(CHECKED_INPUTS, CheckedInputs(_describe_files(names, catalog), study))


class SummaryHooks:
    """End a run by saying what came out and where it lies."""

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Print what was predicted or scored, and where the page lies; refuse a score that cannot be."""
        made = pipeline.all_outputs()
        if any(name.endswith("track_predictions") for name in made):
            click.echo(f"Peak memory: {_peak_memory_gib():.1f} GiB")
        from haploformer.run_summary import summarise_run

        for text in summarise_run(made, catalog.load, partial(_place, catalog)):
            click.echo(text)
        if "prediction_verification" in made:
            _require_whole(catalog)
        if "evaluation_report" in made:
            from haploformer.evaluation.known_answer import require_inside

            require_inside(catalog.load("known_answer_check"))


def _require_whole(catalog: CatalogProtocol) -> None:
    """Every stored prediction is as it was written."""
    table = catalog.load("prediction_verification")
    bad = table[table["state"] != "whole"]
    if len(bad):
        first = bad.iloc[0]
        raise InputError(
            f"{_place(catalog, 'prediction_files')}/{first['file']}",
            f"the file is {first['state']} ({len(bad)} of {len(table)} files are)",
            "remove the damaged files and compute them again: kedro run --pipelines enformer_inference",
        )


def check_parameters(parameters: dict[str, Any]) -> dict[str, ParameterGroup]:
    """All groups, validated; InputError for a name that no group has, or a value that a group refuses."""
    known = [*GROUPS, *SHORTCUTS]
    groups = {}
    for name in parameters:
        if name not in known:
            # YAML knows names that are no text: true, 1.
            raise InputError(f"parameters:{name}", f"no such parameter{_nearest(str(name), known)}", "correct the name")
    for name, model in GROUPS.items():
        try:
            # Kedro has made models of the groups that the run's own nodes read.
            value = parameters.get(name, {})
            groups[name] = value if isinstance(value, model) else model.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(["parameters:" + name, *(str(part) for part in first["loc"])])
            if first["type"] == "extra_forbidden":
                *groups_above, last = map(str, first["loc"])
                for part in groups_above:
                    model = model.model_fields[part].annotation
                problem = f"no such parameter{_nearest(last, list(model.model_fields))}"
                raise InputError(where, problem, "correct the name") from None
            message = f"{first['msg']}, got {first['input']!r}"
            raise InputError(where, message, "correct the value") from None
    return groups


def _describe_files(names: set[str], catalog: CatalogProtocol) -> Any:
    """One row per file that users bring, as in `haploformer.input_audit.CheckedInputs`."""
    import pandas as pd

    from haploformer.formats.input_files import describe_input

    rows = []
    for name in sorted(names):
        dataset = catalog.get(name)
        if hasattr(dataset, "files"):
            found = describe_input(dataset.files())
            indices = ", ".join(found.indices) or None
            rows.append((name, dataset.kind, found.name, found.n_bytes, found.compression, indices, found.has_checksum))
    return pd.DataFrame(rows, columns=["input", "kind", "file", "n_bytes", "compression", "indices", "checksum"])


def _require_runner(runner: Any) -> None:
    if runner is not None and "ParallelRunner" in str(runner):
        raise InputError(
            "--runner",
            "ParallelRunner cannot pass handles on files between processes",
            "use SequentialRunner (the default) or ThreadRunner",
        )


def _require_entries(names: set[str], catalog: CatalogProtocol) -> None:
    """The catalog says of every input where it lies."""
    for name in sorted(names):
        if catalog.get(name) is None:
            raise InputError(f"catalog:{name}", "the catalog has no such entry", "add it to catalog.yml in conf/<env>")
        _require_kind(name, catalog.get(name))


def _require_own_folder(options: Any, catalog: CatalogProtocol, *, named: bool) -> None:
    """Other people's tables must not take the place of those of people whose expression was measured."""
    trained = _place(catalog, "trained_genes")
    if not named:
        raise InputError(
            "parameters:run_name",
            "none is given, and tables of these people must not take the place of another run's",
            "give these people a name: --params run_name=NAME",
        )
    if trained == _place(catalog, "final_genes"):
        raise InputError(
            "parameters:run_name",
            f"the outputs would take the place of those of the run that the models come from ({trained})",
            "give these people another name: --params run_name=NAME",
        )
    if catalog.exists("person_folds"):
        raise InputError(
            "parameters:run_name",
            f"a run of people whose expression was measured lies there ({_place(catalog, 'person_folds')})",
            "give these people another name: --params run_name=NAME",
        )
    if options.models is not None and options.models.rstrip("/").split("/")[-1] not in trained.split("/"):
        raise InputError(
            "parameters:apply.models",
            f"it is {options.models} in a file of parameters, and the models are read from {trained}",
            "give it on the command line: --params apply.models=...",
        )


def _require_kind(name: str, dataset: Any) -> None:
    """One of the project's own datasets stands where its kind belongs; others may stand anywhere."""
    wanted = _KINDS.get(name)
    if wanted is None or not type(dataset).__module__.startswith("haploformer.datasets"):
        return
    if type(dataset).__name__ not in wanted:
        raise InputError(
            f"catalog:{name}",
            f"its type is {type(dataset).__name__}, which reads something else",
            f"set the type {' or '.join(wanted)} and the file that belongs to it",
        )


def _require_makers_of_handles(names: set[str], catalog: CatalogProtocol) -> None:
    """A handle is never stored: a run that needs one must make it."""
    for name in sorted(names):
        if getattr(catalog.get(name), "_EPHEMERAL", False):
            makers = [node.name for made in pipelines.values() for node in made.nodes if name in node.outputs]
            if not makers:
                raise InputError(
                    f"catalog:{name}",
                    "it is an input of the run, and a dataset in memory holds nothing before one",
                    "give it the type and the path of a file in catalog.yml",
                )
            raise InputError(
                name, "it is made in each run and not stored", f"begin the run there: --from-nodes {makers[0]}"
            )


def _producers() -> dict[str, str]:
    """Which pipeline makes each dataset: the smallest of those that do."""
    by_size = sorted(
        (name for name in pipelines if name != "__default__"), key=lambda name: -len(pipelines[name].nodes)
    )
    makers = {made: name for name in by_size for made in pipelines[name].all_outputs()}
    return makers | {files: makers[store] for files, store in SAME_STORE.items() if store in makers}


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (nearest: {near[0]})" if near else f" (there are: {', '.join(known)})"


def _peak_memory_gib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def _place(catalog: CatalogProtocol, name: str) -> str:
    return str(catalog.get(name)._describe().get("filepath", name))
